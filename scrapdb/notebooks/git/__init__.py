"""Notebooks in git: every version that was committed, read from a repository's objects.

Begin with `repository`, which runs git so that nothing in a repository is executed or fetched; `commits` reads what
each commit changed, `lineage` tells from that which version followed which and when, and `blobs` reads their content.
"""
