"""Whatever stands in a notebook, it ends in rows that a store accepts, and in problems; never in a traceback."""

from __future__ import annotations

import copy
import json
import random
import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.indexing.loop import index
from scrapdb.notebooks.extract import read_facts
from scrapdb.store.rows import File
from scrapdb.store.rows import rows
from scrapdb.store.write import Writer
from tests import executed as executed_
from tests.hostile.files import documented
from tests.hostile.files import fixed
from tests.hostile.files import generated
from tests.hostile.trees import Tree
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import output
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import query

DEEP = 300  # levels: more than the store keeps, fewer than Python's json refuses
HUGE = "h" * 10_000


def deep(leaf: str) -> bytes:
    return b"[" * DEEP + leaf.encode() + b"]" * DEEP


def store(path: Path, written: bytes) -> None:
    with Writer(path) as writer:
        writer.write([rows(File("hostile.ipynb", content_hash="of hostile.ipynb"), read_facts(written))])
    check(path)


def kinds(path: Path) -> list[str]:
    return [kind for (kind,) in query(path, "SELECT kind FROM problems ORDER BY id")]


HOSTILE: list[tuple[str, Any, list[str]]] = [
    ("a surrogate as name", notebook(code("", scrap("\ud800", 1))), []),
    ("NUL in a name", notebook(code("", scrap("a\0b", 1))), []),
    ("control characters in a name", notebook(code("", scrap("\x1b[31m\r\n\x7f\u202e", "x\0y"))), []),
    ("quotes in a name", notebook(code("", scrap("\"'`]);--", 1))), []),
    ("an empty name", notebook(code("", scrap("", 1))), []),
    ("a long name", notebook(code("", scrap(HUGE, HUGE))), []),
    ("names that differ in case", notebook(code("", scrap("a", 1), scrap("A", 2), scrap("nb_status", 3))), []),
    ("names that become equal", notebook(code("", scrap("\ud800", 1), scrap("\\ud800", 2))), []),
    ("surrogates", notebook(code("\ud800", scrap("x", {"\ud800": "\udfff"}), error("\ud800", "\udfff"))), []),
    ("NUL everywhere", notebook(code("\0", scrap("x", {"a\0": "\0"}), error("\0", "\0")), x="\0"), []),
    ("a surrogate as MIME type", notebook(code("", display("x", {"a/\ud800": "x", "": "", "image/png": None}))), []),
    ("a surrogate as encoder", notebook(code("", scrap("x", 1, "\ud800"))), ["encoder"]),
    ("an unknown encoder", notebook(code("", scrap("x", {"a": 1}, "own"))), ["encoder"]),
    ("beyond 64 bit", notebook(code("", scrap("x", 2**63), scrap("y", -(2**64)), scrap("z", 10**400))), []),
    ("4,000 digits", notebook(code("", scrap("x", 10**4000), scrap("y", [10**4000]))), []),
    ("no base64", notebook(code("", scrap("x", "é!", "pandas"), display("p", {"image/png": "é"}))), ["payload"]),
    ("parquet that is not", notebook(code("", scrap("x", PNG, "pandas"))), ["payload"]),
    ("a frame that is no text", notebook(code("", scrap("x", [1], "pandas"))), ["payload"]),
    ("odd displays", notebook(code("", display("x", {"image/png": 7, "a/b": [None], "text/html": ["x", 1]}))), []),
    ("null outputs", {**notebook(), "cells": [code() | {"outputs": None}]}, ["malformed"]),
    ("cells that are strings", notebook("x", None, 7), ["malformed"] * 3),
]  # fmt: skip
DEEP_PARTS: list[tuple[str, Any, list[str]]] = [
    ("a deep scrap", notebook(code("", scrap("x", "DEEP"))), ["payload"]),
    ("a deep frame", notebook(code("", scrap("x", "DEEP", "pandas"))), ["payload"]),
    ("a deep scrap of an unknown encoder", notebook(code("", scrap("x", "DEEP", "own"))), ["encoder", "payload"]),
    ("a deep parameter", notebook(papermill={"parameters": {"x": "DEEP"}}), ["metadata", "parameters"]),
    ("a deep display", notebook(code("", display("x", {"application/json": "DEEP"}))), ["payload"]),
    ("deep metadata", notebook(x="DEEP"), ["metadata"]),
    ("a deep name", notebook(code("", scrap("DEEP", 1))), ["malformed"]),
    ("a deep status", notebook(code("1", papermill={"status": "DEEP", "start_time": "DEEP"})), []),
    ("deep outputs", notebook(code() | {"outputs": "DEEP"}), ["malformed"]),
]  # fmt: skip


def named(table: list[tuple[str, Any, list[str]]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("document", "problems"), [row[1:] for row in table], ids=[row[0] for row in table])


@named(HOSTILE)
def test_a_store_accepts_what_is_left(tmp_path: Path, document: Any, problems: list[str]) -> None:
    store(tmp_path / "scraps.db", content(document))
    assert kinds(tmp_path / "scraps.db") == problems
    assert query(tmp_path / "scraps.db", "SELECT status FROM notebooks") != [("unreadable",)]


@pytest.mark.parametrize("leaf", ["1", "NaN"])
@named(DEEP_PARTS)
def test_one_deep_part_is_one_problem(tmp_path: Path, document: Any, problems: list[str], leaf: str) -> None:
    store(tmp_path / "scraps.db", content(document).replace(b'"DEEP"', deep(leaf)))
    assert kinds(tmp_path / "scraps.db") == problems
    assert query(tmp_path / "scraps.db", "SELECT status FROM notebooks") != [("unreadable",)]


@pytest.mark.parametrize("levels", [*range(150, 1100, 25), 5_000, 20_000, 200_000])
@pytest.mark.parametrize("place", ["scrap", "display", "metadata", "recorded", "name", "source"])
def test_any_depth_ends_in_a_problem(place: str, levels: int) -> None:
    cell = {
        "scrap": code("", scrap("x", "DEEP")),
        "display": code("", display("x", {"application/json": "DEEP"})),
        "name": code("", output({"application/papermill.record+json": "DEEP"})),
        "recorded": code("x = [[1]]", tags=("injected-parameters",)),
        "source": code(f"x = {'[' * levels}{']' * levels}", tags=("parameters",)),
    }.get(place, code())
    metadata: dict[str, dict[str, Any]] = {
        "metadata": {"x": "DEEP"},
        "recorded": {"papermill": {"parameters": {"x": "DEEP"}}},
    }
    written = content(notebook(cell, **metadata.get(place, {}))).replace(b'"DEEP"', b"[" * levels + b"]" * levels)
    found = read_facts(written)
    made = rows(File("deep.ipynb"), found)
    assert made.problems or levels <= 200
    if levels >= 200_000 and place != "source":
        assert [problem.kind for problem in found.problems] == ["nesting"]


def nodes(part: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places of all parts of a JSON document."""
    yield place
    pairs = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, item in pairs:
        yield from nodes(item, (*place, key))


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(document)
    part = changed
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return changed


@cache
def real() -> tuple[tuple[Any, list[tuple[Any, ...]]], ...]:
    """Executed notebooks, and the places in each."""
    documents = [json.loads(executed_.notebook(name).read_bytes()) for name in ("encoders", "fails")]
    return tuple((document, list(nodes(document))) for document in documents)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20) | st.just(2**70),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    with Writer(tmp_path_factory.mktemp("hostile") / "scraps.db") as opened:
        yield opened


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_part_may_be_anything(writer: Writer, data: st.DataObject) -> None:
    document, places = data.draw(st.sampled_from(real()))
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(ANYTHING | st.sampled_from(["nan", "DEEP", PNG]))
        try:
            document = replaced(document, data.draw(st.sampled_from(places)), value)
        except (KeyError, IndexError, TypeError):
            continue  # the place went with a part that was replaced before
    written = json.dumps(document).encode().replace(b'"DEEP"', b"[" * 600 + b"]" * 600)
    found = read_facts(written)
    made = rows(File("mutated.ipynb", content_hash="of mutated.ipynb"), found)
    assert found.status != "unreadable" or made.problems
    writer.write([made])


def test_the_store_of_all_that_is_whole(writer: Writer) -> None:
    check(writer.path)
    with closing(sqlite3.connect(writer.path)) as connection:
        assert connection.execute("SELECT count(*) FROM notebooks").fetchone() == (1,)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_have_a_status(written: bytes) -> None:
    found = read_facts(written)
    assert found.status == "unreadable"
    assert len(found.problems) == 1


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_byte_has_a_status(data: st.DataObject) -> None:
    written = bytearray(json.dumps(real()[1][0]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    assert rows(File("flipped.ipynb"), read_facts(bytes(written))).status


def test_a_hostile_notebook_spoils_no_other(executed: Callable[[str], Path], tmp_path: Path) -> None:
    """Names that clash, look like SQL or cannot be columns do not touch the columns of others."""
    clashing = notebook(
        code("", *(scrap(name, "x") for name in ["Text", "text (2)", 'x" NUMERIC); --', "rowid", "\x01"]))
    )
    with Writer(tmp_path / "scraps.db") as writer:
        writer.write(
            [rows(File("good.ipynb", content_hash="of good.ipynb"), read_facts(executed("encoders").read_bytes()))]
        )
        before = query(tmp_path / "scraps.db", "SELECT text, float FROM runs")
        writer.write([rows(File("bad.ipynb", content_hash="of bad.ipynb"), read_facts(content(clashing)))])
    check(tmp_path / "scraps.db")
    columns = dict(query(tmp_path / "scraps.db", 'SELECT name, "column" FROM run_columns JOIN names ON id = name_id'))
    assert (
        query(tmp_path / "scraps.db", f"SELECT \"{columns['text']}\", float FROM runs WHERE notebook = 'good.ipynb'")
        == before
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A directory of hostile files with a healthy notebook after each, and its store."""
    made = Tree(tmp_path_factory.mktemp("tree").resolve(), list(fixed()))
    made.index()
    return made


def test_every_hostile_file_is_told_and_spoils_no_other(tree: Tree) -> None:
    tree.check()


def test_no_answer_moves_the_cursor_of_a_terminal(tree: Tree) -> None:
    tree.ask()


def test_frames_are_opened_or_refused_with_a_sentence(tree: Tree) -> None:
    tree.open_frames()


def test_whatever_happens_to_a_notebook_its_problems_are_documented() -> None:
    chance = random.Random(3)  # noqa: S311 - chance that can be repeated
    for _, file in zip(range(400), generated(chance), strict=False):
        assert isinstance(file.make, bytes)
        made = rows(File("generated.ipynb"), read_facts(file.make))
        assert {kind for *_, kind, _ in made.problems} <= documented(), file.make
        assert made.status != "unreadable" or len(made.problems) == 1


def test_directories_links_and_devices_that_are_called_like_notebooks(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "tree"
    write(root / "directory.ipynb" / "healthy.ipynb", gluing(x=1))
    (root / "directory.ipynb" / "loop").symlink_to(root)
    (root / "directory.ipynb" / "loop.ipynb").symlink_to("..")
    (root / "device.ipynb").symlink_to("/dev/zero")
    summary = index(tmp_path / "scraps.db", [str(root)])
    assert (summary.added, summary.failed, summary.errors) == (1, 1, [])
    assert query(tmp_path / "scraps.db", "SELECT notebook, nb_status, x FROM runs ORDER BY x DESC") == [
        ("tree/directory.ipynb/healthy.ipynb", "completed", 1),
        ("/dev/zero", "unreadable", None),
    ]
