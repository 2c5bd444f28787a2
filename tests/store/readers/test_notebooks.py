from __future__ import annotations

import hashlib
import json
import sqlite3
import unicodedata
from contextlib import closing
from typing import Literal

import pytest

from scrapdb.errors import NotebookNotFoundError
from scrapdb.facts import Expression
from scrapdb.store.readers.frames import parquet_of_frame
from scrapdb.store.readers.notebooks import find_notebook
from scrapdb.store.readers.notebooks import notebook_row
from scrapdb.store.readers.notebooks import parameters_of_notebook
from scrapdb.store.readers.notebooks import runs_of_same_code
from scrapdb.store.readers.notebooks import scraps_of_notebook
from tests.query.stores import Notebook
from tests.query.stores import build
from tests.store.readers.glued import VALUES
from tests.store.readers.glued import notebook_id
from tests.store.readers.glued import parquet


def test_scraps_have_the_value_and_the_type_that_was_glued(connection: sqlite3.Connection) -> None:
    found = {value.name: value for value in scraps_of_notebook(connection, notebook_id(connection))}
    assert {name: found[name].value for name in VALUES} == VALUES
    assert {name: type(found[name].value) for name in VALUES} == {name: type(value) for name, value in VALUES.items()}
    assert [*found] == [*VALUES, "frame", "shown"]


def test_scraps_tell_where_they_were_glued(connection: sqlite3.Connection) -> None:
    found = {value.name: value for value in scraps_of_notebook(connection, notebook_id(connection))}
    assert found["big"][:2] == ("big", "scrap")
    assert (found["big"].encoder, found["big"].size) == ("json", len(str(2**70)))
    assert (found["empty"].cell, found["empty"].output, found["empty"].cell_id) == (1, 1, "cell")
    assert found["big"].execution_count == 7
    assert found["shown"].displays == ("image/png", "text/plain")
    frame = found["frame"].frame
    assert frame
    assert (frame.notebook, frame.rows, frame.columns, frame.stored) == ("a/values.ipynb", 3, 1, "inline")
    assert (frame.hash, frame.size) == (hashlib.sha256(parquet()).hexdigest(), len(parquet()))
    assert parquet_of_frame(connection, frame) == parquet()


def test_parameters(connection: sqlite3.Connection) -> None:
    found = {value.name: value for value in parameters_of_notebook(connection, notebook_id(connection))}
    assert {name: value.value for name, value in found.items()} == {
        "alpha": 0.5,
        "text": "x",
        "when": Expression("today()"),
    }
    assert {value.source for value in found.values()} == {"default"}
    assert {value.role for value in found.values()} == {"parameter"}


def test_a_notebook_by_column_name(connection: sqlite3.Connection) -> None:
    row = notebook_row(connection, notebook_id(connection))
    assert (row["path"], row["status"], row["cells"], row["nbformat"]) == ("a/values.ipynb", "completed", 2, "4.5")
    assert json.loads(row["metadata"]) == {}


@pytest.mark.parametrize("wanted", ["values", "values.ipynb", "a/values", "a/values.ipynb"])
def test_a_notebook_is_found_by_the_end_of_its_path(connection: sqlite3.Connection, wanted: str) -> None:
    assert find_notebook(connection, wanted)[1] == "a/values.ipynb"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("wanted", ["\u00fc", "\u00fc.ipynb", "caf\u00e9/\u00fc", "caf\u00e9/\u00fc.ipynb"])
def test_a_notebook_is_found_in_both_spellings(form: Literal["NFC", "NFD"], wanted: str) -> None:
    connection = build([Notebook("caf\u00e9/\u00fc.ipynb"), Notebook("cafe/u.ipynb")])
    assert find_notebook(connection, unicodedata.normalize(form, wanted))[1] == "caf\u00e9/\u00fc.ipynb"
    with pytest.raises(NotebookNotFoundError, match="No notebook is called"):
        find_notebook(connection, unicodedata.normalize(form, "\u00e4"))


def test_of_two_files_that_look_alike_the_one_is_found_that_is_spelled_so() -> None:
    paths = [unicodedata.normalize(form, "\u00fc.ipynb") for form in ("NFC", "NFD")]
    connection = build(map(Notebook, paths))
    assert [find_notebook(connection, path)[1] for path in paths] == paths


@pytest.mark.parametrize("wanted", ["alues", "", "/", "a", "VALUES", "%", "v_lues", "values.ipynb/"])
def test_a_part_of_a_name_is_no_name(connection: sqlite3.Connection, wanted: str) -> None:
    with pytest.raises(NotebookNotFoundError, match="No notebook is called"):
        find_notebook(connection, wanted)


# (path, start, code) in the order in which the runs of one code stand: those without a start first, then by path.
RUNS: list[tuple[str, str | None, str | None]] = [
    ("b", None, "x"), ("d", None, "x"), ("f", None, "x"), ("c", "2026-11-01", "x"), ("a", "2026-11-02", "x"),
    ("e", "2026-11-02", "x"), ("g", "2026-11-02", "x"), ("0", "2026-11-03", "x"),
]  # fmt: skip
OTHERS: list[tuple[str, str | None, str | None]] = [
    ("o", "2026-11-02", "y"),
    ("p", None, "y"),
    ("q", "2026-11-02", None),
]


@pytest.mark.parametrize("place", range(len(RUNS)))
def test_runs_of_the_same_code_by_start_and_path(place: int) -> None:
    """Against all of them sorted in Python."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE notebooks (id INTEGER PRIMARY KEY, path, started_at, code_hash, status, seconds)"
        )
        connection.executemany("INSERT INTO notebooks (path, started_at, code_hash) VALUES (?, ?, ?)", RUNS + OTHERS)
        before, after = runs_of_same_code(connection, place + 1, 3)
    paths = [path for path, _, _ in RUNS]
    assert [run.path for run in before] == paths[:place][::-1][:3]
    assert [run.path for run in after] == paths[place + 1 :][:3]
