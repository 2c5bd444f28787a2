"""The store in Python: `Database` and what its questions give; editing, exporting and comparing; the magic of Jupyter.

The command line and the pages stand on it; it stands on `query`, `indexing` and `scrapbook`. Begin with `database`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from scrapdb.database.database import Database as Database
    from scrapdb.database.database import open as open  # noqa: A004 - named as what it does, like sqlite3's and gzip's

__all__ = ["Database", "open"]


def __getattr__(name: str) -> Any:
    """Hand on a public name; the rooms of this package are loaded one by one."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("scrapdb.database.database"), name)
