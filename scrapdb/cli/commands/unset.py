"""scrapdb unset: the reverse of glue."""

from __future__ import annotations

from scrapdb.cli.edited import edited
from scrapdb.cli.options import Cell
from scrapdb.cli.options import NotebookName
from scrapdb.cli.options import ScrapName
from scrapdb.cli.options import Settings


def command(notebook: NotebookName, name: ScrapName, *, cell: Cell = None, settings: Settings) -> None:
    """Take the scrap NAME out of NOTEBOOK: its file, and the store.

    Its value goes, what was shown for it, and all repetitions; the rest of the file stays byte for byte. NOTEBOOK is a
    path, or as much of its end as tells it from others in the store.

    \b
    scrapdb unset BCD distance
    """
    with edited(notebook, settings) as found:
        found.unset(name, cell=cell)
