"""Records of runs in a store: what of them `runs` shows, and that they come and go with their notebooks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database import Database
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows
from scrapdb.store.upkeep import optimize
from scrapdb.store.upkeep import settle
from scrapdb.store.write import Writer
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import facts_of
from tests.notebook_builder import scrap
from tests.store.made import write
from tests.stores import check
from tests.stores import contents
from tests.stores import query
from tests.stores import runs


def ran(path: str, state: str, *outputs: Any, **record: Any) -> Rows:
    metadata = {"run": {"version": 1, "state": state, **record}}
    return rows(File(path, None, 1, 2, "hash"), facts_of(code("glue()", scrap("x", 1), *outputs), scrapdb=metadata))


@pytest.mark.parametrize(
    ("state", "outputs", "reason", "shown"),
    [
        ("killed", [], "memory: 2 of 2 GB", "memory: 2 of 2 GB"),
        ("timed out", [error("KeyboardInterrupt", "")], "60 s in cell 7", "60 s in cell 7"),
        ("timed out", [error("KeyboardInterrupt", "")], None, "KeyboardInterrupt"),
        ("failed", [error("KeyError", "'x'")], "KeyError: 'x' in cell 1", "KeyError: 'x'"),
        ("failed", [], "no kernel python4", "no kernel python4"),
        ("lost", [], "its runner was gone", "its runner was gone"),
        ("skipped", [], "no new data", None),
        ("completed", [], "well", None),
    ],
)
def test_runs_show_why_a_run_was_ended(
    tmp_path: Path, state: str, outputs: list[Any], reason: str | None, shown: str | None
) -> None:
    store = tmp_path / "scraps.db"
    write(store, [ran("a.ipynb", state, *outputs, reason=reason)])
    check(store)
    row = runs(store)["a.ipynb"]
    assert (row["nb_status"], row.get("nb_error"), row["x"]) == (state, shown, 1)
    with Writer(store) as writer:
        optimize(writer)
    assert runs(store)["a.ipynb"] == row


def test_records_come_and_go_with_their_notebooks(tmp_path: Path) -> None:
    store, plain = tmp_path / "scraps.db", [rows(File("b.ipynb", None, 1, 2, "hash"), facts_of(code("1")))]
    files = [{"path": "out\ud800.csv", "bytes": 7, "sha256": "e0"}]
    write(
        store, [ran("a.ipynb", "killed", reason="a\0\ud800", files=files, warnings=["é"], limits={"memory": 1})], plain
    )
    ((reason, kept, warnings, limits),) = query(store, "SELECT reason, files, warnings, limits FROM records")
    assert reason == "a\\u0000\\ud800"
    assert (json.loads(kept), json.loads(warnings), json.loads(limits)) == (files, ["é"], {"memory": 1})
    write(store, [ran("a.ipynb", "completed", cell=3)])
    assert query(store, "SELECT state, cell, reason, files FROM records") == [("completed", 3, None, None)]
    with Writer(store) as writer:
        writer.remove(["a.ipynb"])
    write(tmp_path / "never.db", plain)
    assert contents(store, used=True)["records"] == contents(tmp_path / "never.db")["records"]
    check(store)


def test_reports_come_and_go_with_their_notebooks(tmp_path: Path) -> None:
    def made(path: str, **report: Any) -> Rows:
        metadata = {"report": {"id": "0a", "state": "completed", **report}}
        return rows(File(path, None, 1, 2, "hash"), facts_of(code("1"), scrapdb=metadata))

    store, plain = tmp_path / "scraps.db", [rows(File("b.ipynb", None, 1, 2, "hash"), facts_of(code("1")))]
    write(store, [made("a/report.ipynb", title="a\0\ud800", pages=["report.html\ud800"]), *plain])
    ((title, pages),) = query(store, "SELECT title, pages FROM reports")
    assert (title, json.loads(pages)) == ("a\\u0000\\ud800", ["report.html\ud800"])
    write(store, [made("a/report.ipynb", language="ca")])
    assert query(store, "SELECT id, language, title, pages FROM reports") == [("0a", "ca", None, None)]
    with Writer(store) as writer:
        writer.remove(["a/report.ipynb"])
    assert query(store, "SELECT * FROM reports") == []
    check(store)


def test_records_are_looked_up_though_there_were_few_when_they_were_counted(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [ran("a.ipynb", "killed"), ran("b.ipynb", "killed")])
    for maintain in (settle, optimize):
        with Writer(store) as writer:
            maintain(writer)
        plan = Database(store).explain("x = 1", columns="x, exec.reason", sort="exec.cell")
        assert re.search(r"SEARCH records USING INTEGER PRIMARY KEY \(rowid=\?\) LEFT-JOIN", plan)
        assert not re.search(r"SCAN records", plan)
