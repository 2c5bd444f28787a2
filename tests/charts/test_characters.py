"""Charts of characters: what stands where, at any width, in ASCII, and with names that nobody should trust."""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import pytest

from scrapdb.charts.characters import Room
from scrapdb.charts.characters import drawn
from scrapdb.charts.plot import PlotKind
from scrapdb.charts.plot import specification
from scrapdb.charts.points import Points
from scrapdb.charts.points import scale
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.formats.table import display_width

HOSTILE = [
    "\x1b[31mred",
    "a\nb",
    "\u202egpj.exe",
    "</text><script>",
    "\x9b2J",
    "\u2066x",
    "tab\t",
    "\udc80",
    "日本語",
    "",
]


def chart(labels: str, rows: list[tuple[Any, ...]], kind: PlotKind = "scatter", **room: Any) -> list[str]:
    """Draw rows, whose values are those of the labels."""
    scales = tuple(scale([row[place] for row in rows]) for place in range(len(labels.split())))
    points = Points(tuple(labels.split()), scales, [("n.ipynb", *row) for row in rows], 0)
    return drawn(specification(points, kind), Room(**{"width": 80, "height": 22} | room)).splitlines()


def test_a_point_stands_where_its_numbers_are() -> None:
    lines = chart("x y", [(0, 0), (10, 10), (0, 10)], width=32, height=14)
    assert lines[0] == "y"
    assert [lines[1], lines[10]] == [f"10┤●{' ' * 27}●", " 0┤●"]
    assert lines[11].startswith("  └┬")
    assert lines[12].split() == ["0", "5", "10"]
    assert lines[13] == " " * 31 + "x"


def test_many_points_are_dots() -> None:
    lines = chart("x y", [(n, n) for n in range(200)], width=60, height=14)
    assert lines[1].endswith("⢀⠎") or "⠁" in lines[1] or "⠊" in lines[1]
    assert not any("●" in line for line in lines)


def test_a_line_joins_points_in_the_order_of_x() -> None:
    ordered = chart("x y", [(0, 0), (5, 5), (10, 10)], "line")
    assert ordered == chart("x y", [(10, 10), (0, 0), (5, 5)], "line")
    assert all(any(mark >= "\u2801" for mark in line[3:]) for line in ordered[1:19])


def test_each_category_is_a_line_and_a_place_below() -> None:
    lines = chart("x y", [("b", "two"), ("a", "one")], height=12, width=40)
    (one,) = [line for line in lines if line.startswith("one┤")]
    (two,) = [line for line in lines if line.startswith("two┤")]
    below = lines[-2]
    assert lines.index(one) < lines.index(two)
    assert abs(one.index("●") - below.index("a")) <= 1
    assert abs(two.index("●") - below.index("b")) <= 1


def test_texts_are_counted_and_the_commonest_is_first() -> None:
    lines = chart("sector", [("Tech",)] * 4 + [("Energy",)], "histogram", width=40)
    assert lines[0] == "sector: runs"
    assert [line.split()[0] for line in lines[1:]] == ["Tech", "Energy"]
    assert [line.split()[-1] for line in lines[1:]] == ["4", "1"]
    assert lines[1].count("█") == pytest.approx(4 * lines[2].count("█"), abs=2)


def test_bars_are_as_high_as_runs_are_many() -> None:
    lines = chart("x", [(0.5,)] * 4 + [(9.5,)] * 2, "histogram", width=40, height=14)
    assert (lines[0], lines[-1].strip()) == ("runs", "x")
    high, low = (sum(mark in line for line in lines) for mark in ("⣿⣿", "⣿⡇"))
    assert (high, low) == (10, 5)
    assert lines[1].startswith("4┤")


@pytest.mark.parametrize("colored", [False, True])
def test_categories_of_colour_are_told_apart_without_colours(colored: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    lines = chart("x y c", [(0, 0, "a"), (1, 1, "b")], height=12, colored=colored)
    assert lines[-1] == ("c:  ● a  ● b" if colored else "c:  o a  x b")
    assert colored or (lines[1].endswith("x") and "o" in "".join(lines[2:8]))


@pytest.mark.parametrize("colors", [[0.0, 0.5, 1.0], ["2026-11-01", "2026-11-05", "2026-11-09"]])
def test_a_colour_that_is_a_number_or_a_time_has_classes(colors: list[Any]) -> None:
    lines = chart("x y c", [(n, n, color) for n, color in enumerate(colors)], height=14)
    legend = " ".join(lines[13:] if len(lines) > 13 else lines[-1:])
    assert sum(f" {marker} " in f" {legend}" for marker in "ox+*#@%&=~") == 3


@pytest.mark.parametrize("width", [20, 40, 61, 80, 200])
@pytest.mark.parametrize("kind", ["scatter", "line", "histogram"])
@pytest.mark.parametrize("ascii_", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, kind: PlotKind, ascii_: bool) -> None:
    long = ["x" * 70, "日本語" * 20, *HOSTILE]
    rows = [(random.Random(place).choice(long), place * 1e9 / 7, long[place % 12]) for place in range(60)]  # noqa: S311
    for turned in ((0, 1, 2), (1, 0, 2), (1, 1, 1), (2, 0, 1)):
        taken = turned[:1] if kind == "histogram" else turned
        part = [tuple(row[place] for place in taken) for row in rows]
        lines = chart(" ".join(f"{'n' * 90}{place}" for place in taken), part, kind, width=width, ascii=ascii_)
        assert lines
        assert max(map(display_width, lines)) <= width


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_moves_no_cursor_and_breaks_no_line(name: str) -> None:
    points = Points((f"x{name}", "y", "c"), ("nominal", "quantitative", "nominal"), [("n", name, 1, name)], 0)
    for text in (
        drawn(specification(points, "scatter"), Room(60, 16)),
        drawn(specification(Points((f"x{name}",), ("nominal",), [("n", name)], 0), "histogram"), Room(60, 16)),
        drawn(specification(points._replace(scales=("nominal", "quantitative", "nominal")), "line"), Room(60, 16)),
    ):
        assert not set(text) & {*"\x1b\x07\r\t\x9b", "\u202e", "\u2066"}
        assert "\\x1b[31mred" in text or name != HOSTILE[0]


def test_ascii_is_ascii() -> None:
    rows = [(random.Random(place).random(), place, "ab"[place % 2]) for place in range(400)]  # noqa: S311
    for kind in ("scatter", "line"):
        assert "".join(chart("x y c", rows, kind, ascii=True)).isascii()
        assert "".join(chart("x y", [row[:2] for row in rows], kind, ascii=True)).isascii()
    assert "".join(chart("x", [row[:1] for row in rows], "histogram", ascii=True)).isascii()
    assert "".join(chart("x", [row[2:] for row in rows], "histogram", ascii=True)).isascii()


@pytest.mark.parametrize("ascii_", [False, True])
def test_of_very_many_points_shades_tell_how_many(ascii_: bool) -> None:
    dice = random.Random(1)  # noqa: S311
    rows = [(dice.gauss(0, 1), dice.gauss(0, 1)) for _ in range(20_000)]
    lines = chart("x y", rows, width=60, height=16, ascii=ascii_)
    shades = ".:*#" if ascii_ else "░▒▓█"
    assert lines[-1].startswith(f"runs at a place, from: {shades[0]} 1")
    middle, corner = lines[6][len(lines[6]) // 2], lines[1][-1]
    assert middle == shades[3]
    assert corner != shades[3]


def test_a_hundred_thousand_points_are_drawn_at_once() -> None:
    points = Points(("x", "y"), ("quantitative",) * 2, [("n", n % 977, n % 1009) for n in range(100_000)], 0)
    began = time.process_time()
    drawn(specification(points, "scatter"), Room(80, 24))
    assert time.process_time() - began < 2


def test_what_has_no_room_and_what_has_no_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="at least 20 columns and 10 lines"):
        chart("x y", [(1, 2)], width=19)
    monkeypatch.setitem(sys.modules, "plotille", None)
    with pytest.raises(ScrapdbError, match=r"pip install 'scrapdb\[plot\]'"):
        chart("x y", [(1, 2)])


def test_without_a_point_there_is_no_chart() -> None:
    assert chart("x y", []) == []
