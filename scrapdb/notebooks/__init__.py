"""Files to facts: finding notebooks, reading them, and what one holds; and edits that keep every other byte.

`scan` finds, `read` takes the bytes, `ipynb` types them, `extract` decides what is kept, asking `wire` for scraps, and
`decode` makes values, frames and bytes of these; what comes out needs no more reading. It knows what notebooks look
like, and nothing of SQL; above `encoders`, whose payloads stand in them. Begin with `extract`.
"""
