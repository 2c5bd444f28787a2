from __future__ import annotations

import base64
import copy
import io
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import scrapdb as sb
from scrapdb.errors import ScrapbookException
from scrapdb.scrapbook.outputs import LazyScrap
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import markdown
from tests.notebook_builder import notebook
from tests.notebook_builder import output
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.scrapbook.shown import read
from tests.scrapbook.shown import shown

pytestmark = pytest.mark.filterwarnings("ignore:No kernel detected")
ROOT = Path(__file__).parent.parent.parent
FRAME = pd.DataFrame({"n": [1, 2]})


def parquet(frame: pd.DataFrame) -> str:
    file = io.BytesIO()
    frame.to_parquet(file)
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A notebook with a good scrap, and one of every kind that is not."""
    outputs = [
        scrap("good", 1),
        scrap("frame", "no base64!", "pandas"),
        scrap("custom", [1], "custom"),
        output({"application/scrapbook.scrap.json+json": {"name": "no data", "version": 1}}),
        scrap("good", 2),
    ]
    return write(tmp_path / "damaged.ipynb", notebook(code("glue()", *outputs)))


def test_one_bad_scrap_does_not_hide_the_others(damaged: Path) -> None:
    nb = sb.read_notebook(damaged)
    assert list(nb.scraps) == ["good", "frame", "custom"]
    assert nb.scraps["good"].data == 2
    with pytest.warns(UserWarning, match="'frame' cannot be decoded"):
        assert nb.scraps["frame"].data == "no base64!"
    with pytest.warns(UserWarning, match="No encoder is called 'custom'"):
        assert nb.scraps["custom"].data == [1]


def test_problems_say_what_is_wrong(damaged: Path) -> None:
    problems = [(problem.kind, problem.name) for problem in sb.read_notebook(damaged).problems]
    assert sorted(problems) == [
        ("encoder", "custom"),
        ("malformed", "no data"),
        ("payload", "frame"),
        ("repeated", "good"),
    ]


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_strict_reader_is_told(damaged: Path, bad: int) -> None:
    document = json.loads(damaged.read_text())
    document["cells"][0]["outputs"] = document["cells"][0]["outputs"][bad : bad + 1]
    with pytest.raises(ScrapbookException):
        sb.read_notebook(write(damaged, document), strict=True)


def test_a_repeated_name_is_no_error_to_a_strict_reader(tmp_path: Path) -> None:
    assert read(tmp_path / "n.ipynb", [scrap("x", 1), scrap("x", 2)]).scraps["x"].data == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"{", "half-written"), (b"[]", "not a notebook"), (b"<html>", "HTML page")],
)
def test_what_is_no_notebook_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ScrapbookException, match=rf"n\.ipynb cannot be read\. .*{message}"):
        sb.read_notebook(write(tmp_path / "n.ipynb", content))


def test_a_name_that_is_no_notebooks_is_an_error_and_a_warning() -> None:
    with pytest.raises(Warning, match=r"does not end in \.ipynb"):
        sb.read_notebook(Path("notebook.txt"))
    with pytest.raises(ValueError, match=r"does not end in \.ipynb"):
        sb.read_notebook("s3://bucket/notebook.txt?x=.ipynb")


def test_a_frame_is_decoded_when_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", notebook(code("", scrap("f", parquet(FRAME), "pandas"), scrap("x", 1))))
    program = f"""
import sys, scrapdb as sb
scraps = sb.read_notebook({str(path)!r}).scraps
assert scraps["x"].data == 1 and scraps["f"].encoder == "pandas" and "DataFrame" in scraps._repr_html_()
assert not {{"pandas", "pyarrow", "nbformat", "sqlite3"}} & sys.modules.keys()
assert scraps["f"].data is scraps["f"].data
assert "pandas" in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def lazy(value: Any) -> LazyScrap:
    return LazyScrap("x", lambda: value, "custom", None)


@pytest.mark.parametrize(
    "look",
    [
        lambda one: one.data,
        lambda one: one[1],
        lambda one: one[1:2][0],
        lambda one: tuple(one)[1],
        lambda one: [*one][1],
        lambda one: dict(one._asdict())["data"],
        lambda one: one._replace(name="y").data,
        lambda one: pickle.loads(pickle.dumps(one)).data,  # noqa: S301 - our own
        lambda one: copy.copy(one).data,
        lambda one: {one: one.data}[sb.Scrap("x", 7, "custom")],
        lambda one: next(data for _, data, _, _ in [one]),
        lambda one: pd.DataFrame([one]).loc[0, "data"],
    ],
)
def test_a_lazy_scrap_looks_like_any_other(look: Callable[[Any], Any]) -> None:
    assert look(lazy(7)) == 7


def test_a_lazy_scrap_equals_its_like() -> None:
    eager = sb.Scrap("x", 7, "custom")
    assert lazy(7) == eager
    assert eager == lazy(7)
    assert lazy(7) == ("x", 7, "custom", None)
    assert lazy(7) != lazy(8)
    assert repr(lazy(7)) == repr(eager) == "Scrap(name='x', data=7, encoder='custom', display=None)"


def test_what_nbformat_has_is_there(tickers: Path) -> None:
    nb = sb.read_notebook(tickers / "BCD.ipynb")
    node = nbformat.read(tickers / "BCD.ipynb", as_version=4)
    assert (nb.cells, nb.metadata, nb.nbformat, nb.nbformat_minor) == (
        node.cells,
        node.metadata,
        node.nbformat,
        node.nbformat_minor,
    )
    assert (nb.filename, nb.directory) == ("BCD.ipynb", str(tickers))
    assert nb.parameters == {"symbol": "BCD"}
    assert nb.execution_counts == [cell.get("execution_count") for cell in node.cells]
    durations = [cell.metadata.papermill.duration for cell in node.cells if cell.get("execution_count")]
    assert [seconds for seconds in nb.cell_timing if seconds is not None] == durations
    assert nb.metrics["value"].tolist() == durations


def test_a_node_can_be_changed_until_its_scraps_are_read() -> None:
    node = nbformat.from_dict(notebook(markdown("# Title"), code("", scrap("x", 1))))
    nb = sb.Notebook(node)
    copied = nb.copy()
    node.cells[1].outputs.append(nbformat.from_dict(scrap("y", 2)))
    assert nb.scraps.data_dict == {"x": 1, "y": 2}
    assert copied.scraps.data_dict == {"x": 1}
    assert (nb.path, nb.filename, nb.directory) == ("", "", "")


def test_a_changed_copy_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", notebook(code("", scrap("x", 1)), papermill={"parameters": {"a": 1}}))
    nb = sb.read_notebook(path)
    nb.metadata.papermill.parameters["a"] = 2
    assert nb.parameters == {"a": 2}
    assert sb.read_notebook(path).parameters == {"a": 1}


@pytest.mark.parametrize("content", ["nan.ipynb", "bom.ipynb"])
def test_what_the_fast_reader_refuses_is_read(tmp_path: Path, content: str) -> None:
    text = json.dumps(notebook(code("", scrap("x", float("nan")), scrap("y", 1))))
    encoding = "utf-16" if content == "bom.ipynb" else "utf-8"
    nb = sb.read_notebook(write(tmp_path / content, text.encode(encoding)))
    assert nb.scraps["y"].data == 1
    assert nb.scraps["x"].data != nb.scraps["x"].data
    assert len(nb.cells) == 1


def test_everything_is_glued_again_as_it_was(tmp_path: Path) -> None:
    with shown() as first:
        sb.glue("frame", FRAME, display=True)
        sb.glue("pair", (1, float("nan")))
        sb.glue("nothing", None)
    nb = read(tmp_path / "first.ipynb", first)
    with shown() as second:
        for name in nb.scraps:
            nb.reglue(name)
    assert second == first
    again = read(tmp_path / "second.ipynb", second).scraps
    assert_frame_equal(again["frame"].data, FRAME)
    assert again["pair"].data[0] == 1
    assert type(again["pair"].data) is tuple


def test_a_name_in_another_spelling_is_glued_again_as_it_was(tmp_path: Path) -> None:
    with shown() as first:
        sb.glue("gro\u0308\u00dfe", 1)
    with shown() as second:
        read(tmp_path / "first.ipynb", first).reglue("gr\u00f6\u00dfe")
    assert second == first


def test_unattached_leaves_no_scrap(tmp_path: Path) -> None:
    with shown() as first:
        sb.glue("shown", 1, display=True)
        sb.glue("hidden", 2)
    nb = read(tmp_path / "first.ipynb", first)
    with shown() as second:
        nb.reglue("shown", unattached=True)
        nb.reglue("hidden", unattached=True)
    assert second == [{"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}}]
    assert read(tmp_path / "second.ipynb", second).scraps == {}


def test_the_environment_chooses_the_old_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "n.ipynb", notebook(code("", scrap("x", 1), display("x", {"text/plain": "1"}))))
    assert sb.read_notebook(path).scraps["x"].data == 1
    monkeypatch.setenv("SCRAPDB_OLD_READING", "1")
    assert sb.read_notebook(path).scraps["x"].data is None
    assert sb.read_notebook(path, old_reading=False).scraps["x"].data == 1


def test_lines_are_joined_as_by_nbformat(tmp_path: Path) -> None:
    bundle = {
        "text/html": ["<b>\n", "</b>"],
        "application/vnd.x+json": ["a", "b"],
        "image/svg+xml": ["<svg>", "</svg>"],
    }
    shown_as = (
        sb.read_notebook(write(tmp_path / "n.ipynb", notebook(code("", display("x", bundle))))).scraps["x"].display
    )
    assert shown_as is not None
    assert shown_as["data"] == {
        "text/html": "<b>\n</b>",
        "application/vnd.x+json": ["a", "b"],
        "image/svg+xml": "<svg></svg>",
    }


def test_other_formats_are_read_as_well(tmp_path: Path) -> None:
    outputs = [
        output({"application/papermill.record+json": {"a": 1, "b": 2}}),
        output({"application/scrapbook.scrap+json": {"c": 3}}),
        output(
            {"application/papermill.record/text/plain": "'d'"},
            {"scrapbook": {"name": "d", "mime_prefix": "application/papermill.record/"}},
        ),
    ]
    scraps = sb.read_notebook(write(tmp_path / "n.ipynb", notebook(code("", *outputs)))).scraps
    assert scraps.data_dict == {"a": 1, "b": 2, "c": 3, "d": "d"}


def test_nothing_of_a_notebook_acts_in_the_page(tmp_path: Path) -> None:
    path = write(tmp_path / "$x$.ipynb", notebook(code("", scrap("<script>", "$<img>$", "text"))))
    page = sb.read_notebook(path)._repr_html_()
    assert "<script>" not in page
    assert "<img>" not in page
    assert page.count('class="tex2jax_ignore mathjax_ignore"') == 2  # the path, and the table
