"""The store: facts to rows in SQLite, large frames beside it, and reading both again.

It knows SQL, and has never heard of a notebook file; above `formats`. Begin with `schema.sql`.
"""
