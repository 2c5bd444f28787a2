"""`Notebook.set`, `unset` and `save`; and what stays in memory of the notebooks of a directory."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import scrapdb as sb
from scrapdb import errors
from scrapdb.scrapbook.document import Document
from scrapdb.scrapbook.document import Shelf
from scrapdb.scrapbook.notebook import Notebook
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import display
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.scrapbook.shown import shown

with warnings.catch_warnings(action="ignore"):  # it is of 2021
    import scrapbook

FRAME = pd.DataFrame({"n": [1, 2], "t": ["a", "b"]}, index=["x", "y"])


@pytest.fixture
def ticker(tickers: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tickers / "BCD.ipynb", tmp_path))


def lines_that_differ(one: str, other: str) -> list[tuple[str, str]]:
    pairs = zip(one.splitlines(), other.splitlines(), strict=True)
    return [(left.strip(), right.strip()) for left, right in pairs if left != right]


def test_one_line_of_the_file_changes(ticker: Path) -> None:
    before = ticker.read_text()
    nb = sb.read_notebook(ticker)
    old = nb.scraps["distance"].data
    nb.set("distance", 0.5)
    assert nb.scraps["distance"].data == 0.5
    assert ticker.read_text() == before
    assert nb.save() is True
    assert lines_that_differ(before, ticker.read_text()) == [(f'"data": {old},', '"data": 0.5,')]
    assert nb.save() is False
    nb.set("distance", old)
    assert nb.save() is True
    assert ticker.read_text() == before


@pytest.mark.parametrize(
    ("value", "encoder"),
    [
        (1, None),
        ("007", None),
        (7, "text"),
        ({"a": [1, None, float("inf")]}, None),
        (None, None),
        ((1, 2), None),
        (dt.date(2026, 11, 22), None),
        (np.arange(3), None),
        ("[1]", "json"),
        (FRAME, None),
    ],
    ids=str,
)
def test_what_is_set_is_what_glue_would_have_left(ticker: Path, value: Any, encoder: str | None) -> None:
    nb = sb.read_notebook(ticker)
    nb.set("new", value, encoder)
    nb.set("length", value, encoder)
    nb.save()
    with shown() as glued, warnings.catch_warnings(action="ignore"):
        sb.glue("new", value, encoder)
        sb.glue("length", value, encoder)
    outputs = [output for cell in json.loads(ticker.read_bytes())["cells"] for output in cell.get("outputs", [])]
    assert all(output in outputs for output in glued)
    with warnings.catch_warnings(action="ignore"):
        by_scrapbook = scrapbook.read_notebook(str(ticker)).scraps
        assert by_scrapbook["symbol"].data == "BCD"
        if value is FRAME:
            assert_frame_equal(by_scrapbook["new"].data, FRAME)
            assert_frame_equal(by_scrapbook["length"].data, FRAME)
        elif isinstance(value, int | str | dict) and encoder is None:
            assert by_scrapbook["new"].data == by_scrapbook["length"].data == value


def test_what_glue_refuses_is_refused(ticker: Path) -> None:
    nb = sb.read_notebook(ticker)
    with pytest.raises(NotImplementedError):
        nb.set("x", object())
    with pytest.raises(errors.ScrapbookException, match="No encoder is called 'nope'"):
        nb.set("x", 1, "nope")
    with pytest.raises(errors.ScrapbookException, match="would only be shown"):
        nb.set("x", 1, "display")
    assert nb.save() is False


def test_unset_takes_value_and_display_and_all_repetitions(tmp_path: Path) -> None:
    outputs = [scrap("x", 1), display("x", {"text/plain": "1"}), scrap("y", 2), scrap("x", 3)]
    nb = sb.read_notebook(write(tmp_path / "n.ipynb", notebook(code("", *outputs))))
    nb.unset("x")
    nb.save()
    assert list(nb.scraps) == list(sb.read_notebook(nb.path).scraps) == ["y"]
    with pytest.raises(errors.ScrapNotFoundError, match=r"n\.ipynb cannot be edited\. It has no scrap 'x'; it has y\."):
        nb.unset("x")


def test_a_display_stays_with_the_value_that_is_set(tmp_path: Path) -> None:
    shown_as = display("x", {"text/plain": "1"})
    nb = sb.read_notebook(write(tmp_path / "n.ipynb", notebook(code("", scrap("x", 1), shown_as))))
    nb.set("x", 2)
    assert (nb.scraps["x"].data, nb.scraps["x"].display) == (2, shown_as)


def test_a_name_may_have_to_be_known(ticker: Path) -> None:
    nb = sb.read_notebook(ticker)
    with pytest.raises(errors.ScrapNotFoundError, match="did you mean distance"):
        nb.set("distanse", 1, new=False)
    nb.set("distanse", 1)
    assert nb.scraps["distanse"].data == 1


def test_everything_follows_an_edit(ticker: Path) -> None:
    nb = sb.read_notebook(ticker)
    assert "new" not in nb.scraps
    cells = nb.cells
    nb.set("new", 1)
    assert nb.scraps["new"].data == 1
    assert len(nb.cells[-1].outputs) == len(cells[-1].outputs) + 1
    assert nb.problems == []
    assert "new" in nb.copy().scraps
    nb.set("symbol", 3)
    nb.unset("new")
    assert nb.scraps["symbol"].data == 3
    assert "new" not in nb.scraps


def test_a_file_that_was_changed_since_is_not_overwritten(ticker: Path) -> None:
    one, other = sb.read_notebook(ticker), sb.read_notebook(ticker)
    one.set("x", 1)
    other.set("x", 2)
    one.save()
    with pytest.raises(errors.NotebookChangedError, match="changed since it was read"):
        other.save()
    assert sb.read_notebook(ticker).scraps["x"].data == 1
    one.set("x", 3)
    one.save()
    assert sb.read_notebook(ticker).scraps["x"].data == 3


def test_it_can_be_saved_elsewhere(ticker: Path) -> None:
    before = ticker.read_bytes()
    nb = sb.read_notebook(ticker)
    nb.set("distance", 7)
    assert nb.save(ticker.with_name("copy.ipynb")) is True
    assert ticker.read_bytes() == before
    assert sb.read_notebook(ticker.with_name("copy.ipynb")).scraps["distance"].data == 7
    nb.save(ticker.parent / ".." / ticker.parent.name / ticker.name)
    assert sb.read_notebook(ticker).scraps["distance"].data == 7


def test_a_copy_is_saved_as_its_original(ticker: Path) -> None:
    before = ticker.read_bytes()
    nb = sb.read_notebook(ticker)
    copied = nb.copy()
    copied.set("x", 1)
    copied.save()
    assert sb.read_notebook(ticker).scraps["x"].data == 1
    nb.set("x", 2)
    with pytest.raises(errors.NotebookChangedError):
        nb.save()
    copied.unset("x")
    copied.save()
    assert ticker.read_bytes() == before


def test_a_node_that_was_only_looked_at_costs_no_byte(ticker: Path) -> None:
    ticker.write_text(json.dumps(json.loads(ticker.read_text()), indent=3))
    nb = sb.read_notebook(ticker)
    assert nb.metadata.papermill
    assert nb.save() is False
    nb.set("distance", 7)
    before = ticker.read_text()
    nb.save()
    assert len(lines_that_differ(before, ticker.read_text())) == 1


def test_changes_of_the_node_are_saved_as_nbformat_does(ticker: Path, tmp_path: Path) -> None:
    nb = sb.read_notebook(ticker)
    nb.node = nbformat.read(ticker, as_version=4)
    nb.metadata["mine"] = 1
    nb.set("distance", 7)
    nb.save()
    node = nbformat.read(ticker, as_version=4)
    assert node.metadata.mine == 1
    nbformat.write(node, tmp_path / "again.ipynb")
    assert ticker.read_bytes() == (tmp_path / "again.ipynb").read_bytes()


def test_a_node_needs_a_path(tmp_path: Path) -> None:
    nb = sb.Notebook(nbformat.from_dict(gluing(x=1)))
    nb.set("x", 2)
    nb.set("y", 3)
    assert [cell.outputs[1].metadata.scrapbook.name for cell in nb.cells] == ["y"]
    with pytest.raises(errors.UsageError, match="has no path"):
        nb.save()
    nb.save(tmp_path / "n.ipynb")
    assert sb.read_notebook(tmp_path / "n.ipynb").scraps.data_dict == {"x": 2, "y": 3}
    with pytest.raises(errors.NotebookNameError):
        nb.save(tmp_path / "n.txt")
    with pytest.raises(errors.ScrapbookException, match="not a local file"):
        nb.save("s3://bucket/n.ipynb")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (content(notebook()), "no code cell"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": 7}]}', "no list of outputs"),
    ],
)
def test_what_cannot_be_edited_is_told_with_its_path(tmp_path: Path, text: bytes, message: str) -> None:
    nb = sb.read_notebook(write(tmp_path / "n.ipynb", text))
    with pytest.raises(errors.EditError, match=rf"n\.ipynb cannot be edited\. .*{message}"):
        nb.set("x", 1)


def test_a_notebook_broken_inside_is_told(tmp_path: Path) -> None:
    nb = sb.Notebook(write(tmp_path / "n.ipynb", b'{"nbformat": 4}'))
    with pytest.raises(errors.EditError, match="no code cell"):
        nb.set("x", 1)


def test_an_edited_notebook_is_valid(executed: Callable[[str], Path], tmp_path: Path) -> None:
    nb = sb.read_notebook(shutil.copy(executed("encoders"), tmp_path))
    for name in [*nb.scraps, "new"]:
        nb.set(name, FRAME if name == "new" else 1)
    nb.save()
    nbformat.validate(nbformat.read(nb.path, as_version=4))
    assert {scrap.encoder for scrap in sb.read_notebook(nb.path).scraps.values()} == {"json", "pandas"}


@pytest.fixture
def two(tmp_path: Path) -> tuple[Notebook, Notebook]:
    """Two notebooks, of which only the one that was asked last stays in memory."""
    shelf = Shelf(limit=1)
    one, other = (write(tmp_path / f"{name}.ipynb", gluing(x=value)) for name, value in (("one", 1), ("other", 2)))
    return Notebook(Document(str(one), shelf=shelf)), Notebook(Document(str(other), shelf=shelf))


def is_held(nb: Notebook) -> bool:
    return nb._document._content is not None


def test_what_was_let_go_is_read_again(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    assert (one.scraps["x"].data, other.scraps["x"].data) == (1, 2)
    assert (is_held(one), is_held(other)) == (False, True)
    assert (one.scraps["x"].data, one.parameters) == (1, {})
    assert (is_held(one), is_held(other)) == (True, False)


def test_two_states_of_a_file_are_not_mixed(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    assert [nb.parameters for nb in two] == [{}, {}]
    write(Path(one.path), gluing(x=3, y=4))
    with pytest.raises(errors.NotebookChangedError, match=r"one\.ipynb was changed since it was read, and let go\."):
        _ = one.scraps
    assert other.scraps["x"].data == 2


def test_what_was_let_go_is_edited_and_saved(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    assert [list(nb.scraps) for nb in two] == [["x"], ["x"]]
    one.set("x", 10)
    assert other.scraps["x"].data == 2
    assert one.scraps["x"].data == 10
    assert one.save() is True
    assert other.parameters == {}
    one.set("x", 11)
    assert one.save() is True
    assert one.scraps["x"].data == 11


def test_a_node_is_kept_with_its_changes(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    one.metadata["mine"] = 1
    assert other.scraps["x"].data == 2
    assert one.metadata["mine"] == 1
    assert one.save() is True


def test_the_notebooks_that_are_gone_do_not_count(tmp_path: Path) -> None:
    shelf = Shelf(limit=10_000)
    path = write(tmp_path / "n.ipynb", gluing(x=1))
    kept = Notebook(Document(str(path), shelf=shelf))
    assert kept.scraps["x"].data == 1
    for number in range(100):
        copied = shutil.copy(path, tmp_path / f"{number}.ipynb")
        assert Notebook(Document(str(copied), shelf=shelf)).scraps["x"].data == 1
    assert kept.scraps["x"].data == 1
    assert len(shelf._held) < 50
