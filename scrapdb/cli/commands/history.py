"""scrapdb history: the versions of one notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli import drawing
from scrapdb.cli import options
from scrapdb.cli.printing import Printing
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.database.history import History

_DRAWN = frozenset({".svg", ".png", ".html"})


def command(
    notebook: options.NotebookName,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", hidden=True, autocompletion=options.field_names),
    ] = None,
    *,
    changes: Annotated[
        bool, typer.Option("--changes", help="Only the versions in which one of the values changed.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", min=0, metavar="N", help="Show the last so many.")
    ] = None,
    branches: Annotated[
        bool, typer.Option("--branches", help="Also the versions of branches on which the notebook was otherwise.")
    ] = False,
    chart: Annotated[bool, typer.Option("--chart", help="Draw the values over time.")] = False,
    printing: Printing,
    settings: options.Settings,
) -> None:
    """Show the versions of NOTEBOOK, the newest last, and what the values NAME were in each.

    A NAME is a field or any expression of the query language; without one the numbers and texts are shown that changed.
    In a table a value that is not as in the version before has a mark: it has risen, fallen, or is another one.
    Versions are kept by `scrapdb index --keep`, and read from commits by `scrapdb index --git`. NOTEBOOK may be gone.

    \b
    scrapdb history BCD
    scrapdb history BCD distance --changes
    scrapdb history BCD distance "last / first as growth" -n 30 --json
    scrapdb history BCD distance --chart
    scrapdb history BCD distance -o distance.svg
    """
    is_drawn = chart or (printing.chosen() is None and printing.output and printing.output.suffix.lower() in _DRAWN)
    if is_drawn and printing.chosen():
        raise UsageError(f"A chart is no rows: leave out --chart, or -f {printing.chosen()}.")
    found = settings.database().history(notebook, names or (), changes=changes, limit=limit, branches=branches)
    if is_drawn:
        drawing.write(found.plot(), drawing.Picture(output=printing.output), settings.say)
    elif printing.resolved() == "table":
        _print_table(found, printing, settings)
    else:
        printing.print_rows(found, settings.say)
    if found.other_branches:
        were = "version of another branch is" if found.other_branches == 1 else "versions of other branches are"
        settings.say(f"{found.other_branches:,} {were} left out; --branches shows them.")


def _print_table(found: History, printing: Printing, settings: options.Settings) -> None:
    from scrapdb.database.history import ASCII
    from scrapdb.database.history import UNICODE

    def more(count: int) -> str:
        return f"{count:,} more {'value' if count == 1 else 'values'} changed here; name those to be shown."

    marks = UNICODE if printing.output or drawing.is_wide() else ASCII
    printing.print_rows(found.for_people(marks), settings.say, more=more)
