"""Reading a store, a module for each table: names, notebooks with their values and cells, frames, displays, problems.

Each function takes a connection and gives plain values. `sizes`, `overview` and `columns` read across all tables.
"""
