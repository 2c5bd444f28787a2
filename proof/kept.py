"""Commands that keep versions are killed at any moment: none is lost, twice, or another than it was."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from proof import notebooks
from proof.killed import kill
from proof.killed import look
from proof.killed import remove
from proof.running import scrapdb
from proof.running import start
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests.stores import check
from tests.stores import compare

_NOTEBOOKS = 1_500  # several batches, also of those whose first versions are kept
_LAST = 5  # versions
_KEEPING = {"all.db": ("index", "--keep"), f"last {_LAST}.db": ("index", "--keep", str(_LAST))}
_AS_SET = (("index",),) * 3 + (("index", "--force"), ("optimize",), ("gc",))
_SHORTEST, _FIRST_LIMIT, _LONGER = 0.15, 2.0, 1.1  # seconds after which it may be killed, as in `killed`
_COMPARED = 15  # rounds between two comparisons
_VERSIONS = """
SELECT path, version, since, until, previous, content_hash,
       (SELECT group_concat(name || ' ' || s.type || ' ' || coalesce(number, text, json, ''), char(10))
          FROM version_scraps AS s JOIN names ON names.id = name_id WHERE s.notebook_id = v.id)
  FROM versions AS v JOIN version_notebooks AS n USING (id, path)"""
_TWICE = """
SELECT b.path, b.version FROM versions AS a JOIN versions AS b ON b.previous = a.id AND b.since = a.until
  JOIN version_notebooks AS x ON x.id = a.id JOIN version_notebooks AS y ON y.id = b.id
 WHERE x.content_hash IS y.content_hash"""
Kept = dict[tuple[str, int], tuple[Any, ...]]  # by path and number


def prove(trial: Trial) -> Iterator[Counts]:
    """Kill, look, and go on, with a store that keeps all versions and one that keeps the last few."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    seen: dict[str, Kept] = {name: {} for name in _KEEPING}
    limits: dict[tuple[str, ...], float] = {}
    for number in trial.rounds():
        name = trial.random.choice([*_KEEPING])
        store = trial.directory / name
        if not store.exists():
            succeeded(scrapdb("index", root, db=store))  # which has no versions yet
        command = trial.random.choice((_KEEPING[name], *_AS_SET)) if seen[name] else _KEEPING[name]
        paths = [root] if command[0] == "index" else []
        limit = limits.setdefault(command, _FIRST_LIMIT)
        moment = trial.random.uniform(_SHORTEST, limit)
        killed = kill(start(*command, *paths, db=store), moment)
        limits[command] = limit * _LONGER if killed else moment
        yield Counter({"kills survived" if killed else "ended before the kill": 1, **look(store)})
        seen[name] = _still_there(store, seen[name])
        if trial.random.random() < 1 / 2:
            notebooks.shake(root, _NOTEBOOKS, number + 1, trial.random)
        if number % _COMPARED == _COMPARED - 1:
            yield _compare(trial, root, store, seen[name])
            if trial.random.random() < 1 / 2:
                remove(store)
                seen[name] = {}
    for name in _KEEPING:
        if (trial.directory / name).exists():
            yield _compare(trial, root, trial.directory / name, seen[name])


def _still_there(store: Path, before: Kept) -> Kept:
    """See that versions are as they were, but for the end of those that have ended since, and those that are let go."""
    now = _kept(store)
    highest = Counter({path: 0 for path, _ in now})
    for path, version in now:
        highest[path] = max(highest[path], version)
    few = store.name != "all.db"
    for key, was in before.items():
        path, version = key
        if key not in now:
            claim(few and version <= highest[path] - _LAST, f"Version {version} of {path} is gone from {store.name}.")
            continue
        since, until, *rest = now[key]
        claim((since, *rest) == (was[0], *was[2:]), f"Version {version} of {path} was {was}, and is {now[key]}.")
        claim(was[1] in (None, until), f"Version {version} of {path} ended {was[1]}, and now {until}.")
    if few:
        claim(all(version > highest[path] - _LAST for path, version in now), f"More than {_LAST} versions are kept.")
    with closing(sqlite3.connect(store)) as connection:
        twice = connection.execute(_TWICE).fetchmany(3)
    claim(not twice, f"Versions of the same content follow one another: {twice}")
    return now


def _kept(store: Path) -> Kept:
    with closing(sqlite3.connect(store)) as connection:
        return {(path, version): tuple(rest) for path, version, *rest in connection.execute(_VERSIONS)}


def _compare(trial: Trial, root: Path, store: Path, seen: Kept) -> Counts:
    """Let an index end: what is there is the version of each notebook now, and as an index from nothing has it."""
    undisturbed = trial.directory / "undisturbed.db"
    remove(undisturbed)
    succeeded(scrapdb(*_KEEPING[store.name], root, db=store))
    succeeded(scrapdb("index", root, db=undisturbed))
    check(store)
    kept = _still_there(store, seen)
    current = {path: rest[3] for (path, _), rest in kept.items() if rest[1] is None}
    files = {file: file.relative_to(trial.directory).as_posix() for file in root.rglob("*.ipynb")}
    claim(
        current == {path: hashlib.sha256(file.read_bytes()).hexdigest() for file, path in files.items()},
        f"The versions that are there now in {store.name} are not the notebooks' files.",
    )
    return Counter({"rows compared": compare(store, undisturbed), "versions compared": len(kept), "comparisons": 1})
