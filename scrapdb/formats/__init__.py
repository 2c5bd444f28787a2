"""Rows and displays for people and programs: one module for each format of rows and one ordered table, and safe HTML.

Everything but a table and parquet is written row by row. Values are what a query gives: None, bool, int, float, text,
lists and dicts, bytes, and objects that say what they are by `str()`. `html` and `sandbox` show displays so that they
cannot act, `dataframe` reads what pandas wrote. The room knows neither notebooks nor stores; above `files`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scrapdb.formats import json
from scrapdb.formats import markdown
from scrapdb.formats import parquet
from scrapdb.formats import separated
from scrapdb.formats import table
from scrapdb.formats.streams import binary_stream
from scrapdb.formats.streams import text_stream


def _write_excel(*arguments: Any, **options: Any) -> None:
    from scrapdb.formats import excel  # and what only it needs

    excel.write(*arguments, **options)


# Each takes columns, rows, a stream, and the width of the terminal that a table must fit (0: no limit); one with types
# also takes what `_TYPED` names.
FORMATS: dict[str, Callable[..., None]] = {
    "table": table.write,
    "json": json.write,
    "jsonl": json.write_lines,
    "csv": partial(separated.write, ","),
    "tsv": partial(separated.write, "\t"),
    "md": markdown.write,
    "parquet": parquet.write,
    "xlsx": _write_excel,
}
_TYPED = {"parquet": ("times",), "xlsx": ("times", "picture", "say")}  # the others are text, and have no types


def write(
    format_: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    to: Path | None = None,
    width: int = 0,
    *,
    times: Collection[str] = (),
    picture: Callable[[Any], bytes | None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Write rows in a format, to a file or to standard output.

    Args:
        format_: a key of `FORMATS`.
        columns: names of the columns.
        rows: the rows.
        to: a file, which appears when it is complete; None for standard output.
        width: columns of the terminal that a table must fit; 0: no limit.
        times: names of the columns that hold times, as ISO 8601 texts.
        picture: returns the PNG or JPEG to place in a cell, where a format has pictures.
        say: is told in a sentence what a format cannot hold as it is.

    Raises:
        ScrapdbError: the file cannot be written, or has no room for the rows.
    """
    options = {"times": times, "picture": picture, "say": say}
    known = {name: options[name] for name in _TYPED.get(format_, ())}
    with (binary_stream if known else text_stream)(to) as stream:
        FORMATS[format_](columns, rows, stream, width, **known)
