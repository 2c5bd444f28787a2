"""scrapdb index: bring the store up to date."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.options import complain
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.indexing.changes import Summary
    from scrapdb.indexing.loop import Progress
    from scrapdb.store.versions import Retention

_MAX_MIB = 256
_SHALLOW = "The clone is shallow: what came before its first commits comes by `git fetch --unshallow`."
_DIGITS = 18  # so that SQLite can hold the number
_RETENTION = re.compile(r"all|[0-9][0-9a-z.]*")


def command(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH...", hidden=True)] = None,
    *,
    git: Annotated[
        str | None,
        typer.Option(
            metavar="REPO[@REV]",
            help="All versions committed to a repository: on every branch, or up to REV.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Pass over names or relative paths. Repeatable.")
    ] = None,
    no_prune: Annotated[bool, typer.Option("--no-prune", help="Keep notebooks whose files are gone.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Read unchanged notebooks too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any notebook is unreadable.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes that read.  [default: one per processor]")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Read on a cluster of dask.distributed: tcp://host:8786.")
    ] = None,
    max_bytes: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", show_default=f"{_MAX_MIB} MiB", help="Size beyond which a notebook is not read."
        ),
    ] = _MAX_MIB * 2**20,
    null: Annotated[bool, typer.Option("-0", "--null", help="The list on standard input is separated by NUL.")] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[N|AGE]",
            help="Keep what notebooks were, from now on: all versions, the last N, or those of 30d; 0: none.",
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: index after every change, until Ctrl-C.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, with the errors that it has.")
    ] = False,
    settings: Settings,
) -> None:
    """Read the notebooks below each PATH into the store, which is made if there is none.

    A PATH is a directory, a notebook, a glob, a URL such as s3://bucket/runs, or `-` for a list of files on standard
    input. Unchanged notebooks cost one look at their size and time. Notebooks gone from below a named directory or URL
    are removed from the store.

    Of a repository (--git) every committed version of its notebooks is read, without a check-out. Those of its last
    commit, or of REV, are in the store as notebooks, too, where it has no files of that path.
    """
    from scrapdb.indexing import commits
    from scrapdb.indexing.loop import index

    paths = paths or []
    _check(paths, git, watch=watch, strict=strict, workers=workers, scheduler=scheduler)
    path = settings.store_path(create=True)
    how: dict[str, Any] = {
        "exclude": exclude or (),
        "prune": not no_prune,
        "workers": workers,
        "max_bytes": max_bytes,
    }
    once = partial(index, path, scheduler=scheduler, **how)
    kept = _retention(keep) if keep else None
    roots = [root for root in paths if root != "-"]
    names = _listed(null=null) if "-" in paths else ()
    with _progress(settings) as progress:
        repository = git and commits.opened(git)
        summary = once(roots=roots, names=names, force=force, keep=kept, progress=progress)
        if repository:
            if repository[0].is_shallow:
                settings.say(_SHALLOW)
            summary = summary.beside(commits.index(path, *repository, force=force, progress=progress, **how))
    _tell(summary, path, settings, as_json=as_json)
    if watch:
        _follow(path, paths, once, summary, settings, as_json=as_json)
    if summary.errors or (strict and (summary.failed or summary.failed_versions)):
        raise typer.Exit(1)


def spelled(args: list[str]) -> list[str]:
    """Say `--keep all` where --keep stands alone: before an option, a path, or nothing."""
    end = args.index("--") if "--" in args else len(args)
    return [
        "--keep=all" if arg == "--keep" and place < end and not _RETENTION.fullmatch(after) else arg
        for place, (arg, after) in enumerate(zip(args, [*args[1:], ""], strict=False))
    ]


def _retention(wanted: Sequence[str]) -> Retention:
    """Read which versions are to be kept: `100`, `30d`, both, or `all`."""
    from scrapdb.store.versions import Retention

    count = seconds = None
    for text in wanted:
        if text.isdecimal() and len(text) <= _DIGITS:
            count = int(text)
        elif text != "all":
            from scrapdb.running.rows.units import duration

            try:
                seconds = int(duration(text if text[-1:].isalpha() else ""))  # seconds are said, too
            except UsageError:
                raise UsageError(f"--keep takes a number of versions or an age, as 100 or 30d, not {text!r}.") from None
    return Retention(count, seconds)


def _check(
    paths: Sequence[str], git: str | None, *, watch: bool, strict: bool, workers: int | None, scheduler: str | None
) -> None:
    if not paths and git is None:
        raise UsageError("Name what to index: a PATH, or a repository with --git.")
    if git is not None and (watch or scheduler):
        how = "index it again after a commit" if watch else "they do not see its objects"
        raise UsageError(f"--{'watch' if watch else 'scheduler'} is for files, not for a repository (--git): {how}.")
    if scheduler and workers:
        raise UsageError("--workers starts processes here, and with --scheduler those of a cluster read. Name one.")
    if watch and strict:
        raise UsageError("--strict says how an index ends, and with --watch it does not end. Name one.")
    if watch:
        from scrapdb.indexing.watch import check

        check(paths)


def _tell(summary: Summary, path: Path, settings: Settings, *, as_json: bool) -> None:
    for error in summary.errors:
        settings.say(f"Warning: {error}")
    if as_json:
        _print_json(summary, path)
    else:
        settings.say(f"{summary} → {path}")
    if summary.failed and settings.verbose:
        _say_reasons(path, settings)
    elif summary.failed:
        settings.say("`scrapdb problems` says what is wrong with those that failed.")
    if summary.failed_versions:
        settings.say("`scrapdb problems --versions` says what is wrong with the versions that failed.")


def _say_reasons(path: Path, settings: Settings) -> None:
    """Say why notebooks of the store cannot be read."""
    from scrapdb.database import Database

    db = Database(path)
    unreadable = {run["nb.path"] for run in db.query("nb.status = 'unreadable'", columns="nb.path")}
    for notebook, *_, message in db.problems().rows():
        if notebook in unreadable:
            settings.say(f"{notebook}: {message}")


def _print_json(summary: Summary, path: Path) -> None:
    """Print all that the sentence tells, and the errors, on one line; of versions only if a repository was read."""
    import json

    import msgspec

    values = msgspec.structs.asdict(summary) | {"seconds": round(summary.seconds, 3)}
    if summary.failed_versions is None:
        del values["versions"], values["failed_versions"]
    values |= {"notebooks": summary.notebooks, "store": str(path)}
    typer.echo(json.dumps(values, ensure_ascii=False))


def _listed(*, null: bool) -> Iterator[str]:
    """Read paths from standard input; bytes that are not UTF-8 stay what they are."""
    import os

    separator = b"\0" if null else b"\n"
    for line in sys.stdin.buffer.read().split(separator):
        if line.strip():
            yield os.fsdecode(line if null else line.rstrip(b"\r"))


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[Progress], None]]:
    """Draw a bar on a terminal; elsewhere say nothing."""
    if settings.quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with typer.progressbar(length=0, label="Reading", file=sys.stderr, show_pos=True) as bar:

        def draw(progress: Progress) -> None:
            bar.length = progress.to_read
            bar.update(progress.read - bar.pos)

        yield draw


def _follow(
    store: Path, roots: Sequence[str], index: partial[Summary], last: Summary, settings: Settings, *, as_json: bool
) -> None:
    """Index after every change until it is interrupted; print a line for each pass, and in the end what all did."""
    from scrapdb.indexing.changes import Change
    from scrapdb.indexing.watch import PATIENCE
    from scrapdb.indexing.watch import watch

    told = (Change.ADDED, Change.CHANGED, Change.REMOVED, Change.FAILED)
    settings.say("Watching for changes; Ctrl-C ends it.")
    total = last
    try:
        for news in watch(store, roots, partial(index, patience=PATIENCE, apart=True), last):
            if isinstance(news, str):
                complain(f"Warning: {news}")
                continue
            for error in news.errors:
                complain(f"Warning: {error}")
            if as_json:
                _print_json(news, store)
            else:
                settings.say(f"{time.strftime('%H:%M:%S')}  {news.told(*told)}")
            total = total.then(news)
    finally:
        settings.say(f"Watched: {total.told(*told)} → {store}")
