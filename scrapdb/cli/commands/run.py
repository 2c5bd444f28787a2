"""scrapdb run: a notebook with many parameters."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli import run_options as options
from scrapdb.cli.options import Settings
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.running.request import Request
    from scrapdb.running.runs import Runs

_INTERRUPTED = 130
_ROWS = frozenset({"parameter", "zipped", "file", "for_each", "name", "resume", "rerun", "dry_run", "as_json"})


def command(
    notebook: Annotated[str, typer.Argument(metavar="NOTEBOOK", hidden=True)],
    *,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Where the executed notebooks go.")
    ] = None,
    parameters: options.Parameters,
    choice: options.Choice,
    way: options.Way,
    limit: options.Limit,
    wall: options.Wall,
    follow: Annotated[bool, typer.Option("--follow", help="Print what runs print, their names and cells in front.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print an array with an object for each run.")] = False,
    settings: Settings,
) -> None:
    """Execute NOTEBOOK with many parameters, and bring each run into the store when it ends.

    Runs are executed at the same time, each behind a wall and in a directory of its own. NOTEBOOK is a path or URL, or
    a file (batch.yaml) that says all this; what is typed comes before what it says.

    The exit code is 1 if a run did not end well. Ctrl-C ends the batch with grace, twice at once.

    \b
    scrapdb run source.ipynb -o tickers -p symbol=AAA,BBB,CCC
    scrapdb run train.ipynb -o models -p depth=1,2,3 -p rate=0.1,0.01 --memory 2GB
    scrapdb run source.ipynb -o tickers -f symbols.csv --resume
    """
    from scrapdb.cli.batches import Teller
    from scrapdb.running.batch import carry_out
    from scrapdb.running.events import Stop

    request, warnings = _request(notebook, output, settings, parameters, {**_given(choice, way, limit), **_walls(wall)})
    for warning in warnings:
        settings.say(f"Warning: {warning}")
    if choice.dry_run:
        _print_choices(request, settings, as_json=as_json)
        return
    stop = Stop()
    teller = None if settings.quiet else Teller(request.directory, follow=follow)
    try:
        runs = carry_out(request, teller, stop)
    finally:
        if teller:
            teller.closed()
    _tell(runs, settings, as_json=as_json)
    if stop.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if runs.failed:
        raise typer.Exit(1)
