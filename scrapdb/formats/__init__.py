"""Rows and displays for people and programs: as a table, JSON, CSV, Markdown or parquet, and as HTML that cannot act.

It knows neither notebooks nor stores; above `files`. Begin with `rows`, which has the table of formats.
"""
