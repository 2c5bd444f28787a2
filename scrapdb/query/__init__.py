"""The query language: a text becomes tokens, a tree, a bound tree, a statement, and rows.

Every stage can be printed, and none but the last touches a store; above `store`. Begin with `select`, and with the
grammar in `parser`.
"""
