"""Notebooks of a store and files that are in none, compared."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import scrapdb as sb
from scrapdb.database.differences import EVERYTHING
from scrapdb.database.differences import Choice
from scrapdb.database.sides import compared
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from tests import notebook_builder as nb


def frame(name: str, values: pd.DataFrame) -> dict[str, Any]:
    written = io.BytesIO()
    values.to_parquet(written)
    return nb.scrap(name, base64.b64encode(written.getvalue()).decode(), "pandas")


def notebook(seed: int, code: str = "train()", *more: Any) -> dict[str, Any]:
    """Make a notebook as papermill leaves it."""
    return nb.notebook(
        nb.code("seed = 0", tags=("parameters",)),
        nb.code(f"seed = {seed}", tags=("injected-parameters",)),
        nb.code(
            code,
            nb.scrap("loss", seed / 2),
            nb.scrap("model", {"depth": seed, "kind": "tree"}),
            nb.scrap("name", f"run {seed}", "text"),
            nb.scrap("same", [1, None, {"a": float("nan")}]),
            frame("prices", pd.DataFrame({"p": [1.0, seed]}, index=pd.Index(["a", "b"], name="day"))),
            nb.display("chart", {"image/png": nb.PNG, "text/plain": f"Figure {seed}"}),
        ),
        *more,
        papermill={"parameters": {"seed": seed}},
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    nb.write(tmp_path / "runs" / "one.ipynb", notebook(1))
    nb.write(tmp_path / "runs" / "two.ipynb", notebook(2, "train()\nmore()"))
    nb.write(tmp_path / "runs" / "deep" / "three.ipynb", notebook(3, "train()", nb.code("boom", nb.error())))
    sb.open(tmp_path / "scraps.db").index(tmp_path / "runs")
    nb.write(tmp_path / "new" / "one.ipynb", notebook(1))
    nb.write(tmp_path / "new" / "two.ipynb", notebook(2, "train()\nmore()"))
    return tmp_path


def names(found: Any) -> list[str]:
    return [f"{line.section} {line.name}{line.path}" for line in found.differences.lines]


def test_two_notebooks_of_a_store(directory: Path) -> None:
    found = sb.open(directory / "scraps.db").diff("one", "two")
    assert (found.notebooks, found.remarks) == (["runs/one.ipynb", "runs/two.ipynb"], [])
    assert names(found) == [
        "parameters seed",
        "code code",
        "scraps loss",
        "scraps model.depth",
        "scraps name",
        "scraps prices",
        "displays chart",
    ]
    code = found.differences.lines[1].entries[1].cells
    assert [(change.before, change.after, change.lines[-1]) for change in code] == [(2, 2, "+more()")]


def test_what_a_runner_injects_is_no_code(directory: Path) -> None:
    nb.write(directory / "other.ipynb", notebook(5))
    found = compared(None, [str(directory / "runs" / "one.ipynb"), str(directory / "other.ipynb")])
    assert "parameters seed" in names(found)
    assert "code code" not in names(found)


def markdown_of(found: Any) -> list[Any]:
    return [line for line in found.differences.lines if line.section == "markdown"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["# Title\nold"], ["# Title\nnew"], [(3, 3, (" # Title", "-old", "+new"))]),
        (["same", "gone"], ["same"], [(4, None, ("-gone",))]),
        ([], ["# New\nwords"], [(None, 3, ("+# New", "+words"))]),
        (["# Gone"], [], [(3, None, ("-# Gone",))]),
        (["", "same"], ["", "same"], []),
        ([], [], []),
    ],
)
def test_markdown_is_compared_by_cells_and_lines(
    tmp_path: Path, first: list[str], second: list[str], expected: list[Any]
) -> None:
    for name, texts in (("a", first), ("b", second)):
        nb.write(tmp_path / f"{name}.ipynb", notebook(1, "train()", *map(nb.markdown, texts)))
    found = compared(None, [str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")])
    assert names(found) == ["markdown markdown"] * bool(expected)
    changes = [change for line in markdown_of(found) for change in line.entries[1].cells]
    assert [(each.before, each.after, each.lines[1:]) for each in changes] == expected


def test_markdown_that_papermill_writes_is_no_markdown(tmp_path: Path) -> None:
    marker = nb.markdown('<span id="papermill-error-cell">here</span>', "papermill-error-cell-tag")
    nb.write(tmp_path / "a.ipynb", notebook(1, "train()", nb.markdown("text")))
    nb.write(tmp_path / "b.ipynb", notebook(1, "train()", marker, nb.markdown("text")))
    assert names(compared(None, [str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")])) == []


def test_markdown_can_be_chosen_and_left_out(tmp_path: Path) -> None:
    nb.write(tmp_path / "a.ipynb", notebook(1, "train()", nb.markdown("old")))
    nb.write(tmp_path / "b.ipynb", notebook(2, "other()", nb.markdown("new")))
    paths = [str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")]
    assert names(compared(None, paths, choice=Choice(("markdown",)))) == ["markdown markdown"]
    assert "markdown markdown" not in names(compared(None, paths, choice=Choice((), ("markdown",))))
    db = sb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    (tmp_path / "b.ipynb").unlink()
    found = db.diff("a", "b")
    assert markdown_of(found) == []
    assert found.remarks[0].endswith("and Markdown is not.")


def test_a_failed_run_differs_by_its_error(directory: Path) -> None:
    lines = sb.open(directory / "scraps.db").diff("one", "three").differences.lines
    told = {line.name: line.entries[1].value for line in lines if line.section == "run"}
    assert told == {"status": "failed", "error": "KeyError: 'x'"}


def test_a_store_tells_the_same_as_files_do(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory)
    of_store = compared(directory / "scraps.db", ["runs/one.ipynb", "runs/two.ipynb"])
    of_files = compared(None, ["runs/one.ipynb", "runs/two.ipynb"])
    assert [line._replace(entries=()) for line in of_store.differences.lines] == [
        line._replace(entries=()) for line in of_files.differences.lines
    ]
    assert of_store.differences.equal == of_files.differences.equal
    assert of_files.remarks == []


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_file_is_compared_with_a_notebook_of_the_store(
    name: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    found = compared(directory / "scraps.db", [name, f"new/{name}.ipynb"])
    assert found.notebooks == [f"runs/{name}.ipynb", f"new/{name}.ipynb"]
    assert names(found) == []
    assert found.differences.equal > 0


def test_a_file_is_not_taken_for_another_of_its_name(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory / "new")
    nb.write(directory / "new" / "three.ipynb", notebook(7))
    found = compared(directory / "scraps.db", ["three.ipynb", "deep/three"])
    assert found.notebooks == ["three.ipynb", "runs/deep/three.ipynb"]
    assert "scraps loss" in names(found)


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_without_the_file_code_is_compared_by_its_hash(change: str, directory: Path) -> None:
    file = directory / "runs" / "two.ipynb"
    file.unlink() if change == "gone" else nb.write(file, notebook(9, "other()"))
    found = sb.open(directory / "scraps.db").diff("one", "two")
    (code,) = (line for line in found.differences.lines if line.section == "code")
    assert all(len(entry.value) == 12 for entry in code.entries)
    (remark,) = found.remarks
    assert remark.startswith("The file of runs/two.ipynb is not there as it was indexed: values are the store's")
    assert [entry.value for line in found.differences.lines if line.name == "loss" for entry in line.entries] == [
        0.5,
        1,
    ]


def test_what_is_left_out_is_not_read(directory: Path) -> None:
    db = sb.open(directory / "scraps.db")
    assert names(db.diff("one", "two", only=["prices"])) == ["scraps prices"]
    assert names(db.diff("one", "two", ignore=["scrap.*", "code", "chart", "seed"])) == []
    assert names(db.diff("one", "two", only=["loss"], tolerance=0.5)) == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["one"], "A notebook is compared with another one; name two or more."),
        ([], "A notebook is compared with another one; name two or more."),
        (["one", "runs/one.ipynb"], "runs/one.ipynb is named twice; a notebook is compared with another one."),
        (["one", "thre"], "No notebook is called 'thre'; did you mean three?"),
        (["one", "runs/tow.ipynb"], "No notebook is called 'runs/tow.ipynb'; did you mean runs/two.ipynb"),
        (["one", "zzz"], "No notebook is called 'zzz'; there are three, one, two."),
    ],
)
def test_refusals(asked: list[str], sentence: str, directory: Path) -> None:
    with pytest.raises(ScrapdbError) as error:
        compared(directory / "scraps.db", asked)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_a_name_of_several_is_refused(directory: Path) -> None:
    nb.write(directory / "runs" / "deep" / "one.ipynb", notebook(8))
    db = sb.open(directory / "scraps.db")
    db.index(directory / "runs")
    with pytest.raises(NotebookNotFoundError, match="More than one notebook is called 'one'"):
        db.diff("one", "two")


def test_a_notebook_that_cannot_be_read_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nb.write(directory / "runs" / "half.ipynb", b'{"cells": [')
    nb.write(directory / "half.ipynb", b'{"cells": [')
    db = sb.open(directory / "scraps.db")
    db.index(directory / "runs")
    monkeypatch.chdir(directory)
    for name in ("runs/half.ipynb", "half.ipynb"):
        with pytest.raises(UsageError, match=f"^{name} cannot be compared, since it cannot be read: The file ends"):
            db.diff(name, "one")


def test_one_file_by_two_names_is_one(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory / "new")
    with pytest.raises(UsageError, match=r"^one\.ipynb is named twice"):
        compared(None, ["one.ipynb", "./one.ipynb"])


def test_names_and_tolerances_that_make_no_sense(directory: Path) -> None:
    db = sb.open(directory / "scraps.db")
    with pytest.raises(UsageError, match="No notebook has 'lsos'; did you mean loss"):
        db.diff("one", "two", only=["lsos"])
    for tolerance in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="A tolerance is 0 or more"):
            db.diff("one", "two", tolerance=tolerance)


def test_without_a_store_there_are_only_files(directory: Path) -> None:
    with pytest.raises(NotebookNotFoundError, match="There is no notebook two, and no store that knows one"):
        compared(None, [str(directory / "runs" / "one.ipynb"), "two"], choice=EVERYTHING)
    with pytest.raises(StoreError):
        sb.open(directory / "nowhere.db").diff("one", "two")
