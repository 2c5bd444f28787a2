"""Files to facts: finding notebooks, reading them, and what one holds; and edits that keep every other byte.

It knows what notebooks look like, and nothing of SQL; above `encoders`, whose payloads stand in them. Begin with
`extract`.
"""
