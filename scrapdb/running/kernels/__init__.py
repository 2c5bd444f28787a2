"""One run: a kernel in its place behind a wall, the cells that it executes, how it ends, and what is kept of it.

Begin with `execute` and `session`; `walls` and `inside` are what holds, `forking` and `servers` what is fast.
"""
