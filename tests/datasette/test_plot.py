"""Plots: points, their scales, what is drawn and what is told about it."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import sys
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from scrapdb.charts import drawer
from scrapdb.charts.plot import PlotKind
from scrapdb.charts.plot import binned
from scrapdb.charts.plot import specification
from scrapdb.charts.points import Axes
from scrapdb.charts.points import Points
from scrapdb.charts.points import Scale
from scrapdb.charts.points import read
from scrapdb.charts.points import sampled
from scrapdb.charts.points import scale
from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.store.connection import APPLICATION_ID
from scrapdb.store.schema import VERSION
from tests.datasette.asked import get
from tests.notebook_builder import code
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import write
from tests.query.stores import Notebook
from tests.query.stores import build

PLOT = "/-/scrapdb/scraps/plot"
CHART = (
    '{"vl_spec": {"data": {"values": [{"x": 1}]}, "mark": "point", '
    '"encoding": {"x": {"field": "x", "title": "a title"}}}}'
)


def drawn_points(svg: str) -> int:
    """Count what Vega drew for the runs."""
    groups = [group for group in ET.fromstring(svg).iter() if "mark-symbol" in group.get("class", "")]  # noqa: S314
    return sum(len([path for path in group if path.tag.endswith("path")]) for group in groups[:1])


def test_every_run_is_a_point(thirty: Path) -> None:
    response = get(thirty, f"{PLOT}.svg?x=distance&y=distance*2")
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert drawn_points(response.text) == 29


def test_the_page_tells_what_is_left_out_and_shows_the_points(thirty: Path) -> None:
    page = unescape(re.sub(r"\s+", " ", get(thirty, f"{PLOT}?x=symbol&y=distance*100+as+percent").text))
    assert "29 runs; 1 more has no value that can be drawn for symbol or percent." in page
    assert 'alt="Scatter of percent against symbol for 29 runs' in page
    assert "plot.svg?theme=dark&" in page
    assert re.search(r">n03\.ipynb</a></td><td>A</td><td[^>]*>30</td>", page)


def test_csv_has_all_points_of_the_expression(thirty: Path) -> None:
    response = get(thirty, f"{PLOT}.csv?x=distance&y=symbol&where=distance<0.25")
    assert list(csv.reader(io.StringIO(response.text))) == [
        ["notebook", "distance", "symbol"],
        ["n00.ipynb", "0.0", "A"],
        ["n01.ipynb", "0.1", "B"],
        ["n02.ipynb", "0.2", "C"],
    ]


def test_without_an_axis_the_commonest_number_is_counted(thirty: Path) -> None:
    page = get(thirty, PLOT).text
    assert "Histogram of distance for 29 runs" in page
    assert re.search(r"<option selected>histogram</option>", page)


@pytest.mark.parametrize(
    "query",
    [
        "x=distence&y=distance",
        "x=distance&y=symbol&where=distance<",
        "x=distance,symbol&y=distance",
        "x=*&y=distance",
        "x=distance&kind=scatter",
        "x=distance&y=symbol&kind=pie",
    ],
)
def test_what_is_wrong_is_told(query: str, thirty: Path) -> None:
    page = get(thirty, f"{PLOT}?{query}")
    assert page.status_code == 400
    assert re.search(r'<pre class="scrapdb-error" role="alert">[^<]+</pre>', page.text)
    assert get(thirty, f"{PLOT}.svg?{query}").status_code == 400
    assert get(thirty, f"{PLOT}.csv?{query}").status_code == 400


def test_an_unknown_kind_is_told(thirty: Path) -> None:
    response = get(thirty, f"{PLOT}?x=distance&kind=pie")
    assert response.status_code == 400
    assert "kind is scatter, line or histogram, not 'pie'." in unescape(response.text)


def test_the_place_of_an_error_is_that_in_what_was_asked_for(thirty: Path) -> None:
    page = unescape(get(thirty, f"{PLOT}?x=symbol&y=distance * distence").text)
    assert "\n  distance * distence\n             ^^^^^^^^<" in page


def test_numbers_that_are_all_the_same_are_not_drawn_first(tmp_path: Path) -> None:
    for number in range(3):
        write(
            tmp_path / f"{number}.ipynb",
            gluing(a_constant=7, number=number, only_once=1) if number else gluing(a_constant=7, b_rare=1),
        )
    write(tmp_path / "rare.ipynb", gluing(a_constant=7, b_rare=2))
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert "<h1>b_rare</h1>" in get(tmp_path / "scraps.db", PLOT).text  # no run has it and `number`


def test_hostile_labels_are_text(thirty: Path) -> None:
    label = '"</text><script>alert(1)</script><b>"'
    query = f"x={quote(f'distance as {label}')}&y=distance"
    svg = get(thirty, f"{PLOT}.svg?{query}").text
    assert "<script" not in svg
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314
    assert "<script>alert(1)" not in get(thirty, f"{PLOT}?{query}").text


def test_without_vl_convert_a_sentence_says_what_to_install(thirty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    page = get(thirty, f"{PLOT}?x=distance&y=distance")
    assert page.status_code == 200
    assert "vl-convert-python, which is not installed" in page.text
    assert "n03.ipynb" in page.text
    assert get(thirty, f"{PLOT}.svg?x=distance&y=distance").status_code == 400


def test_no_more_than_five_thousand_points_are_drawn(tmp_path: Path) -> None:
    notebooks = [Notebook(f"n{number:05}.ipynb", {"x": number}) for number in range(5010)]
    with closing(build(notebooks, str(tmp_path / "scraps.db"))) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    page = get(tmp_path / "scraps.db", f"{PLOT}?x=x&y=x").text
    assert "5,000 of 5,010 runs, chosen at even distances." in page
    assert page.count(".ipynb</a></td>") == 100
    assert drawn_points(get(tmp_path / "scraps.db", f"{PLOT}.svg?x=x&y=x").text) == 5000


def test_of_many_runs_those_with_the_rarest_axis_are_read(tmp_path: Path) -> None:
    notebooks = [
        Notebook(f"n{number:03}.ipynb", {"x": number} | ({"y": 1} if number < 3 else {})) for number in range(200)
    ]
    with closing(build(notebooks, str(tmp_path / "scraps.db"))) as connection:
        few = read(connection, Axes("x", "y", "", "x >= 1"), most=50)
        many = read(connection, Axes("x", "nb.path", "", ""), most=50)
        everything = read(connection, Axes("x", "y", "", ""), most=200)
    assert ([row[1:] for row in few.rows], few.left_out, few.chosen_from) == ([(1, 1), (2, 1)], 197, None)
    assert ([row[1] for row in many.rows], many.left_out, many.chosen_from) == (list(range(0, 200, 4)), 0, 200)
    assert (len(everything.rows), everything.left_out, everything.chosen_from) == (3, 197, None)


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x1b[31m", "\ufffe", "\udc80", "\u202eb"])
def test_what_xml_cannot_write_is_escaped(name: str) -> None:
    points = Points((name, "y"), ("nominal", "quantitative"), [("a.ipynb", name, 1)], 0)
    svg = drawer.svg(specification(points, "scatter")).decode()
    assert name.encode("unicode_escape").decode() in "".join(ET.fromstring(svg).itertext())  # noqa: S314


@pytest.mark.parametrize(
    ("chart", "seconds", "said"),
    [('{"vl_spec": {}}', 60, "cannot be drawn"), (CHART, 0.001, "takes longer")],
)
def test_a_chart_that_fails_is_a_sentence_and_the_next_is_drawn(chart: str, seconds: float, said: str) -> None:
    one = drawer.Drawer()
    try:
        with pytest.raises(ScrapdbError, match=said):
            one.draw(chart, seconds)
        assert one.draw(CHART, 60).startswith(b"<svg")
    finally:
        one.close()


def test_a_chart_that_ends_the_drawing_process_is_a_sentence() -> None:
    one = drawer.Drawer()
    try:
        with pytest.raises(ScrapdbError, match="cannot be drawn"):
            one.draw(CHART.replace("a title", "\\u0000"), 60)
        assert one.draw(CHART, 60).startswith(b"<svg")
    finally:
        one.close()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], "quantitative"),
        ([], "quantitative"),
        ([True, False], "nominal"),
        ([1, "a"], "nominal"),
        (["a", "b"], "nominal"),
        (["2026-11-01", "2026-11-01T12:00:00.000000Z"], "temporal"),
        (["2026-11-01", "2026-13-01"], "nominal"),
        (["2026"], "nominal"),
    ],
)
def test_scales(values: list[float | str | bool], expected: Scale) -> None:
    assert scale(values) == expected


def test_times_are_drawn_in_milliseconds_of_utc() -> None:
    points = Points(("t", "y"), ("temporal", "quantitative"), [("a.ipynb", "1970-01-02", 1)], 0)
    spec = specification(points, "scatter")
    assert spec["data"]["values"] == [{"x": 86_400_000.0, "y": 1.0}]
    assert spec["encoding"]["x"]["scale"] == {"type": "utc"}


def test_rare_categories_are_put_together() -> None:
    rows = [("a.ipynb", f"c{number}", 1) for number in range(60)] + [("a.ipynb", "often", 1)] * 3
    spec = specification(Points(("x",), ("nominal",), rows, 0), "histogram")
    counts = {value["x"]: value["count"] for value in spec["data"]["values"]}
    assert (len(counts), counts["often"], counts["(22 others)"]) == (40, 3, 22)


def test_samples_lie_at_even_distances() -> None:
    rows = [(number,) for number in range(10)]
    assert sampled(rows, 5) == [(0,), (2,), (4,), (6,), (8,)]
    assert sampled(rows, 10) == rows


def test_bins_are_round_and_hold_every_number() -> None:
    step, bins = binned([number / 100 for number in range(100)], nice=True)
    assert step == pytest.approx(0.05)
    assert [start for start, _ in bins] == pytest.approx([place * 0.05 for place in range(20)])
    assert sum(count for _, count in bins) == 100
    assert binned([3, 3], nice=True) == (1, [(3, 2)])
    assert binned([], nice=True) == (1, [])


@pytest.mark.parametrize(
    ("points", "kind", "labels"),
    [
        (Points(("x", "y"), ("quantitative",) * 2, [("n", 1, 2.5), ("m", 2, 2.5)], 0), "scatter", {"2.4", "2.6"}),
        (Points(("x",), ("quantitative",), [("n", 1), ("m", 1), ("o", 2)], 0), "histogram", {"0", "1", "2"}),
        (
            Points(("x", "y"), ("temporal", "quantitative"), [
                ("n", "2026-11-01T22:00:00Z", 1), ("m", "2026-11-01T23:59:00Z", 2),
            ], 0),
            "line", {"23:30"},
        ),
    ],
)  # fmt: skip
def test_ticks_are_what_they_stand_for(points: Points, kind: PlotKind, labels: set[str]) -> None:
    svg = ET.fromstring(drawer.svg(specification(points, kind)))  # noqa: S314
    drawn = [text for group in svg.iter() if "role-axis-label" in group.get("class", "") for text in group.itertext()]
    assert [drawn.count(label) for label in labels] == [1] * len(labels)
    assert not {"11:30", "3"} & {*drawn}


def test_a_dark_plot_is_dark(thirty: Path) -> None:
    light, dark = (get(thirty, f"{PLOT}.svg?x=distance&y=distance&theme={theme}").text for theme in ("light", "dark"))
    assert 'fill="white"' in light
    assert 'fill="white"' not in dark


def test_plot_page_of_a_store_with_nothing_to_plot(tmp_path: Path) -> None:
    with closing(build([], str(tmp_path / "scraps.db"))) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    with closing(sqlite3.connect(tmp_path / "scraps.db")) as connection:
        assert connection.execute("SELECT count(*) FROM notebooks").fetchone() == (0,)
    assert "name a field for x" in get(tmp_path / "scraps.db", PLOT).text


def test_an_expression_is_no_point(tmp_path: Path) -> None:
    for number, cell in enumerate(["x = 1", "x = 2", "x = f()"]):
        write(tmp_path / f"{number}.ipynb", notebook(code(f"{cell}\ny = {number}", tags=("parameters",))))
    Database(tmp_path / "scraps.db").index(tmp_path)
    with closing(sqlite3.connect(tmp_path / "scraps.db")) as connection:
        for axes in (Axes("x", "", "", ""), Axes("x", "y", "", ""), Axes("y", "y", "x", "")):
            points = read(connection, axes)
            assert (set(points.scales), len(points.rows), points.left_out) == ({"quantitative"}, 2, 1)
