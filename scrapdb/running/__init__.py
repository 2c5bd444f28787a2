"""Running notebooks: a grid of parameters, each run behind a wall, recorded, and in the store when it ends.

Imports everything below it; the doors import it. `rows` says what is to run, `batches` what becomes of it, and
`kernels` does one run; `task` and `events` are what passes between them, `run` is the way in from Python, and `engine`
papermill's.
"""
