"""scrapbook's API: `from scrapdb import scrapbook as sb`, or the same names in `scrapdb` itself.

    sb.glue("distance", 0.02)
    notebook = sb.read_notebook("tickers/BCD.ipynb")
    notebook.scraps["distance"].data

Names are handed on when they are asked for: `glue` in a kernel must not load what only reading needs.
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

__all__ = [
    "Notebook",
    "Scrap",
    "Scrapbook",
    "Scraps",
    "encoders",
    "exceptions",
    "glue",
    "read_notebook",
    "read_notebooks",
]


def __getattr__(name: str) -> Any:
    """Hand on a public name, which `scrapdb` has as well."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("scrapdb"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
