"""scrapbook's API: `from scrapdb import scrapbook as sb`, or the same names in `scrapdb` itself.

    sb.glue("distance", 0.02)
    notebook = sb.read_notebook("tickers/BCD.ipynb")
    notebook.scraps["distance"].data

Names are handed on when they are asked for: `glue` in a kernel must not load what only reading needs. The room stands
on `notebooks`, and knows neither stores nor queries. Begin with `gluing`, and with `notebook`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from scrapdb import encoders as encoders
    from scrapdb.encoders.scrap import Scrap as Scrap
    from scrapdb.encoders.scrap import Scraps as Scraps
    from scrapdb.scrapbook import exceptions as exceptions
    from scrapdb.scrapbook.gluing import glue as glue
    from scrapdb.scrapbook.notebook import Notebook as Notebook
    from scrapdb.scrapbook.reading import read_notebook as read_notebook
    from scrapdb.scrapbook.reading import read_notebooks as read_notebooks
    from scrapdb.scrapbook.scrapbook import Scrapbook as Scrapbook

# Public name to the module that defines it, or that it is.
HOMES = {
    "Notebook": "scrapdb.scrapbook.notebook",
    "Scrap": "scrapdb.encoders.scrap",
    "Scrapbook": "scrapdb.scrapbook.scrapbook",
    "Scraps": "scrapdb.encoders.scrap",
    "encoders": "scrapdb.encoders",
    "exceptions": "scrapdb.scrapbook.exceptions",
    "glue": "scrapdb.scrapbook.gluing",
    "read_notebook": "scrapdb.scrapbook.reading",
    "read_notebooks": "scrapdb.scrapbook.reading",
}
__all__ = [*HOMES]  # noqa: PLE0604 - they are texts


def __getattr__(name: str) -> Any:
    """Hand on a public name from the module that defines it."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(HOMES[name])
    return home if HOMES[name].endswith(f".{name}") else getattr(home, name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
