"""scrapdb index: bring the store up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import say
from scrapdb.cli.options import setting
from scrapdb.cli.options import store_path
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.indexing.changes import Summary
    from scrapdb.indexing.loop import Progress

_MAX_MIB = 256


@click.command("index", short_help="Read notebooks into the store.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--exclude", metavar="GLOB", multiple=True, help="Pass over names or relative paths. Repeatable.")
@click.option("--no-prune", is_flag=True, help="Keep notebooks whose files are gone.")
@click.option("--force", is_flag=True, help="Read unchanged notebooks too.")
@click.option("--strict", is_flag=True, help="Exit with 1 if any notebook is unreadable.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that read.  [default: one per processor]")
@click.option("--scheduler", metavar="ADDRESS", help="Read on a cluster of dask.distributed: tcp://host:8786.")
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=_MAX_MIB * 2**20,
    show_default="256 MiB",
    help="Size beyond which a notebook is not read.",
)
@click.option("-0", "--null", is_flag=True, help="The list on standard input is separated by NUL.")
@click.option("--watch", is_flag=True, help="Go on: index after every change, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@common
def command(
    paths: tuple[str, ...],
    exclude: tuple[str, ...],
    no_prune: bool,
    force: bool,
    strict: bool,
    workers: int | None,
    scheduler: str | None,
    max_bytes: int,
    null: bool,
    as_json: bool,
    watch: bool,
) -> None:
    """Read the notebooks below each PATH into the store, which is made if there is none.

    A PATH is a directory, a notebook, a glob, a URL such as s3://bucket/runs, or `-` for a list of files on standard
    input. Unchanged notebooks cost one look at their size and time. Notebooks gone from below a named directory or URL
    are removed from the store.
    """
    from functools import partial

    from scrapdb.indexing.loop import index

    _check(paths, watch=watch, strict=strict, workers=workers, scheduler=scheduler)
    path = store_path(create=True)
    once = partial(
        index,
        path,
        exclude=exclude,
        prune=not no_prune,
        workers=workers,
        scheduler=scheduler,
        max_bytes=max_bytes,
    )
    with _progress() as progress:
        roots, names = [root for root in paths if root != "-"], _listed(null) if "-" in paths else ()
        summary = once(roots, names=names, force=force, progress=progress)
    _tell(summary, path, as_json=as_json)
    if watch:
        from scrapdb.cli.watched import follow
        from scrapdb.indexing.watch import PATIENCE

        follow(path, paths, partial(once, patience=PATIENCE, apart=True), summary)
    if summary.errors or (strict and summary.failed):
        raise click.exceptions.Exit(1)


def _check(paths: tuple[str, ...], *, watch: bool, strict: bool, workers: int | None, scheduler: str | None) -> None:
    if scheduler and workers:
        raise UsageError("--workers starts processes here, and with --scheduler those of a cluster read. Name one.")
    if watch and strict:
        raise UsageError("--strict says how an index ends, and with --watch it does not end. Name one.")
    if watch:
        from scrapdb.indexing.watch import check

        check(paths)


def _tell(summary: Summary, path: Path, *, as_json: bool) -> None:
    for error in summary.errors:
        say(f"Warning: {error}")
    if as_json:
        _print_json(summary)
    else:
        say(f"{summary} → {path}")
    if summary.failed:
        _say_reasons(path)


def _say_reasons(path: Path) -> None:
    """Say why notebooks of the store cannot be read, or how to find out."""
    if not setting("verbose"):
        say("`scrapdb problems` says what is wrong with those that failed.")
        return
    from scrapdb.database import Database

    db = Database(path)
    unreadable = {run["nb.path"] for run in db.query("nb.status = 'unreadable'", columns="nb.path")}
    for notebook, *_, message in db.problems().rows():
        if notebook in unreadable:
            say(f"{notebook}: {message}")


def _print_json(summary: Summary) -> None:
    import json

    import msgspec

    click.echo(json.dumps(msgspec.structs.asdict(summary) | {"seconds": round(summary.seconds, 3)}))


def _listed(null: bool) -> Iterator[str]:
    """Read paths from standard input; bytes that are not UTF-8 stay what they are."""
    import os

    separator = b"\0" if null else b"\n"
    for line in sys.stdin.buffer.read().split(separator):
        if line.strip():
            yield os.fsdecode(line if null else line.rstrip(b"\r"))


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Draw a bar on a terminal; elsewhere say nothing."""
    if setting("quiet") or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=0, label="Reading", file=sys.stderr, show_pos=True) as bar:

        def draw(progress: Progress) -> None:
            bar.length = progress.to_read
            bar.update(progress.read - bar.pos)

        yield draw
