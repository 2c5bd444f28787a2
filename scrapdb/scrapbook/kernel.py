"""Whether there is a kernel whose outputs end in a notebook."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import ParamSpec
from typing import TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def is_kernel() -> bool:
    """Return whether this process is a Jupyter kernel."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def kernel_required(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function warn where there is no kernel: what it shows gets into no notebook."""

    @functools.wraps(function)
    def warning(*args: P.args, **options: P.kwargs) -> T:
        if not is_kernel():
            warnings.warn(f"No kernel detected for '{function.__name__}'.", stacklevel=2)
        return function(*args, **options)

    return warning
