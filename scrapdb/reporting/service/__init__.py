"""The service: reports are asked for over HTTP, in a sentence or by the clock, made, and brought to who wants them.

Begin with `ledger/schema.sql`, which is what all parts have in common: what one has to tell another stands there.
`desk` takes what is asked for, `asking` understands sentences, `scheduling` asks when the time has come, `web` is for
people and programs, `work` makes the reports, and `delivering` brings them to their readers.
"""
