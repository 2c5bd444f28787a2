"""scrapdb: every value, plot and table that your notebooks glued, in one SQLite file.

    import scrapdb
    db = scrapdb.open("scraps.db")
    db.index("tickers/")
    for run in db.query("distance < 0.1", sort="distance"):
        print(run["symbol"], run["distance"])

And, in a notebook, what glues them: scrapbook's API.

    import scrapdb as sb
    sb.glue("distance", 0.02)

The public names are handed on when they are first asked for, so that importing this package loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from scrapdb import encoders as encoders
    from scrapdb.database import Database as Database
    from scrapdb.database import open as open  # noqa: A004 - named as what it does, like sqlite3's and gzip's
    from scrapdb.encoders.scrap import Scrap as Scrap
    from scrapdb.encoders.scrap import Scraps as Scraps
    from scrapdb.errors import ScrapdbError as ScrapdbError
    from scrapdb.magic import load_ipython_extension as load_ipython_extension
    from scrapdb.scrapbook import exceptions as exceptions
    from scrapdb.scrapbook.gluing import glue as glue
    from scrapdb.scrapbook.notebook import Notebook as Notebook
    from scrapdb.scrapbook.reading import read_notebook as read_notebook
    from scrapdb.scrapbook.reading import read_notebooks as read_notebooks
    from scrapdb.scrapbook.scrapbook import Scrapbook as Scrapbook

_HOMES = {
    "Database": "scrapdb.database",
    "Notebook": "scrapdb.scrapbook.notebook",
    "Scrap": "scrapdb.encoders.scrap",
    "Scrapbook": "scrapdb.scrapbook.scrapbook",
    "ScrapdbError": "scrapdb.errors",
    "Scraps": "scrapdb.encoders.scrap",
    "glue": "scrapdb.scrapbook.gluing",
    "load_ipython_extension": "scrapdb.magic",
    "open": "scrapdb.database",
    "read_notebook": "scrapdb.scrapbook.reading",
    "read_notebooks": "scrapdb.scrapbook.reading",
}
_MODULES = {"encoders": "scrapdb.encoders", "exceptions": "scrapdb.scrapbook.exceptions"}
__all__ = [
    "Database",
    "Notebook",
    "Scrap",
    "Scrapbook",
    "ScrapdbError",
    "Scraps",
    "encoders",
    "exceptions",
    "glue",
    "open",
    "read_notebook",
    "read_notebooks",
]


def __getattr__(name: str) -> Any:
    """Hand on a public name from the module that defines it."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
