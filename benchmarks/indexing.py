"""How long an index takes, beside what others make of the same files, and how much memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import corpora
from benchmarks import racing
from benchmarks.floor import same

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


def measure(directory: Path) -> Iterator[racing.Row]:
    """Make the corpora in a directory and yield the lines of the table."""
    for corpus in _CORPORA:
        yield from _full(directory, corpus)
    yield from _unchanged(directory)


def _full(directory: Path, corpus: _Corpus) -> Iterator[racing.Row]:
    make = getattr(corpora, corpus.name)
    make(directory / corpus.name, corpus.notebooks)
    make(directory / f"{corpus.name}, few", corpus.few)
    new = directory / "new"
    files, few = str(directory / corpus.name), str(directory / f"{corpus.name}, few")
    index = racing.scrapdb("--db", str(new / "scraps.db"), "-q", "index", files, "--workers", _WORKERS)
    floor = racing.python("-m", "benchmarks.floor", files, str(new / "floor.db"), _WORKERS)
    _check(few, new)
    results = racing.race({"scrapdb": index, "floor": floor}, _ROUNDS, partial(_empty, new))
    ours = corpus.notebooks / results["scrapdb"].seconds
    theirs = corpus.notebooks / results["floor"].seconds
    work = f"index {corpus.notebooks:,} notebooks, {corpus.name}"
    yield racing.Row(
        work, "floor (time)", _rate(ours), _rate(theirs), results["scrapdb"].times(results["floor"]), "≤ 1.5"
    )
    commands = {peer: racing.python("-m", "benchmarks.peers", peer, few, str(new / "peer.db")) for peer in _PEERS}
    for peer, measured in racing.race(commands, 1, partial(_empty, new)).items():
        theirs = corpus.few / measured.seconds
        yield racing.Row(work, f"{peer} ({corpus.few})", _rate(ours), _rate(theirs), ours / theirs, _bar(corpus, peer))
    shutil.rmtree(directory / corpus.name)


def _check(files: str, new: Path) -> None:
    """See that the floor does the same work: its rows are those of scrapdb."""
    _empty(new)
    index = racing.scrapdb("--db", str(new / "scraps.db"), "-q", "index", files)
    floor = racing.python("-m", "benchmarks.floor", files, str(new / "floor.db"), _WORKERS)
    racing.race({"scrapdb": index, "floor": floor}, 1, lambda: None)
    same(str(new / "floor.db"), str(new / "scraps.db"))


def _unchanged(directory: Path) -> Iterator[racing.Row]:
    tree, store = directory / "tree", directory / "tree.db"
    corpora.links(tree, _TREE)
    index = racing.scrapdb("--db", str(store), "-q", "index", str(tree), "--workers", _WORKERS)
    first = racing.race({"first": index}, 1, lambda: None)["first"]
    work = f"index {_TREE:,} notebooks"
    for part in (1, 30):  # of a hundred directories; SQLite's cache is full with the second
        some = [str(tree / str(number)) for number in range(part)]
        few = racing.race(
            {"few": racing.scrapdb("--db", str(directory / f"{part}.db"), "-q", "index", *some)}, 1, lambda: None
        )["few"]
        against = f"of {_TREE * part // 100:,}"
        yield racing.Row(
            f"{work}: memory", against, _mega(first.peak), _mega(few.peak), first.peak / few.peak, "≤ 250 MB"
        )
    again = {"scrapdb": index, "stat": racing.python("-m", "benchmarks.peers", "stat", str(tree), "")}
    results = racing.race(again, _ROUNDS, lambda: None)
    ours, theirs = results["scrapdb"], results["stat"]
    yield racing.Row(
        f"{work}, none changed", "walk and stat", _seconds(ours), _seconds(theirs), ours.times(theirs), "≤ 1.5"
    )


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()


def _bar(corpus: _Corpus, peer: str) -> str:
    return corpus.bar if peer == "scrapbook" else ""


def _seconds(measured: racing.Measured) -> str:
    return f"{measured.seconds:.2f} s"


def _rate(notebooks: float) -> str:
    return f"{notebooks:,.0f}/s"


def _mega(size: int) -> str:
    return f"{size / 2**20:.0f} MB"
