"""Stores of other versions: older, newer, and not as this one makes them."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from proof import notebooks
from proof.read_only import READING
from proof.running import refused
from proof.running import scrapdb
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim

_NOTEBOOKS = 60
_ASKING = [words for words in READING if words[0] != "sql"]  # whose own mistake a missing table would be
_WRITING = (("optimize",), ("gc",))
_SAYS = ("upgrade", "index again", "Name another file")


def prove(trial: Trial) -> Iterator[Counts]:
    """Change the version, or take tables and columns away; everybody says what to do, and nothing is written."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    sound = trial.directory / "sound.db"
    succeeded(scrapdb("index", root, db=sound))
    with closing(sqlite3.connect(sound)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        changes = list(_changes(connection, version))
    for number in trial.rounds():
        store = trial.part(f"round{number}") / "scraps.db"
        shutil.copyfile(sound, store)
        shutil.copytree(f"{sound}-frames", f"{store}-frames")
        change = changes[number] if number < 5 else trial.random.choice(changes)
        with closing(sqlite3.connect(store)) as connection:
            try:
                connection.execute(change)
            except sqlite3.OperationalError:
                continue  # a column that an index or a key needs cannot go
            connection.commit()
            connection.execute("PRAGMA journal_mode = DELETE")
        before = store.read_bytes()
        asked = (*trial.random.sample(_ASKING, 3), *_WRITING, ("index", str(root), "--force"))
        for words in asked:
            run = scrapdb(*words, db=store)
            claim(run.code == 0 or any(word in run.err for word in _SAYS), f"{change}: `{run.command}`: {run.err}")
            yield Counter({"answered, not needing what is gone" if run.code == 0 else "refused, saying what to do": 1})
        if change.startswith("PRAGMA"):
            refused(scrapdb("index", root, db=store), *_SAYS)
            claim(store.read_bytes() == before, f"{change}: a store of another version was written to")
        yield Counter({"other stores": 1})


def _changes(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    for other in (0, version + 1, 1, version + 1000, -1):
        yield f"PRAGMA user_version = {other}"
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (table,) in connection.execute(tables).fetchall():
        yield f"DROP TABLE {table}"
        for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
            yield f'ALTER TABLE {table} DROP COLUMN "{column}"'
            yield f'ALTER TABLE {table} RENAME COLUMN "{column}" TO "other"'
        yield f"ALTER TABLE {table} ADD COLUMN other"
