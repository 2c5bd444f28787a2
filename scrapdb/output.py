"""Rows to text: table, JSON, JSON lines, CSV, TSV, Markdown, and parquet. One ordered table of formats.

Everything but a table, Markdown and parquet is written row by row. Values are what a query gives: None, bool, int, float,
text, lists and dicts, and objects that say what they are by `str()`.
"""

from __future__ import annotations

import base64
import csv
import json
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

Row = Sequence[Any]
Write = Callable[[Sequence[str], Iterable[Row], IO[str], int], None]
_PLAIN_WIDTH = 80
_NARROWEST = 8
# C0 and C1 controls, line separators, and the marks that turn the direction of text around.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROLS_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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


def escaped(text: str) -> str:
    r"""Write control characters as Python does (\x1b), so that a text cannot move a terminal's cursor."""
    return _CONTROLS.sub(_escape, text) if not text.isprintable() else text


def plain(value: Any) -> str:
    """Write one value as text, exactly: None is empty, lists and dicts are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_jsonable)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


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
        return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |\n"

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
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(plain, row) for row in rows)


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
    scalars = [value if isinstance(value, bool | int | float | str | None) else plain(value) for value in values]
    try:
        return pa.array(scalars)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else plain(value) for value in scalars], pa.string())


def _write_parquet(columns: Sequence[str], rows: Iterable[Row], file: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(columns, rows), file)


def _json_object(columns: Sequence[str], row: Row) -> str:
    named = dict(zip(columns, row, strict=True))
    try:
        return json.dumps(named, ensure_ascii=False, allow_nan=False, default=_jsonable)
    except ValueError:
        return json.dumps(_finite(named), ensure_ascii=False, default=_jsonable)


def _jsonable(value: Any) -> Any:
    """Write bytes as Datasette does, anything else as it says it is."""
    if isinstance(value, bytes):
        return {"$base64": True, "encoded": base64.b64encode(value).decode()}
    return str(value)


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
    excess = sum(widths) + 2 * (len(widths) - 1) - limit if limit else 0
    fitted = list(widths)
    while excess > 0:
        widest = max(fitted)
        if widest <= _NARROWEST:
            break
        place = fitted.index(widest)
        following = max((width for width in fitted if width < widest), default=_NARROWEST)
        step = min(excess, max(1, widest - max(following, _NARROWEST)))
        fitted[place] -= step
        excess -= step
    return fitted


def display_width(text: str) -> int:
    """Count the columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1 for char in text)


def _padded(text: str, width: int, *, right: bool) -> str:
    missing = width - display_width(text)
    if missing < 0:
        while display_width(text) > width - 1:
            text = text[:-1]
        text, missing = f"{text}…", width - display_width(text) - 1
    return " " * missing + text if right else text + " " * missing


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class _Terminal:
    """Standard output that is a terminal: control characters but line ends and tabs are escaped."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_CONTROLS_BUT_LINES.sub(_escape, text))


@contextmanager
def _text(to: Path | None) -> Iterator[Any]:
    if to is None:
        stream: Any = sys.stdout
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
        yield _Terminal(stream) if stream.isatty() else stream
        return
    with _file(to) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        yield stream


@contextmanager
def _binary(to: Path | None) -> Iterator[BinaryIO]:
    if to is None:
        if sys.stdout.isatty():
            raise ScrapdbError("Parquet is not for a terminal; write it to a file with -o FILE.")
        yield sys.stdout.buffer
        return
    with _file(to) as temporary, temporary.open("wb") as stream:
        yield stream


@contextmanager
def _file(to: Path) -> Iterator[Path]:
    """Give a file to write, and move it into place when all is written."""
    if to.exists() and not to.is_file():
        yield to  # a device or a pipe
        return
    import tempfile  # loads `random`, which no reader needs

    try:
        handle, name = tempfile.mkstemp(prefix=f".{to.name}.", dir=to.parent)
        os.close(handle)
    except OSError as error:
        raise ScrapdbError(f"The file {to} cannot be written: {error.strerror}.") from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(to)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
