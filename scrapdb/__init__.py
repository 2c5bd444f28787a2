"""scrapdb: every value, plot and table that your notebooks glued, in one SQLite file.

The public names are handed on when they are first asked for, so that importing this package loads nothing heavy:

    import scrapdb
    db = scrapdb.open("scraps.db")
    db.index("tickers/")
    for run in db.query("distance < 0.1", sort="distance"):
        print(run["symbol"], run["distance"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from scrapdb.database import Database as Database
    from scrapdb.database import open as open  # noqa: A004 - named as what it does, like sqlite3's and gzip's
    from scrapdb.errors import ScrapdbError as ScrapdbError

_HOMES = {
    "Database": "scrapdb.database",
    "open": "scrapdb.database",
    "ScrapdbError": "scrapdb.errors",
}
__all__ = ["Database", "ScrapdbError", "open"]  # noqa: PLE0604 - lazily


def __getattr__(name: str) -> Any:
    """Hand on a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
