"""Removing old runs: the executed notebook, what was kept beside it and its rows, together or not at all.

Of a report goes its whole directory, unless that holds what no report has: then it is not chosen. Copies of its pages
that were pushed go first; a report of which one cannot be removed stays.

Files are first called something else, then the rows go in one transaction, then the files. Until the rows are gone all
can be undone: at once, or by the next `prune` after one that was killed.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any
from typing import NamedTuple

from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files.paths import located
from scrapdb.files.remote import is_url
from scrapdb.notebooks.times import iso
from scrapdb.running.batches import copies
from scrapdb.running.batches.lock import is_held
from scrapdb.store.connection import reading
from scrapdb.store.readers.executions import unfinished
from scrapdb.store.readers.notebooks import exact_paths
from scrapdb.store.write import Writer

KEPT = ".files"  # follows the name of a notebook, without its suffix, in that of the directory of its kept files
_ASIDE = ".scrapdb-pruned"
_COLUMNS = ("nb.path", "nb.status", "nb.source", "nb.started_at", "nb.mtime", "exec.files", "nb.report.state")
_REPORT = "report.ipynb"
# What stands in the directory of a report.
_OF_REPORT = frozenset(
    {_REPORT, f"report{KEPT}", "report.html", "report.pdf", "output.json", "log.txt", "report.json", "static"}
)
_RUNS = "nb.source is not null"  # a notebook without is one that somebody wrote


class Old(NamedTuple):
    """A run that is to go: its path in the store, its files, its status, when it began, and whether it is a report."""

    path: str
    files: tuple[Path, ...]
    status: str
    started_at: str | None
    is_report: bool = False

    @property
    def bytes(self) -> int:
        """How much its files take."""
        all_ = [part for path in self.files for part in (path, *path.rglob("*"))]
        return sum(path.lstat().st_size for path in all_ if path.is_symlink() or path.is_file())


def old(
    store: Path,
    directory: str | None = None,
    *,
    keep_last: int | None = None,
    older_than: float | None = None,
    where: str | None = None,
) -> list[Old]:
    """Choose runs that are to go: those that all that is given chooses. The last begun come first.

    Only files that the store knows as runs of another notebook are chosen, and nothing that a runner is at.

    Args:
        store: the database file.
        directory: below which to look; by default everywhere.
        keep_last: how many of each source notebook stay, by its path when it was run, of those that `where` chooses.
        older_than: seconds since they began.
        where: an expression that holds for them.

    Raises:
        ExpressionError: the expression is wrong.
        StoreError: there is no store, or it cannot be read.
        UsageError: the directory is at a URL.
    """
    if directory and is_url(directory):
        raise UsageError(
            f"Runs at {directory} are no files, of which all or none could be removed. Remove them there, and let "
            f"`scrapdb index {directory}` forget them."
        )
    limit = None if older_than is None else iso(datetime.now(UTC) - timedelta(seconds=older_than))
    seen: Counter[str] = Counter()
    chosen = []
    for run, source, began in _runs(store, directory, where):
        seen[source] += 1
        if (keep_last is None or seen[source] > keep_last) and (limit is None or began < limit):
            chosen.append(run)
    return chosen


def remove(store: Path, runs: Sequence[Old]) -> tuple[list[Old], list[str]]:
    """Remove runs, and return those that are gone, and why others are not.

    Raises:
        ScrapdbError: a file cannot be renamed, or the store cannot be written; nothing is removed then.
    """
    runs, kept = _without_copies(runs)
    with ExitStack() as undo:
        gone = [aside for run in runs for aside in _set_aside(run, undo)]
        with Writer(store) as writer:
            writer.remove([run.path for run in runs], attempts=True)
        undo.pop_all()
    for path in gone:
        _delete(path)
    return runs, kept


def _without_copies(runs: Sequence[Old]) -> tuple[list[Old], list[str]]:
    """Remove the copies of their pages; return the runs that have none any more, and what is wrong with the others."""
    done, wrong = [], []
    for run in runs:
        try:
            for directory in run.files if run.is_report else ():
                copies.take_back(directory)
        except ScrapdbError as error:
            wrong.append(f"{run.path} stays: {error}")
        else:
            done.append(run)
    return done, wrong


def restore(store: Path, directory: str | None = None) -> None:
    """End what a killed `prune` has begun: what the store still knows gets its name back, the rest is deleted.

    Args:
        store: the database file.
        directory: below which to look; by default where the store has runs.
    """
    runs = [run for run, *_ in _runs(store, directory, None)]
    known = {path for run in runs for path in run.files}
    for parent in {path.parent for path in known}:
        for aside in parent.glob(f".*{_ASIDE}"):
            path = aside.with_name(aside.name[1:].removesuffix(_ASIDE))
            if path not in known:
                _delete(aside)
            elif not path.exists():
                aside.rename(path)


def _runs(store: Path, directory: str | None, where: str | None) -> Iterator[tuple[Old, str, str]]:
    """Yield runs, their source, and when they began, the last first."""
    base, top = os.path.realpath(store.parent), directory and os.path.realpath(directory)
    expression = f"{_RUNS} and ({where})" if where else _RUNS
    rows = list(Database(store).query(expression, _COLUMNS, ("-nb.started_at", "-nb.mtime")).rows())
    with reading(store) as connection:
        exact = exact_paths(connection)
        busy = {each.notebook for each in unfinished(connection) if each.runner and is_held(each.runner)}
    for path, status, source, started_at, mtime, kept, report in rows:
        file = Path(located(path, exact.get(path), base))
        if not is_url(path) and path not in busy and (top is None or file.is_relative_to(top)):
            is_report = report is not None and file.name == _REPORT
            if files := _directory(file.parent) if is_report else _files(file, kept):
                yield Old(path, files, status, started_at, is_report), source, started_at or mtime or ""


def _files(file: Path, kept: Any) -> tuple[Path, ...]:
    """Name a notebook and, if its record says that files of it were kept, their directory."""
    return (file, file.with_name(f"{file.stem}{KEPT}")) if kept else (file,)


def _directory(directory: Path) -> tuple[Path, ...]:
    """Name the directory of a report; nothing if there are other files in it, which a record may only claim."""
    others = {path.name for path in directory.iterdir()} - _OF_REPORT if directory.is_dir() else set()
    return () if others else (directory,)


def _set_aside(run: Old, undo: ExitStack) -> Iterator[Path]:
    for path in run.files:
        aside = path.with_name(f".{path.name}{_ASIDE}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ScrapdbError(f"{path} cannot be removed: {error.strerror}. Nothing was removed.") from error
        undo.callback(aside.rename, path)
        yield aside


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
