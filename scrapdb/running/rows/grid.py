"""Rows of parameters: out of `-p name=a,b`, a file, or the store. What a value means is for the notebook to say."""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.facts import Expression
from scrapdb.files import remote
from scrapdb.running.rows import tables
from scrapdb.running.rows.parameters import canonical
from scrapdb.running.rows.values import Text

_MOST = 1_000_000  # rows
_SQL = "sql:"
_COMMA = re.compile(r"(?<!\\),")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?=,|\Z)')  # as in CSV
_BRACKETS = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\[\](){}]""")
_CLOSING = {"[": "]", "(": ")", "{": "}"}


def given(options: Sequence[str]) -> dict[str, list[Any]]:
    r"""Read what stands after `-p`: `name=a,b,c`; a name that comes again has more values.

    A comma belongs to a value after a backslash, between double quotes as in CSV, and within a list or object of JSON.
    A value between quotes is a text, whatever it looks like. `name=` is the empty text.

    Raises:
        UsageError: there is no name.
    """
    values: dict[str, list[Any]] = {}
    for option in options:
        name, sign, text = option.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"A parameter is given as NAME=VALUE, or NAME=A,B,C for a run each; not as {option!r}.")
        values.setdefault(name.strip(), []).extend(_split(text))
    return values


def rows(
    values: Mapping[str, Sequence[Any]], table: Sequence[Mapping[str, Any]] | None = None, *, zipped: bool = False
) -> list[dict[str, Any]]:
    """Combine values by name, each with each or one by one, and all that with each row of a table.

    Without values and table there is one row, an empty one; an empty table gives none.

    Args:
        values: of each name; the last name varies fastest.
        table: rows of `-f` or `--for-each`.
        zipped: whether the first values belong together, and the second, …

    Raises:
        UsageError: the lengths differ, a name stands in both, or there would be too many rows.
    """
    lengths = [len(each) for each in values.values()]
    if zipped and len(set(lengths)) > 1:
        told = " and ".join(f"{name} has {length}" for name, length in zip(values, lengths, strict=True))
        raise UsageError(f"--zip pairs values one by one, but {told}.")
    start: Sequence[Mapping[str, Any]] = [{}] if table is None else table
    if twice := [name for name in values if any(name in row for row in start)]:
        raise UsageError(f"The parameter {twice[0]} is given twice: by -p, and in the rows.")
    combinations = min(lengths, default=1) if zipped else math.prod(lengths)
    if len(start) * combinations > _MOST:
        raise UsageError(f"That would be {len(start) * combinations:,} runs; {_MOST:,} are the most.")
    made = zip(*values.values(), strict=True) if zipped and values else itertools.product(*values.values())
    ours = [dict(zip(values, each, strict=True)) for each in made]
    return [{**row, **each} for row in start for each in ours]


def read(source: str, store: Path | None = None) -> list[dict[str, Any]]:
    """Read what `-f` names.

    Args:
        source: a file or URL, `-` for standard input, or `sql:SELECT …`, each row a run; a NULL is not given.
        store: the store that the SQL asks.

    Raises:
        UsageError: there is no such file, it cannot be read, or the SQL is wrong.
        StoreError: there is no store, or it cannot be read.
    """
    if source.startswith(_SQL):
        return _asked(source.removeprefix(_SQL), store)
    if source == "-":
        return tables.read(sys.stdin.buffer.read(), "standard input")
    if remote.is_url(source):
        system, path = remote.file_system(source)
        with remote.sentences(source, "read"):
            content: bytes = system.cat_file(path)
        return tables.read(content, source)
    try:
        return tables.read(Path(source).read_bytes(), source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}.") from error


def for_each(store: Path, expression: str, names: Collection[str] | None) -> list[dict[str, Any]]:
    """Make a row of each notebook for which an expression holds.

    Args:
        store: the database file.
        expression: in the query language; an empty one holds for all.
        names: the parameters to look for: a name is what the notebook glued under it, else its parameter, and
            `notebook` its path if it is neither. None takes all its parameters.

    Raises:
        ExpressionError: the expression is wrong.
        StoreError: there is no store, or it cannot be read.
    """
    from scrapdb.database.notebook import StoredNotebook
    from scrapdb.query import select
    from scrapdb.store.connection import reading

    with reading(store) as connection:
        found = select.notebook_ids(connection, select.fields_of(connection), expression or None)
    notebooks = sorted((StoredNotebook(store, each) for each in found), key=lambda notebook: notebook.path)
    return [_fields(notebook, store.resolve().parent, names) for notebook in notebooks]


def distinct(typed: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Leave out the rows that are the same as an earlier one, and say so."""
    kept: dict[str, dict[str, Any]] = {}
    for row in typed:
        kept.setdefault(canonical(row), row)
    lost = len(typed) - len(kept)
    told = (
        f"{lost} {'row is the same as an earlier one' if lost == 1 else 'rows are the same as earlier ones'}: run once."
    )
    return [*kept.values()], [told] if lost else []


def _split(text: str) -> list[Any]:
    values: list[Any] = []
    position = -1
    while position < len(text):
        value, position = _value(text, position + 1)
        values.append(value)
    return values


def _value(text: str, start: int) -> tuple[Any, int]:
    """Read the value that begins at a place; give the place of the comma behind it, or of the end."""
    if quoted := _QUOTED.match(text, start):
        return quoted[1].replace('""', '"'), quoted.end()
    end = _closed(text, start) if text[start : start + 1] in {"[", "{"} else -1
    if end >= 0 and text[end : end + 1] in {"", ","}:
        return Text(text[start:end]), end
    comma = _COMMA.search(text, start)
    end = comma.start() if comma else len(text)
    return Text(text[start:end].replace("\\,", ",")), end


def _closed(text: str, start: int) -> int:
    """Return the place after the bracket that closes the one at a place; -1 if there is none."""
    open_: list[str] = []
    for mark in _BRACKETS.finditer(text, start):
        if mark[0] in _CLOSING:
            open_.append(_CLOSING[mark[0]])
        elif len(mark[0]) == 1 and open_.pop() != mark[0]:
            return -1
        if not open_:
            return mark.end()
    return -1


def _asked(sql: str, store: Path | None) -> list[dict[str, Any]]:
    from scrapdb.database import Database

    if store is None:
        raise UsageError("The SQL of -f asks a store, and none is named.")
    return [{name: value for name, value in row.items() if value is not None} for row in Database(store).sql(sql)]


def _fields(notebook: Any, base: Path, names: Collection[str] | None) -> dict[str, Any]:
    found = {name: value for name, value in notebook.parameters.items() if not isinstance(value, Expression)}
    if names is None:
        return found
    glued = {scrap.name: scrap.data for scrap in notebook.scraps.values() if scrap.type not in {"frame", "display"}}
    path = notebook.path if remote.is_url(notebook.path) else str(base / notebook.path)
    known = {"notebook": path, **found, **glued}
    return {name: known[name] for name in names if name in known}
