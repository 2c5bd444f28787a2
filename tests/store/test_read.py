from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pandas as pd
import pytest

from scrapdb.errors import NotebookNotFoundError
from scrapdb.facts import Expression
from scrapdb.indexing.loop import index
from scrapdb.store import read
from scrapdb.store.connection import open_reader
from tests import notebook_builder as nb

VALUES = {
    "text": "007",
    "empty": "",
    "integer": 2**53 + 1,
    "big": 2**70,
    "float": 0.1 + 0.2,
    "round": 1.0,
    "infinity": math.inf,
    "yes": True,
    "none": None,
    "list": [1, [2.5, None], "x"],
    "surrogate": "\ud800",
    "nul": "a\0b",
}
FRAME = pd.DataFrame({"x": [1, 2, 3]})


def parquet() -> bytes:
    stream = io.BytesIO()
    FRAME.to_parquet(stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A store of two notebooks, one of which could not be read."""
    directory = tmp_path_factory.mktemp("read")
    outputs = [nb.scrap(name, value) for name, value in VALUES.items()]
    frame = nb.scrap("frame", base64.b64encode(parquet()).decode(), "pandas")
    shown = nb.display("shown", {"image/png": nb.PNG, "text/plain": "shown"})
    parameters = nb.code("alpha = 0.5\nwhen = today()\ntext = 'x'", tags=("parameters",))
    glue = nb.code("glue()", *outputs, frame, shown, count=7)
    nb.write(directory / "a" / "values.ipynb", nb.notebook(parameters, glue))
    nb.write(directory / "b" / "broken.ipynb", b"{")
    index(directory / "scraps.db", [str(directory)])
    with closing(open_reader(directory / "scraps.db")) as found:
        yield found


def notebook_id(connection: sqlite3.Connection) -> int:
    return read.find_notebook(connection, "values")[0]


def test_scraps_have_the_value_and_the_type_that_was_glued(connection: sqlite3.Connection) -> None:
    found = {value.name: value for value in read.scraps(connection, notebook_id(connection))}
    assert {name: found[name].value for name in VALUES} == VALUES
    assert {name: type(found[name].value) for name in VALUES} == {name: type(value) for name, value in VALUES.items()}
    assert [*found] == [*VALUES, "frame", "shown"]


def test_scraps_tell_where_they_were_glued(connection: sqlite3.Connection) -> None:
    found = {value.name: value for value in read.scraps(connection, notebook_id(connection))}
    assert found["big"][:2] == ("big", "scrap")
    assert (found["big"].encoder, found["big"].size) == ("json", len(str(2**70)))
    assert (found["empty"].cell, found["empty"].output, found["empty"].cell_id) == (1, 1, "cell")
    assert found["big"].execution_count == 7
    assert found["shown"].displays == ("image/png", "text/plain")
    frame = found["frame"].frame
    assert frame
    assert (frame.notebook, frame.rows, frame.columns, frame.stored) == ("a/values.ipynb", 3, 1, "inline")
    assert (frame.hash, frame.size) == (hashlib.sha256(parquet()).hexdigest(), len(parquet()))
    assert read.parquet(connection, frame) == parquet()


def test_parameters(connection: sqlite3.Connection) -> None:
    found = {value.name: value for value in read.parameters(connection, notebook_id(connection))}
    assert {name: value.value for name, value in found.items()} == {
        "alpha": 0.5,
        "text": "x",
        "when": Expression("today()"),
    }
    assert {value.source for value in found.values()} == {"default"}
    assert {value.role for value in found.values()} == {"parameter"}


def test_displays_are_bytes_by_type(connection: sqlite3.Connection) -> None:
    found = read.display(connection, notebook_id(connection), "shown")
    assert found == {"image/png": base64.b64decode(nb.PNG), "text/plain": b"shown"}
    assert read.display(connection, notebook_id(connection), "text") == {}
    hashes = read.display_hashes(connection, notebook_id(connection), "shown")
    assert hashes == {mime: hashlib.sha256(content).hexdigest() for mime, content in found.items()}


def test_a_notebook_by_column_name(connection: sqlite3.Connection) -> None:
    row = read.notebook(connection, notebook_id(connection))
    assert (row["path"], row["status"], row["cells"], row["nbformat"]) == ("a/values.ipynb", "completed", 2, "4.5")
    assert json.loads(row["metadata"]) == {}


@pytest.mark.parametrize("wanted", ["values", "values.ipynb", "a/values", "a/values.ipynb"])
def test_a_notebook_is_found_by_the_end_of_its_path(connection: sqlite3.Connection, wanted: str) -> None:
    assert read.find_notebook(connection, wanted)[1] == "a/values.ipynb"


@pytest.mark.parametrize("wanted", ["alues", "", "/", "a", "VALUES", "%", "v_lues", "values.ipynb/"])
def test_a_part_of_a_name_is_no_name(connection: sqlite3.Connection, wanted: str) -> None:
    with pytest.raises(NotebookNotFoundError, match="No notebook is called"):
        read.find_notebook(connection, wanted)


def test_names_that_begin_so(connection: sqlite3.Connection) -> None:
    assert read.names(connection, "e") == ["empty"]
    assert read.names(connection, "E") == []
    assert read.names(connection, "_") == []
    assert read.names(connection, limit=2) == ["alpha", "big"]


def test_fields_have_ranges_and_examples(connection: sqlite3.Connection) -> None:
    rows = {(name, role): rest for name, role, *rest in read.fields(connection)}
    assert rows["float", "scrap"] == ["float", 1, 0.1 + 0.2, 0.1 + 0.2, None]
    assert rows["integer", "scrap"][2:4] == [2**53 + 1, 2**53 + 1]
    assert rows["text", "scrap"] == ["text", 1, None, None, "007"]
    assert rows["text", "parameter"] == ["text", 1, None, None, "x"]
    assert rows["none", "scrap"] == ["null", 1, None, None, None]


def test_problems_of_all_and_of_one(connection: sqlite3.Connection) -> None:
    (problem,) = read.problems(connection)
    assert problem[:4] == ("b/broken.ipynb", None, None, None)
    assert [*read.problems(connection, notebook_id(connection))] == []


@pytest.mark.parametrize("by", ["scrap", "notebook", "encoder"])
def test_sizes_are_those_of_the_payloads(connection: sqlite3.Connection, by: str) -> None:
    columns, rows = read.sizes(connection, by)
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert sum(row["inline"] for row in found) == len(parquet()) + len(base64.b64decode(nb.PNG)) + len("shown")
    assert sum(row["bytes"] for row in found) == read.totals(connection)["scraps"]
    assert sum(row["sidecar"] for row in found) == 0


def test_frames_of_a_name(connection: sqlite3.Connection) -> None:
    assert [frame.notebook for frame in read.frames(connection, "frame")] == ["a/values.ipynb"]
    assert [*read.frames(connection, "text")] == []
    assert read.frame_names(connection) == ["frame"]
