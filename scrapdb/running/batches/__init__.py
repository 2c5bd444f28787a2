"""Batches: what is asked for, which of it is to run, what becomes of it; and removing what is old.

Begin with `composing` and `batch`. A run itself is the business of `kernels`.
"""
