"""Proofs that a store lives through what happens to files, disks and processes: `python -m proof`.

A proof is a module with a function `prove(trial)`. It does harm again and again, and yields after each time what it
counted; what does not hold it raises as a `DisprovedError`.
"""
