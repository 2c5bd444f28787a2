"""Indexing: finding what changed, reading it in many processes, and writing it in batches.

The one room that stands on both wings, on `notebooks` and on `store`. Begin with `loop`.
"""
