from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import scrapdb as sb
from scrapdb.encoders.scrap import Scrap
from scrapdb.errors import ScrapbookDataException
from scrapdb.errors import ScrapbookMissingEncoder
from tests.scrapbook import glued
from tests.scrapbook.shown import read
from tests.scrapbook.shown import shown

pytestmark = pytest.mark.filterwarnings("ignore:No kernel detected")
ROOT = Path(__file__).parent.parent.parent


class Chart:
    def _repr_html_(self) -> str:
        return "<b>chart</b>"


class Silent:
    def _repr_html_(self) -> None:
        """Say nothing, as matplotlib's figures do."""


class Broken:
    def _repr_png_(self) -> bytes:
        raise RuntimeError


class ArrayEncoder:
    """A user's own, for values that scrapbook refuses and scrapdb would take."""

    def name(self) -> str:
        return "array"

    def encodable(self, data: Any) -> bool:
        return isinstance(data, np.ndarray)

    def encode(self, scrap: Scrap) -> Scrap:
        return scrap._replace(data=[str(scrap.data.dtype), scrap.data.tolist()])

    def decode(self, scrap: Scrap) -> Scrap:
        return scrap._replace(data=np.array(scrap.data[1], dtype=scrap.data[0]))


def test_without_a_kernel_it_warns() -> None:
    with shown(), pytest.warns(UserWarning, match="No kernel detected for 'glue'"):
        sb.glue("x", 1)


def test_what_shows_itself_is_glued_as_display() -> None:
    with shown() as outputs:
        sb.glue("chart", Chart())
    (output,) = outputs
    assert output["data"]["text/html"] == "<b>chart</b>"
    assert output["metadata"] == {"scrapbook": {"name": "chart", "data": False, "display": True}}


@pytest.mark.parametrize("value", [object(), Silent(), Broken(), 1j, Chart, {1, 2}.__iter__()])
def test_what_nobody_takes_is_refused_as_by_scrapbook(value: Any) -> None:
    with shown() as outputs, pytest.raises(NotImplementedError, match="has no supported encoder registered"):
        sb.glue("x", value)
    assert outputs == []


@pytest.mark.parametrize("value", [{"x": object()}, {"f": pd.DataFrame({"a": [1]})}, {(1, 2): 3}, [1j]])
def test_a_part_that_json_cannot_hold_is_refused(value: Any) -> None:
    with shown() as outputs, pytest.raises(ScrapbookDataException):
        sb.glue("x", value)
    assert outputs == []


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ScrapbookDataException, match="holds itself"):
        sb.glue("x", endless)


def test_a_name_is_text() -> None:
    with pytest.raises(ScrapbookDataException, match="its name is not text"):
        sb.glue(1, 1)  # type: ignore[arg-type]


def test_an_unknown_encoder_is_named() -> None:
    with pytest.raises(ScrapbookMissingEncoder, match=r"'arrow'.*registered are text, json, display, pandas"):
        sb.glue("x", 1, "arrow")


def test_a_named_encoder_gets_what_it_is_for(tmp_path: Path) -> None:
    with shown() as outputs:
        sb.glue("text", (1, 2), "text")
        sb.glue("tuple", (1, 2), "json")
        sb.glue("day", np.datetime64("2026-01-02"), "json")
        sb.glue("parsed", '{"a": [1, 2]}', "json")
        sb.glue("series", pd.Series([1, 2], name="s"), "pandas")
    data = read(tmp_path / "n.ipynb", outputs).scraps.data_dict
    assert (data["text"], data["tuple"], data["parsed"]) == ("(1, 2)", (1, 2), {"a": [1, 2]})
    assert data["day"] == np.datetime64("2026-01-02")
    pd.testing.assert_series_equal(data["series"], pd.Series([1, 2], name="s"))


def test_a_users_encoder_comes_before_what_scrapdb_adds(tmp_path: Path) -> None:
    array = np.array([1, 2], dtype="int8")
    sb.encoders.register(ArrayEncoder())
    try:
        with shown() as outputs:
            sb.glue("a", array)
        (payload,) = outputs[0]["data"].values()
        assert payload == {"name": "a", "data": ["int8", [1, 2]], "encoder": "array", "version": 1}
        assert read(tmp_path / "n.ipynb", outputs).scraps["a"].data.dtype == array.dtype
    finally:
        sb.encoders.deregister("array")
    with shown() as outputs:
        sb.glue("a", array)
    assert list(outputs[0]["data"]) == ["application/scrapbook.scrap.json+json"]


def test_polars_frames_are_glued(tmp_path: Path) -> None:
    import polars as pl

    with shown() as outputs:
        sb.glue("f", pl.DataFrame({"n": [1, None], "s": ["a", "b"]}))
    frame = read(tmp_path / "n.ipynb", outputs).scraps["f"].data
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"n": [1.0, None], "s": ["a", "b"]}))


@pytest.mark.parametrize("heavy", ["nbformat", "numpy", "pandas", "pyarrow", "sqlite3", "scrapdb.store"])
def test_gluing_a_number_is_light(heavy: str) -> None:
    code = f"""
import sys, warnings
from IPython.core.interactiveshell import InteractiveShell
warnings.simplefilter("ignore")
InteractiveShell.instance()
before = {heavy!r} in sys.modules
import scrapdb as sb
sb.glue("x", 1)
sys.exit(not before and {heavy!r} in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


WORKFLOW = """
import matplotlib.pyplot as plt
import pandas as pd
import scrapdb as sb

figure, axes = plt.subplots()
axes.plot([1, 3, 2])
plt.close(figure)
sb.glue("days", 250)
sb.glue("ticker", symbol)
sb.glue("gap", 0.0271)
sb.glue("near", True)
sb.glue("levels", {"low": 1, "high": 2}, encoder="json", display=True)
sb.glue("table", pd.DataFrame({"close": [1.0, 2.0]}), encoder="pandas")
sb.glue("message", f"{symbol} is near", encoder="text")
try:
    sb.glue("figure", figure)
except NotImplementedError as error:
    print(error)
sb.glue("figure", figure, encoder="display")
"""


@pytest.fixture(scope="session")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return glued.cells("workflow", tmp_path_factory.mktemp("workflow"), "symbol = 'XYZ'", WORKFLOW)


def test_a_workflow_of_two_notebooks(workflow: Path, tmp_path: Path) -> None:
    reading = f"""
import scrapdb as sb
book = sb.read_notebooks({str(workflow.parent)!r})
for nb in book.notebooks:
    print(f"{{nb.scraps['ticker'].data: <5}} {{nb.scraps['gap'].data * 100: .2f}}%")
    if nb.scraps["near"].data:
        display(nb.scraps["figure"].display["data"], raw=True)
nb.reglue("days", "days of it")
nb.reglue("table")
nb.reglue("figure")
"""
    result = sb.read_notebook(glued.cells("second", tmp_path, reading), strict=True)
    assert result.node.cells[-1].outputs[0].text.startswith("XYZ    2.71%\n")
    assert "image/png" in result.node.cells[-1].outputs[1].data
    assert list(result.scraps) == ["days of it", "table", "figure"]
    assert result.scraps["days of it"].data == 250
    assert result.scraps["table"].data["close"].tolist() == [1.0, 2.0]
    assert result.scraps["figure"].display == sb.read_notebook(workflow).scraps["figure"].display


def test_a_figure_is_refused_without_the_encoder_display(workflow: Path) -> None:
    printed = [output.text for output in sb.read_notebook(workflow).node.cells[-1].outputs if "text" in output]
    expected = "Scrap of type <class 'matplotlib.figure.Figure'> has no supported encoder registered\n"
    assert printed == [expected]


def test_a_scheduler_verifies_a_run(workflow: Path) -> None:
    """Airflow's example DAG asks so whether its notebook said what it should."""
    assert sb.read_notebook(str(workflow)).scraps["message"].data == "XYZ is near"
