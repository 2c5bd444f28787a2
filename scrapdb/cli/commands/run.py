"""scrapdb run: a notebook with many parameters."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli import run_options as options
from scrapdb.cli.options import Settings
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.running.batches.batch_file import Batch
    from scrapdb.running.batches.request import Request
    from scrapdb.running.batches.runs import Run
    from scrapdb.running.batches.runs import Runs
    from scrapdb.running.rows.parameters import Signature

_INTERRUPTED = 130
_LISTED = 20  # runs that did not end well
_ROWS = frozenset({"parameter", "zipped", "file", "for_each", "name", "resume", "rerun", "dry_run", "as_json"})


def command(
    notebook: Annotated[str, typer.Argument(metavar="NOTEBOOK", hidden=True)],
    *,
    rows: options.Rows,
    choice: options.Choice,
    way: options.Way,
    cluster: options.Cluster,
    limit: options.Limit,
    wall: options.Wall,
    follow: Annotated[bool, typer.Option("--follow", help="Print what runs print, name and cell in front.")] = False,
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
    from scrapdb.running.batches.batch import carry_out
    from scrapdb.running.events import Stop

    request, warnings = _request(notebook, rows, settings, options.given(rows, choice, way, cluster, limit, wall))
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
    _tell(runs, request.directory, settings, as_json=as_json)
    if stop.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if runs.failed:
        raise typer.Exit(1)


def _request(notebook: str, rows: options.Rows, settings: Settings, given: dict[str, Any]) -> tuple[Request, list[str]]:
    """Make a request of what was typed and of what a batch file says, and sentences of what is to be known about it."""
    from scrapdb.running.batches import batch_file
    from scrapdb.running.batches.composing import composed
    from scrapdb.running.batches.composing import source
    from scrapdb.running.batches.settings import Settings as How
    from scrapdb.running.rows import grid

    is_batch = batch_file.is_batch(notebook)
    batch = batch_file.read(Path(notebook)) if is_batch else batch_file.Batch(notebook=notebook)
    directory = rows.output or batch.output
    if directory is None:
        raise UsageError("Where do the executed notebooks go? Say -o DIR.")
    how = How(**{**batch.settings, **given})
    store = Path(batch.db) if batch.db and not settings.db else settings.store_path(create=True)
    found = source(batch.notebook, how.kernel)
    typed = grid.given(rows.parameter or ())
    table = _table(rows, batch, store, found.signature, typed)
    wanted = grid.rows({**batch.values, **typed}, table, zipped=rows.zipped or batch.zip)
    return composed(found, directory, wanted, store, how, secrets=_secrets(rows.secret or batch.secrets))


def _table(
    rows: options.Rows, batch: Batch, store: Path, signature: Signature, typed: Collection[str]
) -> list[dict[str, Any]] | None:
    """Read the rows of a file or of the store, if there are to be any; those of a batch file give way to -p."""
    from scrapdb.running.rows import grid

    if rows.file and rows.for_each is not None:
        raise UsageError("Rows come from a file or from the store: name one of -f and --for-each.")
    names = None if signature.open else signature.parameters
    if rows.file:
        return grid.read(rows.file, store)
    if rows.for_each is not None:
        return grid.for_each(store, rows.for_each, names)
    table = batch.table(store) if batch.for_each is None else grid.for_each(store, batch.for_each, names)
    return table and [{name: value for name, value in row.items() if name not in typed} for row in table]


def _secrets(names: Sequence[str]) -> dict[str, str]:
    """Take secrets from the environment, else ask for them on a terminal."""
    return {name: os.environ[name] if name in os.environ else _prompted(name) for name in names}


def _prompted(name: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"There is no environment variable {name} to take the secret from.")
    value: str = typer.prompt(name, hide_input=True, err=True)
    return value


def _print_choices(request: Request, settings: Settings, *, as_json: bool) -> None:
    """Print what would run, and why or why not."""
    from scrapdb.cli.printing import Printing
    from scrapdb.database.table import Table
    from scrapdb.running.batches.request import decided
    from scrapdb.running.rows.parameters import plain

    rows = [(run.output, plain(run.parameters), choice.runs, choice.why) for run, choice in decided(request)]
    Printing(json=as_json).print_rows(Table(("notebook", "parameters", "runs", "why"), lambda: iter(rows)))
    begin = sum(runs for _, _, runs, _ in rows)
    settings.say(f"{begin:,} of {len(rows):,} runs would begin; nothing was started or written.")


def _tell(runs: Runs, directory: str, settings: Settings, *, as_json: bool) -> None:
    """Print what became of the runs, and how to repeat those that did not end well."""
    from scrapdb.cli.printing import Printing

    if as_json:
        Printing(json=True).print_rows(runs.table())
    for run in runs.failed[:_LISTED]:
        settings.say(f"{_sentence(run)}\n  {_repeating(run, directory)}")
    if runs.failed[_LISTED:]:
        settings.say(f"{len(runs.failed) - _LISTED:,} more did not end well; all of them run again by\n  {_again()}")
    settings.say(str(runs))


def _sentence(run: Run) -> str:
    return f"{run.path}: {run.state}{f', {run.reason}' if run.reason else ''}"


def _repeating(run: Run, directory: str) -> str:
    """Return the command that repeats one run, and nothing else."""
    from scrapdb.cli.repeating import assigned
    from scrapdb.cli.repeating import typed

    given = [word for name, value in run.parameters.items() for word in ("-p", assigned(name, value))]
    name = run.path.removeprefix(directory.rstrip("/") + "/")
    return typed(without=_ROWS, more=[*given, "--name", name.replace("{", "{{").replace("}", "}}")])


def _again() -> str:
    from scrapdb.cli.repeating import typed

    return typed(without={"resume", "rerun", "dry_run"}, more=["--rerun", "failed"])
