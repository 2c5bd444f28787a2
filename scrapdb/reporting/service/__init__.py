"""The service: reports are asked for over HTTP, in a sentence or by the clock, made, and brought to who wants them.

Begin with `ledger/schema.sql`, which is what all its parts have in common:
`asking` turns sentences into requests, `scheduling` makes them when their time has come, `web` takes them over HTTP,
`work` makes the reports, and `delivering` brings them to their readers. Each reads and writes the ledger, and none
calls another.
"""
