"""Python parsed, in threads too.

Of trees that CPython makes in several threads, it counts the depth together, and if a collection of garbage comes in
between it may fail with SystemError: https://github.com/python/cpython/issues/106905, mended in 3.11.8 and 3.12.2.
"""

from __future__ import annotations

import ast
from typing import Any

_TRIES = 100


def module(source: str) -> ast.Module:
    """Parse statements. What is raised is what `ast.parse` raises."""
    tree: ast.Module = _parsed(source, "exec")
    return tree


def expression(source: str) -> ast.expr:
    """Parse one expression. What is raised is what `ast.parse` raises."""
    tree: ast.Expression = _parsed(source, "eval")
    return tree.body


def _parsed(source: str, mode: str) -> Any:
    for _ in range(_TRIES):
        try:
            return ast.parse(source, mode=mode)
        except SystemError:
            continue
    return ast.parse(source, mode=mode)
