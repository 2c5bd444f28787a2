"""Rows as a JSON array of objects, or an object in each line."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import IO
from typing import Any

from scrapdb.formats.values import json_text
from scrapdb.text import without_nan


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: IO[str], _: int) -> None:
    """Write an array, an object for each row."""
    separator = "["
    for row in rows:
        stream.write(f"{separator}{_object(columns, row)}")
        separator = ",\n "
    stream.write("[]\n" if separator == "[" else "]\n")


def write_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: IO[str], _: int) -> None:
    """Write an object in each line (https://jsonlines.org)."""
    for row in rows:
        stream.write(f"{_object(columns, row)}\n")


def _object(columns: Sequence[str], row: Sequence[Any]) -> str:
    named = dict(zip(columns, row, strict=True))
    try:
        return json_text(named, allow_nan=False)
    except ValueError:
        return json_text(without_nan(named))
