"""Asking in a sentence: `north sales from 2025-01-01 to 2025-02-01` is which report, with which parameters?

Begin with `asking.meaning`. `matching` lays a sentence beside those that config.json lists, `reading` reads what stands
where a parameter is asked for, `days` reads days and ranges of them by the table of `words`.
"""
