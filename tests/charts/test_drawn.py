"""Plots of a store: which axes they have, what cannot be drawn and is told, and what they become."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import struct
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from scrapdb.charts.asked import Asked
from scrapdb.charts.drawn import Plot
from scrapdb.charts.drawn import read
from scrapdb.charts.plot import PlotKind
from scrapdb.charts.points import Axes
from scrapdb.charts.points import Points
from scrapdb.charts.points import Scale
from scrapdb.errors import ExpressionError
from scrapdb.errors import UsageError
from scrapdb.facts import Expression
from tests.query.stores import Display
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import build

HOSTILE = "</svg></figure><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e\"'&"
NOTHING_DRAWN = [math.nan, math.inf, -math.inf, None, 10**305, -1e301, 1e308]


@pytest.fixture(scope="module")
def store() -> Iterator[sqlite3.Connection]:
    notebooks = [
        Notebook(
            f"n{number:02}.ipynb",
            {"n": number, "text": "ab"[number % 2], "flag": number > 3, "frame": Frame(2, 2), "shown": Display(),
             "conf": {"depth": number}, "losses": [number, 1], "when": f"2026-11-{number + 1:02}",
             "mixed": number if number % 2 else Frame(1, 1), "odd": NOTHING_DRAWN[number] if number < 7 else 1.0},
            {"run": Expression("f()")},
        )
        for number in range(10)
    ]  # fmt: skip
    connection = build(notebooks)
    yield connection
    connection.close()


def plot(store: sqlite3.Connection, x: str = "", y: str = "", color: str = "", where: str = "", **asked: Any) -> Plot:
    return read(store, Asked(Axes(x, y, color, where), **asked))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("frame", "frame is a DataFrame"),
        ("shown", "shown is a display"),
        ("conf", r"conf is JSON, .* such as conf\.KEY"),
        ("losses", r"losses is JSON, .* such as losses\[0\]"),
        ("run", "run is an expression"),
        ("frame as f", "f is a DataFrame"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_no_value_of_an_axis_is_named_with_its_type(
    store: sqlite3.Connection, field: str, said: str, place: int
) -> None:
    axes = ["n", "n", "n"]
    axes[place] = field
    with pytest.raises(UsageError, match=said):
        plot(store, *axes)


def test_parts_of_it_are_drawn(store: sqlite3.Connection) -> None:
    assert [row[1:] for row in plot(store, "conf.depth", "losses[0]").points.rows] == [(n, n) for n in range(10)]


def test_what_is_only_sometimes_none_is_left_out_and_told(store: sqlite3.Connection) -> None:
    drawn = plot(store, "n", "mixed")
    assert len(drawn.points.rows) == 5
    assert drawn.remarks == ["5 runs; 5 more have no value that can be drawn for n or mixed."]


def test_what_is_no_finite_number_is_left_out_and_told(store: sqlite3.Connection) -> None:
    drawn = plot(store, "n", "odd")
    assert [row[2] for row in drawn.points.rows] == [1.0, 1.0, 1.0]
    assert drawn.remarks == ["3 runs; 7 more have no value that can be drawn for n or odd."]
    json.dumps(drawn.specification(), allow_nan=False)


@pytest.mark.parametrize("field", ["odd", "conf.nowhere", "conf.nowhere * 2"])
def test_where_nothing_is_left_it_is_told(store: sqlite3.Connection, field: str) -> None:
    drawn = plot(store, field, where="n < 7")
    assert drawn.remarks == [f"None of 7 runs has a value that can be drawn for {drawn.points.labels[0]}."]
    assert plot(store, "n", where="n > 99").remarks == ["There is no run to draw."]


@pytest.mark.parametrize(("y", "told"), [("text", True), ("n", False), ("flag", False), ("when", False)])
def test_texts_on_the_upright_axis_are_told(store: sqlite3.Connection, y: str, told: bool) -> None:
    assert plot(store, "n", y).remarks == ([f"{y} is text, no number: its values are drawn as categories."] * told)


@pytest.mark.parametrize(
    ("axes", "kind", "drawn"),
    [
        (("n", "n"), None, "scatter"),
        (("n",), None, "histogram"),
        (("n", "n", "text"), "line", "line"),
        (("text",), "histogram", "histogram"),
    ],
)
def test_kinds(store: sqlite3.Connection, axes: tuple[str, ...], kind: PlotKind | None, drawn: str) -> None:
    assert plot(store, *axes, kind=kind).kind == drawn


@pytest.mark.parametrize(
    ("axes", "kind", "said"),
    [
        (("n", "n"), "histogram", "leave out y and color"),
        (("n", "", "text"), None, "leave out y and color"),
        (("n",), "line", "A line needs a field for y"),
        (("n",), "scatter", "A scatter needs a field for y"),
        (("n", "n"), "pie", "A plot is a scatter, line, histogram, and no 'pie'"),
        (("n, text", "n"), None, "one field or expression"),
        (("*", "n"), None, "one field or expression"),
    ],
)
def test_axes_that_make_no_plot(store: sqlite3.Connection, axes: tuple[str, ...], kind: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plot(store, *axes, kind=kind)


def test_an_unknown_name_has_the_nearest(store: sqlite3.Connection) -> None:
    for axes in (("tekst",), ("n", "tekst"), ("n", "n", "tekst"), ("n", "n", "", "tekst = 1")):
        with pytest.raises(ExpressionError, match="did you mean `text`"):
            plot(store, *axes)


def hostile(kind: PlotKind) -> Plot:
    axes = (HOSTILE,) if kind == "histogram" else (f"x{HOSTILE}", "y", "c")
    rows = [(HOSTILE, HOSTILE, *[1, HOSTILE][: len(axes) - 1])]
    scales: tuple[Scale, ...] = ("nominal", "quantitative", "nominal")
    return Plot(Points(axes, scales[: len(axes)], rows, 0), kind)


class Tags(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", ["scatter", "line", "histogram"])
def test_names_are_text_in_pictures_and_pages(kind: PlotKind) -> None:
    drawn = hostile(kind)
    svg = ET.fromstring(drawn.svg())  # noqa: S314
    assert {tag.tag.rpartition("}")[2] for tag in svg.iter()} <= {"svg", "g", "path", "rect", "line", "text"}
    page = drawn.html()
    found = Tags(page)
    assert found.tags & {"script", "img", "a", "image", "iframe", "link"} == set()
    assert not any(name.startswith("on") or name in {"src", "href"} for name in found.attributes)
    assert not set(page) & {"\x1b", "\u202e"}
    assert "<script>alert(1)</script>" in found.text
    assert not set(drawn.text()) & {"\x1b", "\u202e"}


def test_a_page_loads_nothing_and_tells_all_that_the_picture_does(store: sqlite3.Connection) -> None:
    page = plot(store, "n", "mixed", "text").html(theme="dark")
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert 'aria-label="Scatter of mixed against n for 5 runs; the values are in the table below"' in page
    assert "5 runs; 5 more have no value that can be drawn for n or mixed or text." in page
    assert "<td>n03.ipynb</td><td>3</td><td>3</td><td>b</td>" in page
    assert page.count("<tr>") == 6


def test_a_table_of_many_points_is_cut_and_says_so() -> None:
    page = Plot(Points(("x",), ("quantitative",), [("n", number) for number in range(101)], 0), "histogram").html()
    assert (page.count("<tr>"), "The first 100 of those drawn:" in page) == (101, True)


def test_sizes_are_those_of_the_whole_picture(store: sqlite3.Connection) -> None:
    drawn = plot(store, "text", "n", "flag")
    svg = ET.fromstring(drawn.svg(width=500, height=300))  # noqa: S314
    assert (svg.get("width"), svg.get("height")) == ("500", "300")
    png = drawn.png(width=301, height=203)
    assert (png[:4], struct.unpack(">II", png[16:24])) == (b"\x89PNG", (301, 203))
    for size in ({"width": 99}, {"height": 4001}):
        with pytest.raises(UsageError, match="100 to 4,000 pixels"):
            drawn.svg(**size)


def test_nothing_is_drawn_as_an_empty_picture(store: sqlite3.Connection) -> None:
    for x, y, color in (("n", "n", "text"), ("n", "", ""), ("text", "", "")):
        drawn = plot(store, x, y, color, "n > 99")
        assert ET.fromstring(drawn.svg()).tag.endswith("svg")  # noqa: S314
        assert "There is no run to draw." in drawn.html()
        assert drawn.text() == ""


def test_it_shows_itself_in_jupyter(store: sqlite3.Connection) -> None:
    drawn = plot(store, "n", "n", "text")
    bundle = drawn._repr_mimebundle_()
    assert bundle["application/vnd.vegalite.v5+json"] == json.loads(drawn.json())
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == repr(drawn) == "<Plot n against n: scatter of 10 runs>"


def test_it_is_made_of_no_more_runs_than_are_asked_for(store: sqlite3.Connection) -> None:
    drawn = read(store, Asked(Axes("n", "", "", "")), 4)
    assert drawn.remarks == ["4 of 10 runs, chosen at even distances."]
