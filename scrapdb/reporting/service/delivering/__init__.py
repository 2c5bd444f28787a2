"""Delivering: what became of a report is brought to those who want it, once, and to nobody else.

Begin with `dispatch.step`, which does what is due. `planning` decides who is told what when a request is over,
`letters` writes it, and `targets` has a module for each kind of address. How a delivery ended is one of `outcomes`.
"""
