from __future__ import annotations

import base64
import copy
import io
import json
import math
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

import scrapdb
from scrapdb.database import magic
from scrapdb.database.notebook import StoredNotebook
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import UsageError
from tests import notebook_builder as nb

SCRIPT = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """Collects the names of the elements of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.found.append(tag)


@pytest.fixture(scope="module")
def encoders(executed: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> StoredNotebook:
    directory = tmp_path_factory.mktemp("encoders")
    shutil.copy(executed("encoders"), directory)
    db = scrapdb.open(directory / "scraps.db")
    db.index(directory)
    return db.notebook("encoders")


def glue(tmp_path: Path, *outputs: Any, name: str = "a") -> StoredNotebook:
    nb.write(tmp_path / "runs" / f"{name}.ipynb", nb.notebook(nb.code("glue()", *outputs)))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "runs")
    return db.notebook(name)


def in_jupyter(value: object) -> dict[str, Any]:
    """Show a value as a kernel does."""
    bundle, _ = DisplayFormatter().format(value)  # type: ignore[no-untyped-call]
    return dict(bundle)


def tags(document: str) -> list[str]:
    parser = Tags()
    parser.feed(document)
    return parser.found


def test_scraps_come_in_the_order_of_the_cells_with_their_values(encoders: StoredNotebook) -> None:
    data = {name: scrap.data for name, scrap in encoders.scraps.items() if scrap.type not in {"frame", "display"}}
    assert math.isnan(data.pop("nan"))
    assert [*data.items()] == [
        ("text", "007"),
        ("integer", 2**53 + 1),
        ("big", 2**70),
        ("float", 0.1 + 0.2),
        ("true", True),
        ("infinity", -math.inf),
        ("list", [1, [2, None], "three"]),
        ("dict", {"a": 1, "b": {"c": ["nan", 2.5]}}),  # so scrapbook wrote it
        ("odd name/with.dots", 1),
        ("shown text", "héllo\n☃"),
        ("shown json", {"a": 1}),
        ("repeated", 3),
    ]
    assert data["true"] is True
    assert len(encoders.scraps) == 18


def test_a_notebook_tells_where_its_scraps_were_glued(encoders: StoredNotebook) -> None:
    scrap = encoders.scraps["shown json"]
    assert (scrap.cell, scrap.cell_id, scrap.encoder, scrap.type) == (5, "cell-4", "json", "json")
    assert encoders.scraps["plot"].cell_id == "cell-6"
    assert encoders.status == "completed"
    assert encoders.path == "encoders.ipynb"
    assert encoders.parameters["symbol"] == "ABC"
    assert encoders.parameters["alpha"] == 0.5


def test_a_frame_comes_back_as_it_was_glued(encoders: StoredNotebook) -> None:
    expected = pd.DataFrame({"n": [1, 2, 3], "x": [0.5, None, 2.5], "s": ["a", "b", None]}, index=["r1", "r2", "r3"])
    for name in ("frame", "shown frame"):
        pd.testing.assert_frame_equal(encoders.scraps[name].data, expected)
    assert encoders.scraps["frame"].table().columns == ("index", "n", "x", "s")
    with pytest.raises(UsageError, match="float is no DataFrame"):
        encoders.scraps["float"].table()


def test_displays_are_the_bytes_of_the_file(encoders: StoredNotebook, executed: Callable[[str], Path]) -> None:
    bundles = {
        output["metadata"]["scrapbook"]["name"]: output["data"]
        for cell in json.loads(executed("encoders").read_bytes())["cells"]
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("scrapbook", {}).get("display")
    }
    plot = encoders.scraps["plot"].display
    assert plot["image/png"] == base64.b64decode(bundles["plot"]["image/png"])
    assert encoders.scraps["html"].display["text/html"] == b"<b>bold</b>"
    assert encoders.scraps["only html"].display.keys() == {"text/html"}
    assert encoders.scraps["float"].display == {}
    assert encoders.scraps["plot"].data is None


def test_an_unknown_scrap_names_the_known(encoders: StoredNotebook) -> None:
    with pytest.raises(ScrapNotFoundError, match=r"^encoders.ipynb has no scrap 'nothing'; it has text, integer, big"):
        encoders.scraps["nothing"]
    with pytest.raises(KeyError):
        encoders.scraps["nothing"]
    assert "nothing" not in encoders.scraps
    assert encoders.scraps.get("nothing") is None


@pytest.mark.parametrize("name", ["gr\u00f6\u00dfe", "gro\u0308\u00dfe"])
def test_a_name_is_looked_up_in_both_spellings(tmp_path: Path, name: str) -> None:
    frame = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_parquet(frame)
    payload = base64.b64encode(frame.getvalue()).decode()
    outputs = [nb.scrap("gro\u0308\u00dfe", payload, "pandas"), nb.display("gro\u0308\u00dfe", {"image/png": nb.PNG})]
    found = glue(tmp_path, *outputs)
    db = scrapdb.open(tmp_path / "scraps.db")
    assert list(found.scraps) == ["gr\u00f6\u00dfe"]
    assert name in found.scraps
    assert list(found.scraps[name].display) == ["image/png"]
    assert db.frame(name)["a"].tolist() == [1]
    assert db.completions(name[:4]) == ["gr\u00f6\u00dfe"]
    shown = magic.answer(magic.Request(None, scrap=name, db=str(db.path)))
    assert nb.PNG in shown._repr_html_()


@pytest.mark.parametrize("name", ["gr\u00f6\u00dfe", "gro\u0308\u00dfe"])
def test_parameters_and_rows_know_a_name_in_both_spellings(tmp_path: Path, name: str) -> None:
    written = {"gro\u0308\u00dfe": 2, "b": 3}
    nb.write(tmp_path / "runs" / "a.ipynb", nb.notebook(nb.code(), papermill={"parameters": written}))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "runs")
    (row,) = db.query(columns=["b", name])
    for found in (db.notebook("a").parameters, row):
        assert found == {"gr\u00f6\u00dfe": 2, "b": 3}
        assert name in found
        assert found[name] == found.get(name) == 2
        assert "n" not in found
        assert found.get("n", 4) == 4
        assert json.loads(json.dumps(found)) == copy.deepcopy(found) == found
        with pytest.raises(KeyError, match="n"):
            found["n"]


def test_a_notebook_without_scraps_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScrapNotFoundError, match=r"^runs/a.ipynb has no scrap 'x'; it has none\.$"):
        glue(tmp_path).scraps["x"]


def test_jupyter_shows_a_picture(encoders: StoredNotebook) -> None:
    shown = in_jupyter(encoders.scraps["plot"])
    assert base64.b64decode(shown["image/png"]) == encoders.scraps["plot"].display["image/png"]
    assert "text/html" not in shown


def test_jupyter_shows_html_in_a_frame(encoders: StoredNotebook) -> None:
    assert tags(in_jupyter(encoders.scraps["html"])["text/html"]) == ["iframe"]
    assert tags(in_jupyter(encoders.scraps["shown frame"])["text/html"]) == ["iframe"]


def test_jupyter_shows_a_frame_as_a_table(encoders: StoredNotebook) -> None:
    shown = in_jupyter(encoders.scraps["frame"])
    assert {"table", "th", "td"} <= {*tags(shown["text/html"])}
    assert shown["text/plain"] == "<Scrap frame: DataFrame 3 × 3>"


def test_jupyter_shows_a_value(encoders: StoredNotebook) -> None:
    assert in_jupyter(encoders.scraps["integer"]) == {
        "text/plain": "<Scrap integer: 9007199254740993>",
        "text/html": '<pre class="tex2jax_ignore mathjax_ignore">9007199254740993</pre>',
    }
    assert in_jupyter(encoders.scraps["shown text"]) == {"text/plain": "'héllo\\n☃'"}


def test_nothing_hostile_comes_out_alive(tmp_path: Path) -> None:
    frame = pd.DataFrame({SCRIPT: [SCRIPT, "$\\href{javascript:alert(1)}{x}$"]}, index=[SCRIPT, "</table>"])
    content = base64.b64encode(frame.to_parquet()).decode()
    found = glue(
        tmp_path,
        nb.scrap(SCRIPT, SCRIPT),
        nb.scrap("list", [SCRIPT]),
        nb.scrap("frame", content, "pandas"),
        nb.display("html", {"text/html": f'"></iframe>{SCRIPT}', "text/plain": SCRIPT}),
        nb.display("svg", {"image/svg+xml": f'<svg onload="alert(1)">{SCRIPT}</svg>'}),
        nb.display("js", {"application/javascript": "alert(1)"}),
        nb.display("latex", {"text/latex": "$\\href{javascript:alert(1)}{x}$"}),
        nb.display("markdown", {"text/markdown": SCRIPT}),
        name="<img src=x onerror=alert(1)>",
    )
    assert len(found.scraps) == 8
    allowed = {"pre", "iframe", "img", "div", "style", "table", "thead", "tbody", "tr", "th", "td", "p"}
    shown = {name: in_jupyter(scrap) for name, scrap in found.scraps.items()}
    for name, bundle in shown.items():
        assert bundle.keys() <= {"text/plain", "text/html", "image/png"}, name
        assert {*tags(bundle.get("text/html", ""))} <= allowed, name
    assert [tags(shown[name]["text/html"]) for name in ("html", "svg")] == [["iframe", "p"], ["img"]]
    assert [tags(shown[name]["text/html"]) for name in ("js", "latex", "markdown")] == [["p"], ["pre"], ["pre"]]
    assert {*tags(in_jupyter(found)["text/html"])} == {"div", "b", "table", "thead", "tbody", "tr", "th", "td"}
    texts = [html for bundle in shown.values() if (html := bundle.get("text/html", "")) and "<i" not in html]
    assert len(texts) == 6
    assert all("mathjax_ignore" in html.split(">")[0] for html in (*texts, in_jupyter(found)["text/html"]))


def test_a_summary_has_no_control_character(tmp_path: Path) -> None:
    found = glue(tmp_path, nb.scrap("a\x1b[31m", "\x1b]0;owned\x07"), nb.scrap("none", None))
    shown = repr(found.scraps) + in_jupyter(found)["text/plain"] + repr(found)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "<Scrap none: null>" in shown


def test_rows_of_a_notebook(encoders: StoredNotebook) -> None:
    rows = {row["name"]: row for row in encoders.table(["name", "role", "type", "value", "encoder", "cell"])}
    assert rows["big"] == {
        "name": "big",
        "role": "scrap",
        "type": "integer",
        "value": 2**70,
        "encoder": "json",
        "cell": 4,  # behind the injected parameters
    }
    assert (rows["frame"]["value"], rows["plot"]["value"]) == ("DataFrame 3 × 3", "image/png, text/plain")
    assert (rows["alpha"]["role"], rows["alpha"]["encoder"], rows["alpha"]["cell"]) == ("parameter", None, None)


def test_problems_of_a_notebook(encoders: StoredNotebook) -> None:
    assert {(name, kind) for _, _, _, name, kind, _ in encoders.problems} == {("repeated", "repeated")}


def test_a_failed_run(executed: Callable[[str], Path], tmp_path: Path) -> None:
    shutil.copy(executed("fails"), tmp_path)
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    found = db.notebook("fails")
    assert (found.status, found.attributes["error_name"], [*found.scraps]) == ("failed", "KeyError", ["before"])
    assert repr(found) == "<Notebook fails.ipynb: failed, 1 scraps>"
