"""scrapdb prune: old runs, removed with all that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.options import Where
from scrapdb.cli.options import complain
from scrapdb.cli.printing import Printing
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.running.batches.prune import Old


def command(
    directory: Annotated[str | None, typer.Argument(metavar="DIR", hidden=True)] = None,
    *,
    keep_last: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Keep the last N runs of each source notebook.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only runs that began longer ago: 30d, 12h.")
    ] = None,
    where: Where = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would go, and remove nothing.")] = False,
    printing: Printing,
    settings: Settings,
) -> None:
    """Remove old runs from below DIR, or wherever the store knows some: those that all options choose.

    Of each go the executed notebook, the files that were kept of it (NAME.files/) and its rows, together or not at all;
    of a report its whole directory, unless there are other files in it, and what was pushed of it, unless something
    else is there now.
    Runs are notebooks that were executed from another one, their source; nothing else is touched, nor what a runner is
    at or what lies at a URL. With --keep-last, runs are counted by the path of their source, the last begun first,
    among those that --where chooses: failed ones stay for ever with the second line.

    \b
    scrapdb prune --keep-last 30 --dry-run
    scrapdb prune runs --older-than 30d --where "nb.status = 'completed'"
    """
    from scrapdb.running.batches import prune
    from scrapdb.running.rows.units import duration

    if keep_last is None and older_than is None and where is None:
        raise UsageError("Which runs are old? Say --keep-last N, --older-than 30d or --where EXPR.")
    store = settings.database().path
    if not dry_run:
        prune.restore(store, directory)
    seconds = None if older_than is None else duration(older_than)
    runs = prune.old(store, directory, keep_last=keep_last, older_than=seconds, where=where)
    size = {run.path: run.bytes for run in runs}
    if dry_run:
        _print(runs, printing, settings)
    else:
        runs, wrong = prune.remove(store, runs)
        for sentence in wrong:
            complain(sentence)
    count = f"{len(runs):,} run{'' if len(runs) == 1 else 's'} ({sum(size[run.path] for run in runs):,} bytes)"
    settings.say(f"{count} would be removed." if dry_run else f"Removed {count}.")
    if not dry_run and wrong:
        raise typer.Exit(1)


def _print(runs: Sequence[Old], printing: Printing, settings: Settings) -> None:
    from scrapdb.database.table import Table

    columns = ("notebook", "nb.status", "nb.started_at", "bytes")
    rows = [(run.path, run.status, run.started_at, run.bytes) for run in runs]
    printing.print_rows(Table(columns, lambda: iter(rows), times=columns[2:3]), settings.say)
