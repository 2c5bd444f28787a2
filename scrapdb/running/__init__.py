"""Running notebooks: a grid of parameters, each run behind a wall, recorded, and in the store when it ends.

Imports everything below it; the doors import it. Begin with `batch.run`, then `execute.execute`, which does one run, and
`walls`.
"""
