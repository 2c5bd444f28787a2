"""Rows of parameters: out of `-p name=a,b`, a file, or the store. What a value means is the notebook's to say."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Text(str):
    """A value as somebody typed it on a command line or into a cell of CSV, of no type yet."""

    __slots__ = ()


def given(options: Sequence[str]) -> dict[str, list[Any]]:
    """Read `name=a,b,c` as they are typed after `-p`: the values of each name, in order."""
    raise NotImplementedError


def rows(
    values: Mapping[str, Sequence[Any]], table: Sequence[Mapping[str, Any]] | None = None, *, zipped: bool = False
) -> list[dict[str, Any]]:
    """Combine the values of names, and each row of a table (`-f`, `--for-each`) with all of them.

    Without values and without a table there is one row, empty; an empty table gives none.
    """
    raise NotImplementedError


def read(source: str, store: Path | None = None) -> list[dict[str, Any]]:
    """Read what `-f` names: a file, `-` for standard input, or `sql:SELECT …` of a store."""
    raise NotImplementedError


def for_each(store: Path, expression: str, names: Sequence[str] | None) -> list[dict[str, Any]]:
    """Make a row of each notebook for which an expression holds: its fields of these names."""
    raise NotImplementedError


def distinct(typed: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Leave out rows that are the same as an earlier one, and say so."""
    raise NotImplementedError
