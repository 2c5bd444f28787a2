"""What it costs to keep versions: to index, to ask without looking back, to look back, and on disk."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import scrapdb
from benchmarks import corpora
from benchmarks import racing
from benchmarks import stores
from scrapdb.database import Database

_NOTEBOOKS = 30_000
_ROUNDS = 3
_ASKED, _VERSIONS = 100_000, 20
_LEAST, _MOST, _ENOUGH = 2, 15, 4.0  # times that each is asked, and seconds after which it is enough
_QUESTIONS = (
    "distance < 0.001",
    "distance < 0.1 and close",
    "last / first > 1.1",
    'symbol in ("S00001", "S00002", "S00003")',
    "nb.status = 'failed'",
    None,
)
_MOMENT = "2026-10-10"


def measure(directory: Path) -> Iterator[racing.Row]:
    """Index with and without versions, then ask a store that has many, and yield the lines of the table."""
    yield from _indexing(directory)
    plain = stores.kept(stores.DIRECTORY, _ASKED, 0)
    kept = stores.remembering(plain, _VERSIONS)
    yield _sizes(f"a store of {_ASKED:,} notebooks with {_VERSIONS} versions each", "without versions", kept, plain)
    of = f"{_ASKED:,} notebooks × {_VERSIONS} versions"
    now = scrapdb.open(kept)
    for question in _QUESTIONS:
        yield _asked(question, (now, scrapdb.open(plain)), of, "without versions", "≤ 1.1")
    for question in _QUESTIONS:
        yield _asked(question, (now.at(_MOMENT), now), f"{of}, as of a day", "the present")
    for question in _QUESTIONS[:3]:
        yield _asked(question, (now.versions(), now), f"{of}, all versions", "the present")


def _indexing(directory: Path) -> Iterator[racing.Row]:
    """Index the notebooks of a night, and those of the next night over them, of which each is another."""
    nights = [directory / f"night {night}" for night in range(2)]
    for night, tree in enumerate(nights):
        corpora.small(tree, _NOTEBOOKS, night)
    tree, new, before = directory / "tree", directory / "new", directory / "before"
    commands = {
        name: racing.scrapdb("--db", str(new / f"{name}.db"), "-q", "index", str(tree), *words)
        for name, words in {"kept": ("--keep",), "plain": ()}.items()
    }
    nights[0].rename(tree)
    results = _race(commands, partial(_restore, None, new))
    yield _ratio(f"index {_NOTEBOOKS:,} notebooks, --keep", results)
    racing.race({"kept": commands["kept"]}, 1, lambda: None)  # beside the other's, which was the last
    shutil.copytree(new, before)
    tree.rename(nights[0])
    nights[1].rename(tree)
    results = _race(commands, partial(_restore, before, new))
    yield _ratio(f"index {_NOTEBOOKS:,} notebooks that have all changed, --keep", results)
    racing.race({"kept": commands["kept"]}, 1, lambda: None)
    yield _sizes(
        f"{_NOTEBOOKS:,} notebooks with 2 versions each", "without versions", new / "kept.db", new / "plain.db"
    )
    shutil.rmtree(tree)


def _race(commands: Mapping[str, racing.Command], before: Callable[[], None]) -> dict[str, racing.Measured]:
    """Run them in turn, and take the processor's time."""
    return {name: found.of_processor() for name, found in racing.race(commands, _ROUNDS, before).items()}


def _ratio(work: str, results: Mapping[str, racing.Measured]) -> racing.Row:
    ours, theirs = results["kept"], results["plain"]
    told, beside = (f"{measured.seconds:.1f} s" for measured in (ours, theirs))
    return racing.Row(work, "without --keep", told, beside, ours.times(theirs), "≤ 1.3")


def _sizes(work: str, against: str, kept: Path, plain: Path) -> racing.Row:
    ours, theirs = kept.stat().st_size, plain.stat().st_size
    told, beside = (f"{size / 2**20:,.0f} MB" for size in (ours, theirs))
    return racing.Row(f"{work}: disk", against, told, beside, ours / theirs, "")


def _asked(question: str | None, dbs: tuple[Database, Database], of: str, against: str, bar: str = "") -> racing.Row:
    """Ask both in turn, as `querying` does, and take the least of the processor's time of each."""
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    began = time.process_time()
    while len(times["ours"]) < _LEAST or (len(times["ours"]) < _MOST and time.process_time() - began < _ENOUGH):
        both = [*zip(times, dbs, strict=True)]
        for name, db in both[:: -1 if len(times["ours"]) % 2 else 1]:
            before = time.process_time()
            rows = list(db.query(question, "symbol, distance").rows())
            times[name].append(time.process_time() - before)
            if not rows:
                sys.exit(f"{question} finds nothing in {db}.")
    least, other = min(times["ours"]), min(times["theirs"])
    shown = f"`{question}`" if question else "`-c 'symbol, distance'`"
    return racing.Row(f"{shown}, {of}", against, f"{least * 1000:.1f} ms", f"{other * 1000:.1f} ms", least / other, bar)


def _restore(before: Path | None, new: Path) -> None:
    """Make a directory what it was before, or empty."""
    shutil.rmtree(new, ignore_errors=True)
    if before:
        shutil.copytree(before, new)
    else:
        new.mkdir()
