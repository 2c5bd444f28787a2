"""Rows to text: table, JSON, JSON lines, CSV, TSV, Markdown, and parquet. One ordered table of formats.

Everything but a table and parquet is written row by row. Values are what a query gives: None, bool, int, float, text,
lists and dicts, bytes, and objects that say what they are by `str()`.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from typing import Any
from typing import BinaryIO

from scrapdb.errors import ScrapdbError
from scrapdb.files.whole import whole_file

Row = Sequence[Any]
Write = Callable[[Sequence[str], Iterable[Row], IO[str], int], None]
_NARROWEST = 8
# C0 and C1 controls, line separators, and the marks that turn the direction of text around.
_MARKS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_CONTROLS = f"[\0-\x1f{_MARKS}]"
_CONTROLS_BUT_LINES = f"[\0-\x08\x0b-\x1f{_MARKS}]"
# What CommonMark and GitHub would take for markup in a cell; `_` inside a word is none.
_MARKUP = r"[\\|`*\[<~]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])"


def write(format_: str, columns: Sequence[str], rows: Iterable[Row], to: Path | None = None, width: int = 0) -> None:
    """Write rows in a format, to a file or to standard output.

    Args:
        format_: a key of `FORMATS`, or `parquet`.
        columns: names of the columns.
        rows: the rows.
        to: a file, which appears when it is complete; None for standard output.
        width: columns of the terminal that a table must fit; 0: no limit.

    Raises:
        ScrapdbError: the file cannot be written.
    """
    if format_ == "parquet":
        with _binary(to) as file:
            _write_parquet(columns, rows, file)
        return
    with _text(to) as stream:
        FORMATS[format_](columns, rows, stream, width)


def print_text(text: str, to: Path | None = None) -> None:
    """Write a text as it is, to a file or to standard output; on a terminal its control characters are escaped."""
    with _text(to) as stream:
        stream.write(text)


def write_bytes(content: bytes, to: Path) -> None:
    """Write bytes as they are to a file, which appears when it is complete.

    Raises:
        ScrapdbError: the file cannot be written.
    """
    with _binary(to) as file:
        file.write(content)


def escaped(text: str) -> str:
    r"""Write control characters as Python does (\x1b), so that a text cannot move a terminal's cursor."""
    return text if text.isprintable() else re.sub(_CONTROLS, _escape, text)


def plain(value: Any) -> str:
    """Write one value as text, exactly: None is empty, lists and dicts are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return _json(value)
    return _base64(value) if isinstance(value, bytes) else str(value)


def short(value: Any) -> str:
    """Write one value for a table: floats with six significant digits."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return escaped(plain(value))


def _write_table(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], width: int) -> None:
    values = [list(row) for row in rows]
    if not columns:
        return
    cells = [[escaped(column) for column in columns], *([short(value) for value in row] for row in values)]
    right = [_is_numeric([row[place] for row in values]) for place in range(len(columns))]
    widths = _fitting([max(map(display_width, column)) for column in zip(*cells, strict=True)], width)
    for row in cells:
        line = "  ".join(
            _padded(cell, wide, right=to_right) for cell, wide, to_right in zip(row, widths, right, strict=True)
        )
        stream.write(f"{line.rstrip()}\n")


def _write_markdown(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], _: int) -> None:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(re.sub(_MARKUP, r"\\\g<0>", cell) for cell in cells) + " |\n"

    if not columns:
        return
    stream.write(line(map(escaped, columns)))
    stream.write("|" + " --- |" * len(columns) + "\n")
    for row in rows:
        stream.write(line(map(short, row)))


def _write_json(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], _: int) -> None:
    separator = "["
    for row in rows:
        stream.write(f"{separator}{_json_object(columns, row)}")
        separator = ",\n "
    stream.write("[]\n" if separator == "[" else "]\n")


def _write_json_lines(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], _: int) -> None:
    for row in rows:
        stream.write(f"{_json_object(columns, row)}\n")


def _write_csv(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], _: int) -> None:
    _write_separated(columns, rows, stream, ",")


def _write_tsv(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], _: int) -> None:
    _write_separated(columns, rows, stream, "\t")


def _write_separated(columns: Sequence[str], rows: Iterable[Row], stream: IO[str], separator: str) -> None:
    # Not with `csv`: before Python 3.13 it leaves a lone carriage return bare, on which its own reader stumbles.
    def quoted(cell: str) -> str:
        special = '"' in cell or separator in cell or "\n" in cell or "\r" in cell
        return '"' + cell.replace('"', '""') + '"' if special else cell

    for cells in itertools.chain([columns] if columns else [], (map(plain, row) for row in rows)):
        stream.write((separator.join(map(quoted, cells)) or '""') + "\n")


FORMATS: dict[str, Write] = {
    "table": _write_table,
    "json": _write_json,
    "jsonl": _write_json_lines,
    "csv": _write_csv,
    "tsv": _write_tsv,
    "md": _write_markdown,
}


def arrow_table(columns: Sequence[str], rows: Iterable[Row]) -> Any:
    """Make a pyarrow.Table. A column of numbers is numeric; one that mixes kinds is text, each value as in CSV."""
    import pyarrow as pa

    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.Table.from_arrays([_array(pa, values) for values in by_column], names=list(columns))


def _array(pa: Any, values: Sequence[Any]) -> Any:
    try:
        return pa.array([plain(value) if isinstance(value, list | dict) else value for value in values])
    except (pa.ArrowException, OverflowError, UnicodeError):
        from scrapdb.text import valid_text

        return pa.array([None if value is None else valid_text(plain(value)) for value in values], pa.string())


def _write_parquet(columns: Sequence[str], rows: Iterable[Row], file: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(columns, rows), file)


def _json_object(columns: Sequence[str], row: Row) -> str:
    named = dict(zip(columns, row, strict=True))
    try:
        return _json(named, allow_nan=False)
    except ValueError:
        return _json(_finite(named))


def _json(value: Any, *, allow_nan: bool = True) -> str:
    import json  # takes longer than many a query, of which few print JSON

    return json.dumps(value, ensure_ascii=False, allow_nan=allow_nan, default=_jsonable)


def _jsonable(value: Any) -> Any:
    """Write bytes as Datasette does, anything else as it says it is."""
    if isinstance(value, bytes):
        return {"$base64": True, "encoded": _base64(value)}
    return str(value)


def _base64(content: bytes) -> str:
    import binascii  # a library of its own, which only bytes need

    return binascii.b2a_base64(content, newline=False).decode()


def _finite(value: Any) -> Any:
    """Put null for NaN and infinities, for which JSON has no word."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _fitting(widths: list[int], limit: int) -> list[int]:
    """Narrow the widest columns until all fit, none below a readable width."""
    if not limit:
        return widths
    room = limit - 2 * (len(widths) - 1)
    widest = min(max(widths), max(room, _NARROWEST))
    while widest > _NARROWEST and sum(min(width, widest) for width in widths) > room:
        widest -= 1
    return [min(width, widest) for width in widths]


def display_width(text: str) -> int:
    """Count the columns that a text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:  # accents, joiners and variation selectors
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _padded(text: str, width: int, *, right: bool) -> str:
    if display_width(text) > width:
        # Paths of notebooks differ at their end.
        text = _clipped(text[::-1], width)[::-1] if text.endswith(".ipynb") else _clipped(text, width)
    missing = " " * (width - display_width(text))
    return missing + text if right else text + missing


def _clipped(text: str, width: int) -> str:
    """Cut a text that is too wide, and end it with an ellipsis."""
    taken = 0
    for place, char in enumerate(text):
        taken += _char_width(char)
        if taken >= width:
            return f"{text[:place]}…"
    return text


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class _Terminal:
    """A stream that is a terminal: control characters but line ends and tabs are escaped."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(re.sub(_CONTROLS_BUT_LINES, _escape, text))


@contextmanager
def _text(to: Path | None) -> Iterator[Any]:
    if to is None or _is_stdout(to):
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield _Terminal(sys.stdout) if sys.stdout.isatty() else sys.stdout
        return
    with (
        whole_file(to) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        yield _Terminal(stream) if stream.isatty() else stream


@contextmanager
def _binary(to: Path | None) -> Iterator[BinaryIO]:
    if to is None or _is_stdout(to):
        if sys.stdout.isatty():
            raise ScrapdbError("Parquet is not for a terminal; write it to a file with -o FILE.")
        yield sys.stdout.buffer
        return
    with whole_file(to) as temporary, temporary.open("wb") as stream:
        yield stream


def _is_stdout(to: Path) -> bool:
    """Tell whether a file is standard output, by whatever name: it must not be replaced under whoever reads it."""
    try:
        return os.path.samestat(to.stat(), os.fstat(1))
    except OSError:
        return False
