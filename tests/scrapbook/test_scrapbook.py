from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import scrapdb as sb
from scrapdb.errors import NotebookChangedError
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.scrapbook.shown import shown

pytestmark = pytest.mark.filterwarnings("ignore:No kernel detected")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two good notebooks, and what else lies in a directory."""
    chart = display("chart", {"text/plain": "chart"})
    write(tmp_path / "b.ipynb", notebook(code("", scrap("x", 2), scrap("s", "two", "text"), chart)))
    write(tmp_path / "a.ipynb", notebook(code("", scrap("x", 1), scrap("y", 1)), papermill={"parameters": {"p": 1}}))
    write(tmp_path / "below" / "c.ipynb", gluing(x=3))
    write(tmp_path / "notes.txt", b"")
    (tmp_path / "directory.ipynb").mkdir()
    return tmp_path


def test_the_notebooks_of_a_directory_go_by_their_names(directory: Path) -> None:
    for path in (directory, str(directory), f"{directory}/"):
        assert list(sb.read_notebooks(path)) == ["a", "b"]


def test_notebooks_can_be_chosen(directory: Path) -> None:
    assert list(sb.read_notebooks(directory, "a*")) == ["a"]
    assert list(sb.read_notebooks(directory, path_filter=lambda path: path == str(directory / "b.ipynb"))) == ["b"]


def test_the_last_notebook_wins(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert {name: scrap.data for name, scrap in book.scraps.items()} == {"x": 2, "y": 1, "s": "two", "chart": None}
    assert {name: list(scraps) for name, scraps in book.notebook_scraps.items()} == {
        "a": ["x", "y"],
        "b": ["x", "s", "chart"],
    }


def test_a_bad_notebook_does_not_stop_the_others(directory: Path) -> None:
    write(directory / "half.ipynb", b'{"cells": [')
    (directory / "lost.ipynb").symlink_to("nowhere")
    os.mkfifo(directory / "pipe.ipynb")
    write(directory / "odd.ipynb", notebook(code("", scrap("x", 1, "unknown"))))
    book = sb.read_notebooks(directory)
    assert list(book) == ["a", "b", "odd"]
    kinds = {name: [problem.kind for problem in problems] for name, problems in book.problems.items()}
    assert kinds == {"half": ["truncated"], "lost": ["permission"], "odd": ["encoder"]}


def test_an_integer_too_long_to_read_costs_only_its_value(directory: Path) -> None:
    text = json.dumps(notebook(code("", scrap("x", "NUMBER")))).replace('"NUMBER"', "1" * 5000)
    write(directory / "number.ipynb", text.encode())
    book = sb.read_notebooks(directory)
    assert [problem.kind for problem in book.problems["number"]] == ["number"]
    assert book["number"].scraps["x"].data is None
    with pytest.raises(sb.exceptions.ScrapbookException, match="4,300 digits"):
        sb.read_notebooks(directory, strict=True)


def test_a_strict_reader_is_told(directory: Path) -> None:
    write(directory / "half.ipynb", b'{"cells": [')
    with pytest.raises(sb.exceptions.ScrapbookException, match=r"half\.ipynb cannot be read"):
        sb.read_notebooks(directory, strict=True)


def test_a_notebook_is_read_when_it_is_asked_for(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    write(directory / "a.ipynb", gluing(x=10))
    assert book["a"].scraps["x"].data == 10
    (directory / "b.ipynb").unlink()
    with pytest.raises(KeyError, match=r"b cannot be read\. .*No such file"):
        book["b"]
    assert list(book) == ["a"]
    assert list(book.problems) == list(book.unreadable) == ["b"]


def test_what_was_asked_of_a_notebook_stays_as_it_was(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert book["a"].parameters == {"p": 1}
    write(directory / "a.ipynb", gluing(x=10))
    assert (book["a"].parameters, book["a"].scraps["x"].data) == ({"p": 1}, 1)
    book["a"].set("x", 2)
    with pytest.raises(NotebookChangedError):
        book["a"].save()
    assert sb.read_notebook(directory / "a.ipynb").scraps["x"].data == 10


def test_a_walk_does_not_mix_two_states_of_a_notebook(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert book["a"].parameters == {"p": 1}
    nb = book["b"]
    assert nb.parameters == {}
    write(directory / "b.ipynb", gluing(x=20))
    assert nb.scraps["x"].data == 2


def test_a_notebook_that_was_only_counted_is_read_as_it_is(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert len(book) == 2
    write(directory / "a.ipynb", gluing(x=10))
    assert book["a"].scraps["x"].data == 10
    write(directory / "b.ipynb", b"")
    with pytest.raises(sb.exceptions.ScrapbookException, match=r"b\.ipynb cannot be read\. The file is empty\."):
        _ = book["b"].scraps


def test_the_working_directory_may_change(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory.parent)
    book = sb.read_notebooks(directory.name)
    monkeypatch.chdir(directory / "below")
    assert book.scraps.data_dict == {"x": 2, "y": 1, "s": "two"}
    assert book["a"].path == f"{directory.name}/a.ipynb"


def test_an_error_names_the_file_as_the_directory_was_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "lost.ipynb").symlink_to("nowhere")
    monkeypatch.chdir(directory.parent)
    problem = sb.read_notebooks(directory.name).unreadable["lost"]
    assert problem.message == f"[Errno 2] No such file or directory: '{directory.name}/lost.ipynb'"


def test_what_is_edited_while_a_directory_is_walked_counts(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert [nb.scraps["x"].data for nb in book.notebooks] == [1, 2]
    book = sb.read_notebooks(directory)
    assert book["a"].scraps["x"].data == 1
    book["b"].set("x", 20)  # which had been decoded, as was the one before
    assert book["b"].scraps["x"].data == 20
    book["b"].save()
    assert sb.read_notebook(directory / "b.ipynb").scraps["x"].data == 20


def test_a_node_may_be_given_to_a_notebook_that_was_not_read(directory: Path) -> None:
    nb = sb.read_notebooks(directory)["a"]
    nb.node = sb.read_notebook(directory / "b.ipynb").node
    assert nb.scraps["x"].data == 2
    assert nb.save() is True
    assert sb.read_notebook(directory / "a.ipynb").scraps["s"].data == "two"


@pytest.mark.parametrize(
    "ask", [lambda nb: nb.scraps.data_dict, lambda nb: nb.parameters, lambda nb: nb.execution_counts]
)
def test_a_walk_finds_what_single_readers_find(directory: Path, ask: Callable[[Any], Any]) -> None:
    write(directory / "half.ipynb", b'{"cells": [')
    write(directory / "nan.ipynb", json.dumps(notebook(code("", scrap("x", float("inf"))))).encode())
    write(directory / "old.ipynb", b'{"nbformat": 3, "metadata": {}, "worksheets": []}')
    book = sb.read_notebooks(directory)
    one_by_one = {name: ask(sb.read_notebook(directory / f"{name}.ipynb")) for name in ("a", "b", "nan", "old")}
    assert {name: ask(nb) for name, nb in book.items()} == one_by_one
    assert list(book.unreadable) == ["half"]
    assert "half" not in book


def test_a_link_to_itself_does_not_stop_the_others(directory: Path) -> None:
    (directory / "loop.ipynb").symlink_to("loop.ipynb")
    book = sb.read_notebooks(directory)
    assert list(book) == ["a", "b"]
    assert "symbolic links" in book.unreadable["loop"].message


def test_notebooks_are_taken_out(directory: Path) -> None:
    write(directory / "half.ipynb", b'{"cells": [')
    book = sb.read_notebooks(directory)
    del book["a"]
    with pytest.raises(KeyError):
        del book["half"]
    assert dict(book.items()).keys() == {"b"}
    book["half"] = directory / "a.ipynb"
    assert list(book) == ["b", "half"]
    book.clear()
    assert len(book) == 0


def test_a_directory_that_was_read_can_be_pickled(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    _ = book["a"].scraps
    again = pickle.loads(pickle.dumps(book))  # noqa: S301 - our own
    assert {name: list(nb.scraps) for name, nb in again.items()} == {"a": ["x", "y"], "b": ["x", "s", "chart"]}


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sb.read_notebooks(tmp_path / "nowhere")


def test_an_empty_directory_is_an_empty_scrapbook(tmp_path: Path) -> None:
    book = sb.read_notebooks(tmp_path)
    assert (len(book), book.scraps, book.problems) == (0, {}, {})
    assert list(book.metrics) == ["filename", "cell", "value", "type", "key"]
    assert list(book.papermill_dataframe) == ["name", "value", "type", "filename", "key"]
    book.scraps_report(include_data=True)


def test_rows_of_all_notebooks(directory: Path) -> None:
    rows = sb.read_notebooks(directory).papermill_dataframe.itertuples(index=False, name=None)
    assert list(rows) == [
        ("p", 1, "parameter", "a.ipynb", "a"),
        ("x", 1, "record", "a.ipynb", "a"),
        ("y", 1, "record", "a.ipynb", "a"),
        ("s", "two", "record", "b.ipynb", "b"),
        ("x", 2, "record", "b.ipynb", "b"),
    ]


def test_a_path_that_is_assigned_is_read(directory: Path) -> None:
    book = sb.Scrapbook()
    book["one"] = directory / "a.ipynb"
    book["two"] = str(directory / "b.ipynb")
    assert [nb.scraps["x"].data for nb in book.notebooks] == [1, 2]
    del book["one"]
    assert list(book) == ["two"]


def report(book: sb.Scrapbook, *arguments: Any, **options: Any) -> list[str]:
    with shown() as outputs:
        book.scraps_report(*arguments, **options)
    return [output["data"].get("text/markdown") or output["data"]["text/plain"] for output in outputs]


def test_a_report_with_data(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert report(book, include_data=True) == [
        "### a",
        "#### x",
        "'1'",
        "#### y",
        "'1'",
        "<hr>",
        "### b",
        "#### chart",
        "chart",
        "#### x",
        "'2'",
        "#### s",
        "'two'",
    ]
    assert (
        report(book, ["s", "y"], include_data=True, headers=False)[0]
        == "\"No scrap found with name 's' in this notebook\""
    )


def test_a_report_of_named_scraps_and_notebooks(directory: Path) -> None:
    book = sb.read_notebooks(directory)
    assert report(book, "chart", "b", headers=False) == ["chart"]
    assert report(book, ["x", "s"], ["b"], include_data=True, headers=False) == ["'x: 2'", "'s: two'"]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", gluing(long="x" * 1000))
    (line,) = report(sb.read_notebooks(tmp_path), include_data=True, headers=False)
    assert len(line) < 130


def test_scraps_are_a_dataframe(directory: Path) -> None:
    frame = sb.read_notebooks(directory)["b"].scrap_dataframe
    assert isinstance(frame, pd.DataFrame)
    assert frame[["name", "encoder", "filename"]].to_numpy().tolist() == [
        ["x", "json", "b.ipynb"],
        ["s", "text", "b.ipynb"],
        ["chart", "display", "b.ipynb"],
    ]
