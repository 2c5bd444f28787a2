"""Charts: of values and nothing else, whatever is sent in their place; what is drawn is read from the SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from scrapdb.charts import drawer
from scrapdb.charts import plot
from scrapdb.charts import series
from scrapdb.errors import ScrapdbError
from scrapdb.reporting.rendering.drawing import Drawing
from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.inside import base
from tests.reporting.rendering.pages import body

TIMES = [f"2026-02-0{1 + hour // 24}T{hour % 24:02}:00:00" for hour in range(48)]
MEANS = Table(
    columns=(
        Column(name="time", type="time", is_index=True),
        Column(name="L1", type="number"),
        Column(name="L2", type="number"),
        Column(name="site"),
    ),
    rows=[
        [time, 230.0 + place % 5, None if place == 9 else 231.5, "ab"[place % 2]] for place, time in enumerate(TIMES)
    ],
    total=48,
)
CHART: dict[str, Any] = {
    "kind": "line",
    "x": [1, 2],
    "scale": "quantitative",
    "series": [{"label": "a", "values": [1, 2]}],
}


def svg(template: str, language: str = "en", **context: Any) -> ET.Element:
    """The first chart of a template."""
    html = body(template, None, language, t=MEANS, **context)
    found = re.search(r"<svg.*?</svg>", html, re.DOTALL)
    assert found
    return ET.fromstring(found[0])  # noqa: S314


def texts(drawn: ET.Element) -> list[str]:
    return ["".join(each.itertext()) for each in drawn.iter() if each.tag.endswith("text")]


def marks(drawn: ET.Element, name: str) -> list[str]:
    groups = [
        each
        for each in drawn.iter()
        if f"mark-{name}" in each.get("class", "") and "role-mark" in each.get("class", "")
    ]
    return [path.get("d") or "line" for group in groups for path in group if path.tag.endswith(("path", "line"))]


def test_columns_become_lines_with_gaps_a_legend_and_limits() -> None:
    drawn = svg(
        "{{ t|chart(y=['L1', 'L2'], y_title='V', x_title='', "
        "bands=[{'from': 207, 'to': 253, 'label': '207 to 253 V'}]) }}"
    )
    assert {"L1", "L2", "V", "207 to 253 V"} <= {*texts(drawn)}
    assert "time" not in texts(drawn)
    first, second = marks(drawn, "line")
    assert (first.count("M"), second.count("M")) == (1, 2)  # null is a gap
    assert len(marks(drawn, "rule")) == 2
    labels = [float(text) for text in texts(drawn) if text.isdecimal() and len(text) == 3]
    assert min(labels) <= 210
    assert max(labels) >= 250


def test_a_column_of_groups_becomes_lines() -> None:
    drawn = svg("{{ t|chart(x='time', y='L1', color='site', labels={'a': 'north'}) }}")
    assert {"north", "b"} <= {*texts(drawn)}
    assert [line.count("M") for line in marks(drawn, "line")] == [1, 1]


@pytest.mark.parametrize(
    ("kind", "mark"), [("bars", "rect"), ("points", "symbol"), ("line", "line"), ("histogram", "rect")]
)
def test_kinds_are_drawn(kind: str, mark: str) -> None:
    assert marks(svg("{{ t|chart(y='L1', kind=kind) }}", kind=kind), mark)


def test_times_and_numbers_are_in_the_language() -> None:
    drawn = texts(svg("{{ t|chart(y='L2', bands=[231.2]) }}", "ca"))
    assert any("," in text for text in drawn)
    assert any(text.startswith(("dl.", "dg.", "febr.")) for text in drawn)


@pytest.mark.parametrize(
    "value",
    [
        "[1, 2, none, 4]",
        "{'x': ['a', 'b'], 'y': [1, 2]}",
        "[{'x': 'a', 'y': 1}, {'x': 'b', 'y': none}]",
        "[[1, 2], [3, 4]]",
    ],
)
def test_what_json_holds_is_drawn(value: str) -> None:
    assert svg("{{ " + value + "|chart }}") is not None


def test_it_says_what_it_shows() -> None:
    html = body("{{ t|chart(y='L1', title='Volt & <b>', alt='A \"line\"') }}", t=MEANS)
    assert "<figcaption>Volt &amp; &lt;b&gt;</figcaption>" in html
    assert 'role="img" aria-label="A &#34;line&#34;"' in html
    assert 'aria-label="Volt: L1"' in body("{{ t|chart(y='L1', title='Volt') }}", t=MEANS)


def test_charts_of_a_page_have_no_name_twice() -> None:
    html = body("{{ t|chart }}{{ t|chart }}", t=MEANS)
    names = re.findall(r'\bid="([^"]+)"', html)
    assert len(names) == len({*names})
    assert {*re.findall(r"url\(#([^)]+)\)", html)} <= {*names}


def test_a_long_line_keeps_its_extremes() -> None:
    values = [0.0] * 100_000
    values[54_321], values[54_322] = 99.0, -99.0
    labels = texts(svg("{{ values|chart }}", values=values))
    assert "100" in labels
    assert "−100" in labels  # noqa: RUF001 - a minus


def test_the_dark_page_knows_all_colours() -> None:
    css = base.TEMPLATES["scrapdb/report.css"].decode()
    for color in (*series.COLORS, series.LIMIT, *plot._LIGHT[:4]):
        assert f'("{color}", ' in css


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {**CHART, "data": {"url": "file:///etc/passwd"}},
        {**CHART, "kind": "image"},
        {**CHART, "x": [1]},
        {**CHART, "x": [{"url": "file:///etc/passwd"}, 2]},
        {**CHART, "series": [{"label": {"signal": "x"}, "values": [1, 2]}]},
        {**CHART, "series": [{"label": "a", "values": ["x", 2]}]},
        {**CHART, "series": []},
        {**CHART, "series": CHART["series"] * 11},
        {**CHART, "x": [1] * 40_000, "series": [{"label": "a", "values": [1] * 40_000}]},
        {**CHART, "x_title": {"signal": "1"}},
        {**CHART, "width": 10**9},
        {**CHART, "bands": [{"low": "x"}]},
    ],
)
def test_what_is_no_chart_is_refused(given: Any) -> None:
    with pytest.raises(ScrapdbError):
        Drawing()(given)


@pytest.mark.parametrize("values", [[float("nan"), 1], [1e308, -1e308], [float("inf"), 1], [None, None], [0, 0]])
def test_odd_numbers_are_drawn_or_refused(values: list[float]) -> None:
    assert Drawing()({**CHART, "series": [{"label": "a", "values": values}]}).startswith("<svg")


@pytest.mark.parametrize(
    "locale",
    [None, 1, {"format_locale": 1}, {"format_locale": {"decimal": 1}}, {"x": {}}, {"time_format_locale": {"days": []}}],
)
def test_a_language_that_is_none_is_english_or_refused(locale: Any) -> None:
    try:
        assert Drawing()(CHART, locale).startswith("<svg")
    except ScrapdbError as error:
        assert "cannot be drawn" in str(error)  # noqa: PT017 - either is right


def test_a_page_has_not_endless_charts() -> None:
    draw = Drawing()
    draw._drawn = 100
    with pytest.raises(ScrapdbError, match="at most 100 charts"):
        draw(CHART)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "/etc/hostname", "http://127.0.0.1:9/x.json"])
def test_who_draws_loads_nothing(address: str) -> None:
    loading = {
        "data": {"url": address, "format": {"type": "dsv", "delimiter": ":"}},
        "mark": "text",
        "encoding": {"text": {"value": "x"}},
    }
    drawn = b""
    try:
        drawn = drawer.svg(loading)
    except ScrapdbError:
        return
    assert drawn.count(b"<text") == 0
