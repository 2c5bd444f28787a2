"""Which modules a notebook imports, found without running it, for what imports them before."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

from scrapdb.notebooks import ipython
from scrapdb.notebooks import syntax

# What has to come before an import that counts on it; the first of these are statements of IPython.
_CHANGED = re.compile(r"^\s*%(?:set_)?env\b", re.MULTILINE)
_CHANGES = re.compile(
    r"\benviron(?:\[.*\] = |\.(?:setdefault|update|pop)\b)|\b(?:putenv|load_dotenv)\b"
    r"|\bsys\.(?:path\.insert\b|path(?:\[.*\])? \+?= |modules\[.*\] = )"
)
_WRITTEN = re.compile(r"^\s*%%(?:write)?file\s+(?:-a\s+)?(\w+)\.py\b")


def imported(cells: Iterable[str], beside: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the modules that cells import where they stand at the edge, without running them.

    Names that are imported from a module may be modules themselves, and are given as such. What comes after a change of
    the environment, or of where modules are looked for, is left to the run; so are modules that stand beside it.

    Args:
        cells: sources of code cells.
        beside: paths of what is beside the notebook.
    """
    sources = [*cells]
    own = {*(Path(path).stem for path in beside), *(name for each in sources for name in _WRITTEN.findall(each))}
    modules = _imported(_before_changes(sources))
    return tuple(dict.fromkeys(module for module in modules if module.partition(".")[0] not in own))


def _before_changes(sources: Iterable[str]) -> Iterator[ast.stmt]:
    """Yield statements up to one that changes what is imported after it, or how."""
    for source in sources:
        if _CHANGED.search(source):
            return
        if "%matplotlib" in source:
            yield ast.Import([ast.alias("matplotlib.pyplot")])
        for statement in _statements(source):
            if _CHANGES.search(ast.unparse(statement)):
                return
            yield statement


def _statements(source: str) -> list[ast.stmt]:
    python = ipython.as_python(ipython.aligned(source))
    try:
        with warnings.catch_warnings(action="ignore"):
            return syntax.module(python or "").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _imported(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield what is imported come what may: in the body of `try` and `with` too, but not on a condition."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Try | ast.With):
            yield from _imported(node.body)
