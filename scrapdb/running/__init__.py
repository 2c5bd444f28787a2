"""Running notebooks: a grid of parameters, each run behind a wall, recorded, and in the store when it ends.

Imports everything below it; the doors import it. Begin with `run` and `batch`, then `execute`, which does one run, and
`walls`.
"""
