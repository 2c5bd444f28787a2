from __future__ import annotations

import array
import dataclasses
import enum
import re
import subprocess
import sys
import warnings
from pathlib import Path
from pathlib import PurePath
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pyarrow as pa
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


class Nothing:
    def _ipython_display_(self) -> None:
        """Display nothing."""


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


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Run:
    symbol: str


@pytest.mark.parametrize(
    "value",
    [
        *(object(), Silent(), Broken(), 1j, Chart, slice(1), range(3), {1, 2}.__iter__(), {"a": 1}.values(), Color.RED),
        *(Run("a"), array.array("d", [1.0]), pa.array([1]), np.array([1j]), pd.MultiIndex.from_tuples([(1, 2)])),
        *(PurePath("a"), pd.Interval(0, 1), MagicMock()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_nobody_takes_is_refused_as_by_scrapbook(value: Any) -> None:
    message = (
        f"Scrap of type {re.escape(str(type(value)))} has no supported encoder registered; glue what it is made of"
    )
    with shown() as outputs, pytest.raises(NotImplementedError, match=message):
        sb.glue("x", value)
    assert outputs == []


@pytest.mark.parametrize(
    "value", [range(3), {0: "a", 1: "b", 2: "c"}.keys(), (i for i in range(3)), pa.array([0, 1, 2])]
)
def test_members_are_glued_where_json_is_asked_for(value: Any, tmp_path: Path) -> None:
    with shown() as outputs:
        sb.glue("x", value, "json")
    assert read(tmp_path / "n.ipynb", outputs).scraps["x"].data == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (Nothing(), {}, r"'x', <class '.*Nothing'>, shows nothing; glue what it is made of"),
        (Nothing(), {"encoder": "display"}, "shows nothing"),
        (Nothing(), {"display": True}, "shows nothing"),
        (Chart(), {"display": ("image/png",)}, "not shown as `display` asks for; it can be as text/html, text/plain"),
        ({"a": 1}, {"display": ["image/png"]}, "it can be as text/plain"),
        (Chart(), {"display": {"exclude": ["text/html", "text/plain"]}}, "it can be as text/html, text/plain"),
        (Chart(), {"encoder": "display", "display": False}, r"can only be shown, which display=False forbids"),
        (Chart(), {"display": ()}, r"can only be shown, which display=\(\) forbids"),
    ],
)
def test_nothing_is_lost_in_silence(value: Any, options: dict[str, Any], message: str) -> None:
    with shown() as outputs, pytest.raises(ScrapbookDataException, match=message):
        sb.glue("x", value, **options)
    assert outputs == []


@pytest.mark.parametrize("value", [[1], np.zeros((2, 2)), pa.array([1]), 1])
def test_what_is_no_table_is_refused_as_one(value: Any) -> None:
    message = f"{re.escape(str(type(value)))} is no table; glue a DataFrame"
    with shown() as outputs, pytest.raises(ScrapbookDataException, match=message):
        sb.glue("x", value, "pandas")
    assert outputs == []


def test_a_lazy_frame_is_not_its_plan() -> None:
    import polars as pl

    with pytest.raises(ScrapbookDataException, match=r"LazyFrame'> has no rows yet; glue what its collect\(\) gives"):
        sb.glue("x", pl.LazyFrame({"a": [1]}))


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
    for value in (1, Chart()):
        with pytest.raises(ScrapbookDataException, match="its name is not text"):
            sb.glue(1, value)  # type: ignore[arg-type]


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
    numbers = np.array([1, 2], dtype="int8")
    sb.encoders.register(ArrayEncoder())
    try:
        with shown() as outputs:
            sb.glue("a", numbers)
        (payload,) = outputs[0]["data"].values()
        assert payload == {"name": "a", "data": ["int8", [1, 2]], "encoder": "array", "version": 1}
        assert read(tmp_path / "n.ipynb", outputs).scraps["a"].data.dtype == numbers.dtype
    finally:
        sb.encoders.deregister("array")
    with shown() as outputs:
        sb.glue("a", numbers)
    assert list(outputs[0]["data"]) == ["application/scrapbook.scrap.json+json"]


def test_polars_frames_are_glued(tmp_path: Path) -> None:
    import polars as pl

    with shown() as outputs:
        sb.glue("f", pl.DataFrame({"n": [1, None], "s": ["a", "b"]}))
    frame = read(tmp_path / "n.ipynb", outputs).scraps["f"].data
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"n": pd.array([1, None], "Int64"), "s": ["a", "b"]}))


def test_types_of_polars_alone_are_glued(tmp_path: Path) -> None:
    import polars as pl

    table = pl.DataFrame(
        {
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "enum": pl.Series(["x", None], dtype=pl.Enum(["x", "y"])),
            "list": pl.Series([["a"], []], dtype=pl.List(pl.String)),
            "dict": [{"k": "v"}, None],
        }
    )
    with shown() as outputs:
        sb.glue("f", table)
    frame = read(tmp_path / "n.ipynb", outputs).scraps["f"].data
    assert frame["category"].tolist() == ["a", "b"]
    assert frame["enum"].tolist()[:1] == ["x"]
    assert list(map(list, frame["list"])) == [["a"], []]
    assert frame["dict"].tolist() == [{"k": "v"}, None]


def test_addresses_of_objects_are_not_glued() -> None:
    import polars as pl

    with shown() as outputs, pytest.raises(ScrapbookDataException, match="objects cannot be glued: odd; cast"):
        sb.glue("f", pl.DataFrame({"n": [1], "odd": pl.Series([object()], dtype=pl.Object)}))
    assert not outputs


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [1, "x"]}),
        pd.DataFrame({"a": [1, 2.5], "b": ["x", "y"]}).iloc[0],
        pd.DataFrame({"a": [1j]}),
        pd.DataFrame({"v": [1]}, index=pd.CategoricalIndex(pd.interval_range(0, 1))),
        pd.DataFrame({"a": [Path("x")]}),
        pd.DataFrame({"a": [10**30]}),
    ],
    ids=["mixed", "row", "complex", "cut", "paths", "large"],
)
def test_what_parquet_cannot_hold_is_told_in_sentences(table: Any) -> None:
    with (
        shown() as outputs,
        pytest.raises(ScrapbookDataException, match=r"cannot hold the table: [^(].*\. Make that text"),
    ):
        sb.glue("f", table)
    assert not outputs


@pytest.mark.parametrize("name", ["n", None])
def test_polars_series_are_glued(name: str | None, tmp_path: Path) -> None:
    import polars as pl

    with shown() as outputs:
        sb.glue("s", pl.Series(name, [1, 2]))
    pd.testing.assert_series_equal(read(tmp_path / "n.ipynb", outputs).scraps["s"].data, pd.Series([1, 2], name=name))


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
    expected = "Scrap of type <class 'matplotlib.figure.Figure'> has no supported encoder registered; "
    assert printed == [f'{expected}glue what it is made of, or what it shows with encoder="display".\n']


PLOTS = """
import scrapdb as sb

class Figure:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/vnd.plotly.v1+json": {"data": [{"x": [1, 2]}]}, "text/html": "<div>plot</div>"}

    def _ipython_display_(self):
        display(self._repr_mimebundle_(), raw=True)

class Widget:
    def _ipython_display_(self):
        display({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Widget()"}, raw=True)

sb.glue("figure", Figure())
sb.glue("named", Figure(), "display")
sb.glue("asked for", Figure(), display=True)
sb.glue("page", Figure(), display=("text/html",))
sb.glue("widget", Widget())
sb.glue("value", {"a": 1}, display=True)
"""


def test_plots_of_a_kernel_are_read_by_both(tmp_path: Path) -> None:
    path = glued.cells("plots", tmp_path, PLOTS)
    plot = {"application/vnd.plotly.v1+json": {"data": [{"x": [1, 2]}]}, "text/html": "<div>plot</div>"}
    with warnings.catch_warnings(action="ignore"):  # it is of 2021
        import scrapbook

        theirs = scrapbook.read_notebook(str(path)).scraps
    for scraps in (sb.read_notebook(path, strict=True).scraps, theirs):
        shown = {name: dict(scrap.display["data"]) for name, scrap in scraps.items() if scrap.display}
        for name in ("figure", "named", "asked for"):
            assert shown[name].items() >= plot.items()
            assert scraps[name].encoder == "display"
        assert shown["page"] == {"text/html": "<div>plot</div>"}
        assert shown["widget"]["application/vnd.jupyter.widget-view+json"] == {"model_id": "1"}
        assert shown["value"] == {"text/plain": "{'a': 1}"}


def test_a_scheduler_verifies_a_run(workflow: Path) -> None:
    """Airflow's example DAG asks so whether its notebook said what it should."""
    assert sb.read_notebook(str(workflow)).scraps["message"].data == "XYZ is near"
