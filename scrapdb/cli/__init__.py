"""The command line: one module per command.

Python looks for cycles of garbage after every 700 new objects, and once more at its end. What a command imports and
makes lives until it ends, so that a quarter of a short one's time went into looking.
"""

from __future__ import annotations

import atexit
import gc

gc.set_threshold(100_000)
atexit.register(gc.freeze)  # what is frozen is not looked at
