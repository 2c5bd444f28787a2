"""How long an index takes, beside what others make of the same files, and how much memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import corpora
from benchmarks.floor import same
from benchmarks.racing import Measured
from benchmarks.racing import Row
from benchmarks.racing import python
from benchmarks.racing import race
from benchmarks.racing import scrapdb

_WORKERS = "2"
_ROUNDS = 3
_TREE = 100_000


class _Corpus(NamedTuple):
    name: str
    notebooks: int
    few: int  # for those that take a minute for what takes others a second
    bar: str


_CORPORA = (
    _Corpus("small", 10_000, 500, "≥ 100"),
    _Corpus("large", 1_500, 200, "≥ 30"),
    _Corpus("sparse", 5_000, 300, ""),
    _Corpus("many", 500, 60, ""),
)
_PEERS = ("scrapbook", "nbformat", "sklearn", "duckdb")


def measure(directory: Path) -> Iterator[Row]:
    """Make the corpora in a directory and give the lines of the table."""
    for corpus in _CORPORA:
        yield from _full(directory, corpus)
    yield from _unchanged(directory)


def _full(directory: Path, corpus: _Corpus) -> Iterator[Row]:
    make = getattr(corpora, corpus.name)
    make(directory / corpus.name, corpus.notebooks)
    make(directory / f"{corpus.name}, few", corpus.few)
    new = directory / "new"
    files, few = str(directory / corpus.name), str(directory / f"{corpus.name}, few")
    index = scrapdb("--db", str(new / "scraps.db"), "-q", "index", files, "--workers", _WORKERS)
    floor = python("-m", "benchmarks.floor", files, str(new / "floor.db"), _WORKERS)
    _check(few, new)
    found = race({"scrapdb": index, "floor": floor}, _ROUNDS, partial(_empty, new))
    ours = corpus.notebooks / found["scrapdb"].seconds
    theirs = corpus.notebooks / found["floor"].seconds
    work = f"index {corpus.notebooks:,} notebooks, {corpus.name}"
    yield Row(work, "floor (time)", _rate(ours), _rate(theirs), found["scrapdb"].times(found["floor"]), "≤ 1.5")
    commands = {peer: python("-m", "benchmarks.peers", peer, few, str(new / "peer.db")) for peer in _PEERS}
    for peer, measured in race(commands, 1, partial(_empty, new)).items():
        theirs = corpus.few / measured.seconds
        yield Row(work, f"{peer} ({corpus.few})", _rate(ours), _rate(theirs), ours / theirs, _bar(corpus, peer))
    shutil.rmtree(directory / corpus.name)


def _check(files: str, new: Path) -> None:
    """See that the floor does the same work: its rows are those of scrapdb."""
    _empty(new)
    index = scrapdb("--db", str(new / "scraps.db"), "-q", "index", files)
    floor = python("-m", "benchmarks.floor", files, str(new / "floor.db"), _WORKERS)
    race({"scrapdb": index, "floor": floor}, 1, lambda: None)
    same(str(new / "floor.db"), str(new / "scraps.db"))


def _unchanged(directory: Path) -> Iterator[Row]:
    tree, store = directory / "tree", directory / "tree.db"
    corpora.links(tree, _TREE)
    index = scrapdb("--db", str(store), "-q", "index", str(tree), "--workers", _WORKERS)
    first = race({"first": index}, 1, lambda: None)["first"]
    work = f"index {_TREE:,} notebooks"
    for part in (1, 30):  # of a hundred directories; SQLite's cache is full with the second
        some = [str(tree / str(number)) for number in range(part)]
        few = race({"few": scrapdb("--db", str(directory / f"{part}.db"), "-q", "index", *some)}, 1, lambda: None)[
            "few"
        ]
        against = f"of {_TREE * part // 100:,}"
        yield Row(f"{work}: memory", against, _mega(first.peak), _mega(few.peak), first.peak / few.peak, "≤ 250 MB")
    again = {"scrapdb": index, "stat": python("-m", "benchmarks.peers", "stat", str(tree), "")}
    found = race(again, _ROUNDS, lambda: None)
    ours, theirs = found["scrapdb"], found["stat"]
    yield Row(f"{work}, none changed", "walk and stat", _seconds(ours), _seconds(theirs), ours.times(theirs), "≤ 1.5")


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()


def _bar(corpus: _Corpus, peer: str) -> str:
    return corpus.bar if peer == "scrapbook" else ""


def _seconds(measured: Measured) -> str:
    return f"{measured.seconds:.2f} s"


def _rate(notebooks: float) -> str:
    return f"{notebooks:,.0f}/s"


def _mega(size: int) -> str:
    return f"{size / 2**20:.0f} MB"
