"""Reports: bundles of notebook, template and translations become HTML, each made by a run of its own.

Imports running and all below it; the doors import it. `bundles` says what somebody wrote, `making` has it run and keeps
what came of it, `rendering` makes a page of that in a process of its own, `preview` shows one while it is written, and
`report` is the way in from Python.
"""
