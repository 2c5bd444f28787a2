"""What runs behind the wall, in the kernel's own Python: the standard library only, and none of scrapdb.

`launch` is the way of a fresh kernel, `server` that of forked ones.
"""
