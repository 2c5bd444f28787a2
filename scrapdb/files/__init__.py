"""Files and URLs: their paths, and writing that is complete or does not happen.

It knows nothing of notebooks and stores, and imports only what says errors and cleans texts. Begin with `paths`.
"""
