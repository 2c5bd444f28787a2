"""scrapdb du: how many bytes are where."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated
from typing import Literal

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing
from scrapdb.formats.values import size

if TYPE_CHECKING:
    from scrapdb.store.readers.sizes import OfVersions

_By = Literal["scrap", "notebook", "encoder"]


def command(
    *,
    by: Annotated[_By, typer.Option(metavar="[scrap|notebook|encoder]", help="What to add up.")] = "scrap",
    printing: Printing,
    settings: Settings,
) -> None:
    """Show what takes how many bytes, largest first.

    `bytes` is what values and displays take in the notebooks; `inline` and `sidecar` what they take in the store and in
    the files beside it. If versions are kept, it says what they take that nothing else needs.
    """
    db = settings.database()
    printing.print_rows(db.sizes(by), settings.say)
    totals = db.totals()
    taken = {name: size(count) for name, count in totals.items()}
    settings.say(
        f"{totals['notebooks']:,} notebooks of {taken['files']}, of which scraps take {taken['scraps']};"
        f" the store has {taken['store']} and {taken['sidecars']} of sidecars."
    )
    if found := db.sizes_of_versions():
        settings.say(_told(found))


def _told(found: OfVersions) -> str:
    counts = f"{_counted(found.versions, 'version')} of {_counted(found.notebooks, 'notebook')}"
    least = "at least " if found.tables is None else ""
    store = size((found.tables or 0) + found.blobs)
    return f"{counts} take {least}{store} of the store and {size(found.sidecars)} of sidecars."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
