"""The ledger: a SQLite file beside the reports, in which stands what was asked for and what became of it.

It is the queue as well. A process that takes something up holds the lock on a file of its own as long as it lives, so
that whether it is gone is never a matter of time. Begin with `schema.sql`, then `ledger`.
"""
