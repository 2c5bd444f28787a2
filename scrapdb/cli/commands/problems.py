"""scrapdb problems: what could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli.looking_back import Versions
from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing

if TYPE_CHECKING:
    from scrapdb.database.table import Table

_DIGITS = 12  # of a commit's hash


def command(
    notebook: Annotated[str | None, typer.Argument(metavar="NOTEBOOK", hidden=True)] = None,
    *,
    past: Versions,
    printing: Printing,
    settings: Settings,
) -> None:
    """List what could not be read, or looks wrong: the notebook, the cell, the name, and why.

    On a terminal each problem is a sentence below its notebook, unless a format is asked for.
    """
    problems = past.database(settings).problems(notebook)
    if printing.chosen() or printing.resolved() != "table":
        printing.print_rows(problems, settings.say)
    else:
        _print_sentences(problems, settings)


def _print_sentences(problems: Table, settings: Settings) -> None:
    """Print each problem as a sentence, which no column of a table has room for."""
    from scrapdb.formats.values import escaped

    last = None
    for path, *of, cell, output, name, kind, message in problems.rows():
        version = f", version {of[0]}{f' (commit {of[1][:_DIGITS]})' if of[1] else ''}" if of else ""
        if path + version != last:
            typer.echo(escaped(path + version))
        last = path + version
        places = (("cell", cell), ("output", output), ("name", name))
        where = ", ".join(f"{word} {place}" for word, place in places if place is not None)
        typer.echo(escaped(f"  {kind}{f' ({where})' if where else ''}: {message}"))
    if last is None:
        settings.say("There are no problems.")
