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

from scrapdb import scrapbook

if TYPE_CHECKING:
    from scrapdb import encoders as encoders
    from scrapdb.database import Database as Database
    from scrapdb.database import open as open  # noqa: A004 - named as what it does, like sqlite3's and gzip's
    from scrapdb.database.magic import load_ipython_extension as load_ipython_extension
    from scrapdb.errors import ScrapdbError as ScrapdbError
    from scrapdb.reporting import report as report
    from scrapdb.running.run import run as run
    from scrapdb.scrapbook import Notebook as Notebook
    from scrapdb.scrapbook import Scrap as Scrap
    from scrapdb.scrapbook import Scrapbook as Scrapbook
    from scrapdb.scrapbook import Scraps as Scraps
    from scrapdb.scrapbook import exceptions as exceptions
    from scrapdb.scrapbook import glue as glue
    from scrapdb.scrapbook import read_notebook as read_notebook
    from scrapdb.scrapbook import read_notebooks as read_notebooks
    from scrapdb.scrapbook.skipping import skip as skip

__version__ = "0.1.0"
_HOMES = {
    "Database": "scrapdb.database",
    "ScrapdbError": "scrapdb.errors",
    "load_ipython_extension": "scrapdb.database.magic",
    "open": "scrapdb.database",
    "run": "scrapdb.running.run",
    "skip": "scrapdb.scrapbook.skipping",
}
_MODULES = {"report": "scrapdb.reporting.report"}
__all__ = [*scrapbook.__all__, "Database", "ScrapdbError", "open", "report", "run", "skip"]  # noqa: PLE0604 - they are texts


def __getattr__(name: str) -> Any:
    """Hand on a public name from the module that defines it, or the module itself."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    return getattr(import_module(_HOMES[name]) if name in _HOMES else scrapbook, name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
