"""A specification drawn with characters, for a terminal: dots and lines by plotille, what stands around them by us.

Texts come from notebooks: their control characters are escaped. Nothing moves the cursor, and only colours are codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from typing import NamedTuple

from scrapdb.charts import ticks
from scrapdb.charts.ticks import Axis
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.formats.table import display_width
from scrapdb.formats.table import padded
from scrapdb.formats.values import escaped

NARROWEST, LOWEST = 20, 10  # columns and lines, without which nothing can be told
_WITHOUT = "Charts of characters are drawn by plotille, which is not installed: pip install 'scrapdb[plot]'"
_AROUND = 4  # lines around the dots: titles, axis, and what is written at it
_SHORTEST, _SHORT = 4, 10  # columns of a text below the axis where all have room, and of some where not
_APART = 2  # columns between two texts
_CLASSES = 5  # of a colour that is a number or a time
_COLORS = (
    *("blue", "yellow", "magenta", "green", "red", "cyan"),
    *("bright_blue", "bright_yellow", "bright_magenta", "bright_green"),
)
_MARKERS = "ox+*#@%&=~"  # in place of colours
_EMPTY = "\u2800"  # Braille's character without dots
_UPPER, _LOWER, _MANY = 0b00011011, 0b11100100, 6  # dots of a character of Braille


class Room(NamedTuple):
    """What a terminal has: columns, lines, colours, and characters beyond ASCII."""

    width: int
    height: int
    colored: bool = False
    ascii: bool = False


class _Frame(NamedTuple):
    """The axes of a chart, and how many columns and lines lie between them; of its dots each is 2 by 4."""

    x: Axis
    y: Axis
    width: int
    height: int

    def dot(self, x: float, y: float) -> tuple[int, int]:
        """Return which dot stands for a point."""
        return round(self.x.share(x) * (self.width * 2 - 1)), round(self.y.share(y) * (self.height * 4 - 1))


def drawn(specification: dict[str, Any], room: Room) -> str:
    """Draw a plot as text.

    Args:
        specification: as `plot.specification` makes it.
        room: of the terminal.

    Raises:
        UsageError: it is too small.
        ScrapdbError: plotille is not installed.
    """
    if room.width < NARROWEST or room.height < LOWEST:
        raise UsageError(f"A chart of characters takes at least {NARROWEST} columns and {LOWEST} lines.")
    data, encoding = specification["data"]["values"], specification["encoding"]
    if not data:
        return ""
    if specification["mark"]["type"] == "bar":
        lines = _counts(data, encoding, room) if "x2" not in encoding else _bins(data, encoding, room)
    else:
        lines = _marks(data, encoding, room, is_line=specification["mark"]["type"] == "line")
    known = _ASCII if room.ascii else _UNICODE
    return "".join(f"{line.translate(known).rstrip()}\n" for line in lines)


def _counts(data: Sequence[dict[str, Any]], encoding: dict[str, Any], room: Room) -> Iterator[str]:
    """Draw how often each category is there: a line each."""
    names = [escaped(bar["x"]) for bar in data]
    label = min(max(map(display_width, names)), room.width // 3)
    most = max(bar["count"] for bar in data)
    longest = room.width - label - len(f"{most:,}") - 2 * _APART
    yield padded(f"{escaped(encoding['x']['title'])}: runs", room.width)
    for name, bar in zip(names, data, strict=True):
        filled = "█" * max(1, round(bar["count"] / most * longest))
        yield f"{padded(name, label)}{' ' * _APART}{filled}{' ' * _APART}{bar['count']:,}"


def _bins(data: Sequence[dict[str, Any]], encoding: dict[str, Any], room: Room) -> Iterator[str]:
    """Draw how often numbers or times are in each of some bins: a bar each."""
    ends = [end for bar in data for end in (bar["x"], bar["end"])]
    frame = _frame(encoding, {"x": ends, "y": [bar["count"] for bar in data]}, room, legend=0)
    canvas = _canvas(frame, room)
    for bar in data:
        first, top = frame.dot(bar["x"], bar["count"])
        last, _ = frame.dot(bar["end"], 0)
        for column in range(first, max(last, first + 1)):
            canvas.line(column, 0, column, top)
    yield from _framed(frame, canvas, room)


def _marks(data: Sequence[dict[str, Any]], encoding: dict[str, Any], room: Room, *, is_line: bool) -> Iterator[str]:
    """Draw points and lines, of each colour for itself."""
    groups = _groups(data, encoding)
    legend = list(_legend(groups, encoding, room)) if "color" in encoding else []
    frame = _frame(encoding, {axis: [row[axis] for row in data] for axis in ("x", "y")}, room, legend=len(legend))
    dots = {name: _dots(rows, encoding, frame) for name, rows in groups.items()}
    canvas = _canvas(frame, room)
    if len(data) > frame.width * frame.height * 8 and not legend and not is_line:
        legend = [_shaded(canvas, dots[""], room)]
        dots = {}
    is_sparse = len({dot for of_group in dots.values() for dot in of_group}) <= frame.width and not is_line
    for number, of_group in enumerate(dots.values()):
        color = _COLORS[number % len(_COLORS)] if legend and room.colored else None
        marker = "●" if is_sparse else None  # dots of Braille are small
        if legend and not room.colored:
            marker = _MARKERS[number % len(_MARKERS)]
        if is_line:
            for one, other in pairwise(of_group):
                canvas.line(*one, *other, color=color)
        for dot in dict.fromkeys(of_group):
            canvas.point(*dot, color=color, marker=marker)
    yield from _framed(frame, canvas, room)
    yield from legend


def _groups(data: Sequence[dict[str, Any]], encoding: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Part rows by their colour, in order; numbers and times by classes of one width."""
    if "color" not in encoding:
        return {"": list(data)}
    scale, values = encoding["color"]["type"], [row["color"] for row in data]
    if scale == "nominal":
        names = {value: escaped(value) for value in sorted(set(values))}
        labels = [names[value] for value in values]
        order = list(names.values())
    else:
        labels, order = _classes(values, is_time=scale == "temporal")
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in order}
    for label, row in zip(labels, data, strict=True):
        groups[label].append(row)
    return {name: rows for name, rows in groups.items() if rows}


def _classes(values: Sequence[float], *, is_time: bool) -> tuple[list[str], list[str]]:
    """Name the class of each value, and all classes in order."""
    axis = ticks.times(values, _CLASSES, "") if is_time else ticks.numbers(values, _CLASSES, "")
    bounds = [place for place, _ in axis.ticks]
    names = [f"{one} – {other}" for (_, one), (_, other) in pairwise(axis.ticks)]
    if is_time:
        texts = [text for _, text in axis.ticks] or [""]
        names = [f"before {texts[0]}", *names, f"from {texts[-1]}"]
        return [names[sum(value >= bound for bound in bounds)] for value in values], names
    return [names[min(max(sum(value >= bound for bound in bounds), 1), len(names)) - 1] for value in values], names


def _legend(groups: dict[str, Any], encoding: dict[str, Any], room: Room) -> Iterator[str]:
    """Tell what the colours are, or the characters in their place: as many of them on a line as it has room for."""
    line, taken = "", 0
    for mark, text in _entries(groups, encoding, room):
        width = display_width(text) + (_APART if mark else 0) + _APART
        if line and taken + width > room.width + _APART:
            yield line
            line, taken = "", 0
        line += f"{mark} {text}{' ' * _APART}" if mark else f"{text}{' ' * _APART}"
        taken += width
    yield line


def _entries(groups: dict[str, Any], encoding: dict[str, Any], room: Room) -> Iterator[tuple[str, str]]:
    """Yield the title of the colours without a mark, then each of them with its mark."""
    title = f"{escaped(encoding['color']['title'])}:"
    yield "", padded(title, min(display_width(title), room.width))
    for number, name in enumerate(groups):
        color, marker = _COLORS[number % len(_COLORS)], _MARKERS[number % len(_MARKERS)]
        mark = _plotille().color("●", fg=color) if room.colored else marker
        yield mark, padded(name, min(display_width(name), room.width - _APART))


def _shaded(canvas: Any, dots: Sequence[tuple[int, int]], room: Room) -> str:
    """Draw how many points each character has, in four shades, and tell what they mean."""
    counts = Counter((x // 2, y // 4) for x, y in dots)
    most = max(counts.values())
    limits = sorted({max(1, round(most ** (level / 4))) for level in range(4)})
    shades = (".:*#" if room.ascii else "░▒▓█")[: len(limits)]
    for (x, y), count in counts.items():
        canvas.point(x * 2, y * 4, marker=shades[sum(count >= limit for limit in limits) - 1])
    told = "  ".join(f"{shade} {limit:,}" for shade, limit in zip(shades, limits, strict=True))
    return padded(f"runs at a place, from: {told}", room.width)


def _dots(rows: Sequence[dict[str, Any]], encoding: dict[str, Any], frame: _Frame) -> list[tuple[int, int]]:
    """Return the dots of points, from left to right."""
    x, y = _places(encoding["x"], frame.x), _places(encoding["y"], frame.y)
    found = [frame.dot(x(row["x"]), y(row["y"])) for row in rows]
    return sorted(found, key=lambda dot: dot[0])


def _places(channel: dict[str, Any], axis: Axis) -> Any:
    """Return what tells where a value stands on its axis."""
    if channel["type"] != "nominal":
        return float
    known = {name: place for place, name in axis.ticks}
    return lambda value: known[escaped(value)]


def _frame(encoding: dict[str, Any], values: dict[str, Any], room: Room, *, legend: int) -> _Frame:
    """Make axes that a terminal has room for."""
    height = max(room.height - _AROUND - legend, LOWEST - _AROUND)
    y = _axis(encoding["y"], values["y"], max(2, height // 3), whole="tickMinStep" in encoding["y"].get("axis", {}))
    if encoding["y"]["type"] == "nominal":
        height = max(height, len(y.ticks))
        y = Axis(y.low, y.high, [(y.high - place, name) for place, name in y.ticks], y.title)  # the first one on top
    label = min(max((display_width(text) for _, text in y.ticks), default=0), room.width // 3)
    width = room.width - label - 1
    counts = range(max(2, width // 8), 1, -1)
    fitting = (_axis(encoding["x"], values["x"], count) for count in counts)
    x = next((axis for axis in fitting if _fits(axis, width)), None) or _axis(encoding["x"], values["x"], 2)
    return _Frame(x, y, width, height)


def _axis(channel: dict[str, Any], values: Sequence[Any], count: int, *, whole: bool = False) -> Axis:
    if channel["type"] == "nominal":
        return ticks.categories(sorted(set(values)), channel["title"])
    if channel["type"] == "temporal":
        return ticks.times(values, count, channel["title"])
    return ticks.numbers(values, count, channel["title"], whole=whole)


def _fits(axis: Axis, width: int) -> bool:
    return sum(display_width(text) + _APART for _, text in axis.ticks) <= width


def _canvas(frame: _Frame, room: Room) -> Any:
    """Make what dots are drawn on, whose coordinates are the dots themselves."""
    size = frame.width * 2, frame.height * 4
    return _plotille().Canvas(frame.width, frame.height, 0, 0, *size, no_color=not room.colored)


def _framed(frame: _Frame, canvas: Any, room: Room) -> Iterator[str]:
    """Write the dots with their axes around them."""
    beside = {frame.dot(frame.x.low, place)[1] // 4: text for place, text in frame.y.ticks}
    label = room.width - frame.width - 1
    yield padded(frame.y.title, min(display_width(frame.y.title), room.width))
    for number, line in enumerate(canvas.plot(linesep="\n").split("\n")):
        text = beside.get(frame.height - 1 - number, "")
        yield f"{padded(text, label, right=True)}{'┤' if text else '│'}{line}"
    below, written = _below(frame, room)
    yield " " * label + "└" + "".join("┬" if column in below else "─" for column in range(frame.width))
    yield written
    title = padded(frame.x.title, min(display_width(frame.x.title), room.width))
    yield " " * (room.width - display_width(title)) + title


def _below(frame: _Frame, room: Room) -> tuple[set[int], str]:
    """Write what stands below the axis, as much as there is room for, and tell in which columns."""
    columns, line, end = set(), "", 0
    label = room.width - frame.width
    each = frame.width // max(len(frame.x.ticks), 1) - 1
    longest = each if each >= _SHORTEST else _SHORT
    for place, tick in frame.x.ticks:
        column = frame.dot(place, frame.y.low)[0] // 2
        text = padded(tick, min(display_width(tick), longest))
        width = display_width(text)
        begin = min(max(label + column - width // 2, 0), room.width - width)
        if end == begin + 1:
            begin = end
        if begin < end or begin + width > room.width:
            continue
        columns.add(column)
        line += " " * (begin - display_width(line)) + text
        end = begin + width + 1
    return columns, line


def _plotille() -> Any:
    try:
        import plotille
    except ImportError:
        raise ScrapdbError(_WITHOUT) from None
    return plotille


def _plainest(dots: int) -> str:
    """Return the ASCII for dots of Braille, by whether they stand high or low, or are many."""
    if dots.bit_count() >= _MANY:
        return "#"
    return {(True, False): "'", (False, True): ".", (True, True): ":"}[bool(dots & _UPPER), bool(dots & _LOWER)]


_BLANK = {_EMPTY: " "}
_LINES = dict(zip("│┤└─┬█–●…", "|++-+#-o~", strict=True))
_DOTS = {chr(ord(_EMPTY) + dots): _plainest(dots) for dots in range(1, 256)}
_UNICODE, _ASCII = str.maketrans(_BLANK), str.maketrans({**_BLANK, **_LINES, **_DOTS})
