"""The command line: one module per command; and the plugin for sqlite-utils.

Python looks for cycles of garbage after every 700 new objects, and once more at its end. What a command imports and
makes lives until it ends, so that a quarter of a short one's time went into looking.
"""

from __future__ import annotations

import atexit
import gc
import sys

if "sqlite_utils" not in sys.modules:  # which loads its plugin in processes that are not ours
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)  # what is frozen is not looked at
