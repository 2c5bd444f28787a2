from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.store.rows import File
from scrapdb.store.rows import rows
from scrapdb.store.write import Writer
from tests.notebook_builder import code
from tests.notebook_builder import facts_of
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import contents
from tests.stores import query

# Those of versions are not put off: they find what was there before.
NAMES = """
SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND name NOT LIKE 'version%' ORDER BY name"""
ALL = [
    ("displays_by_hash",), ("executions_by_batch",), ("executions_by_report",), ("executions_by_state",),
    ("frames_by_hash",), ("notebooks_by_code_hash",), ("notebooks_by_started_at",), ("notebooks_by_status",),
    ("parameters_by_value",), ("problems_by_notebook",), ("scraps_by_value",),
]  # fmt: skip


def test_an_empty_store_gets_its_indexes_when_it_is_full(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        assert query(store, NAMES) == ALL
        with writer.filling():
            assert query(store, NAMES) == []
            writer.write([rows(File("a.ipynb"), facts_of(code("1")))])
        assert query(store, NAMES) == ALL
        with writer.filling():
            assert query(store, NAMES) == ALL


def test_they_are_made_after_an_error(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        with pytest.raises(ScrapdbError, match="gone"), writer.filling():
            raise ScrapdbError("The cluster is gone.")
        assert query(store, NAMES) == ALL


def test_the_next_writer_makes_what_a_killed_one_has_not(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    killed = "import os, sys; from pathlib import Path; from scrapdb.store.write import Writer\n"
    killed += "with Writer(Path(sys.argv[1])) as writer, writer.filling(): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", killed, str(store)], check=False)
    assert query(store, NAMES) == []
    with Writer(store):
        assert query(store, NAMES) == ALL


def test_many_notebooks_and_few_give_the_same_store(tmp_path: Path) -> None:
    for number in range(1_100):
        write(tmp_path / f"{number % 7}" / f"{number}.ipynb", gluing(x=number, y="text" if number % 3 else number))
    many, few = tmp_path / "many.db", tmp_path / "few.db"
    Database(many).index(tmp_path)
    for directory in range(7):
        Database(few).index(tmp_path / str(directory))
    assert contents(many) == contents(few)
    assert query(many, NAMES) == ALL
    (plan,) = query(many, "EXPLAIN QUERY PLAN SELECT * FROM scraps WHERE name_id = 1 AND number < 7")
    assert "scraps_by_value" in str(plan)
