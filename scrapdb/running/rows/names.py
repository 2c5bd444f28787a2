"""Paths of the executed notebooks, one for each row of parameters: safe, all different, and below one directory."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import string
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.files import remote
from scrapdb.running.rows.parameters import canonical
from scrapdb.running.rows.values import shown
from scrapdb.text import composed

_SUFFIX = ".ipynb"
_MOST_BYTES = 200  # of a name, so that it can be that of a temporary file and a directory, too
_FORBIDDEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff/\\\\]")
_WIDE = re.compile(r"[0-9]{4}|[{}]")  # in a format: larger than any name, or fields within a field
_LONGEST_ROW = 200  # characters of it in a sentence
_Part = tuple[str, str | None, str]  # text, then a field and its format


def outputs(
    rows: Sequence[Mapping[str, Any]],
    directory: str,
    source: str,
    pattern: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> list[str]:
    """Name the output of each row.

    Args:
        rows: typed parameters.
        directory: path or URL below which outputs are written.
        source: path or URL of the notebook that is run.
        pattern: like `{symbol}-{length:04d}.ipynb`; `{n}` counts the rows from 1, `{stem}` is that of the source,
            unless a parameter has that name. By default the values of the parameters that vary, else the stem.
        defaults: values of parameters that a row does not give.

    Raises:
        UsageError: the pattern is wrong, two outputs would be one, or one would leave the directory.
    """
    stem = composed(source.rstrip("/").rpartition("/")[2].removesuffix(_SUFFIX))
    full = [{**row, **{name: value for name, value in (defaults or {}).items() if name not in row}} for row in rows]
    if pattern is None:
        varying = _varying(full)
        names = ["-".join(_written(row[name]) for name in varying if name in row) or stem for row in full]
    else:
        names = _names([{"stem": stem, **row} for row in full], pattern.removesuffix(_SUFFIX))
    paths = [_safe(name, _SUFFIX) for name in names]
    _refuse_collisions(paths, rows)
    if remote.is_url(directory):
        return [f"{directory.rstrip('/')}/{path}" for path in paths]
    real = os.path.realpath(source)
    return [_inside(directory, path, real) for path in paths]


def below(rows: Sequence[Mapping[str, Any]], pattern: str, option: str = "--name") -> list[str]:
    """Name something else than a notebook for each row, as `outputs` does, by paths below a directory.

    Args:
        rows: what the fields of the pattern can be.
        pattern: as `outputs` has it.
        option: by which people give the pattern.

    Raises:
        UsageError: the pattern is wrong, or two would be one.
    """
    paths = [_safe(name, "") for name in _names(rows, pattern)]
    _refuse_collisions(paths, rows, "reports", option)
    return paths


def _names(rows: Sequence[Mapping[str, Any]], pattern: str) -> list[str]:
    parts = _parts(pattern)
    return [_filled(parts, {"n": n, **row}) for n, row in enumerate(rows, 1)]


def _varying(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Find the names that do not have the same value in all rows, in the order in which they are first given."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, set()).add(canonical({"": value}))
    everywhere = set(rows[0]).intersection(*rows) if rows else set()
    return [name for name, values in found.items() if len(values) > 1 or name not in everywhere]


def _parts(pattern: str) -> list[_Part]:
    """Take a pattern apart.

    Raises:
        UsageError: it is none, or leads out of the directory.
    """
    try:
        parsed = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise UsageError(f"The name {pattern!r} cannot be read: {error}.") from error
    parts: list[_Part] = []
    for text, field, spec, conversion in parsed:
        if conversion or _WIDE.search(spec or ""):
            wrong = f"{{{field}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}}}"
            raise UsageError(
                f"The name {pattern!r} has {wrong}; a field is {{symbol}}, or {{length:04d}} with a format."
            )
        parts.append((text, field, spec or ""))
    plain = "".join(text + ("x" if field is not None else "") for text, field, _ in parts)
    if not plain or plain.startswith("/") or not {"", ".", ".."}.isdisjoint(plain.split("/")):
        raise UsageError(f"The name {pattern!r} is no name below the directory of the outputs.")
    return parts


def _filled(parts: Sequence[_Part], row: Mapping[str, Any]) -> str:
    return "".join(text + ("" if field is None else _field(field, spec, row)) for text, field, spec in parts)


def _field(field: str, spec: str, row: Mapping[str, Any]) -> str:
    if field not in row:
        raise UsageError(f"{{{field}}} in the name is no parameter with a value: {suggestion(field, row)}")
    if not spec:
        return _written(row[field])
    try:
        return _FORBIDDEN.sub("_", format(row[field], spec))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{{{field}:{spec}}} in the name cannot write {shown(row[field])}: {error}.") from error


def _written(value: Any) -> str:
    """Write a value so that it can stand in a name."""
    if isinstance(value, dt.date | dt.time):
        text = value.isoformat()
    elif isinstance(value, list | dict):
        text = canonical({"": value})[4:-1]
    else:
        text = str(value)
    return _FORBIDDEN.sub("_", text)


def _safe(name: str, suffix: str) -> str:
    """Make every part of a path a name that every file system has room for, and that no listing hides."""
    *directories, last = composed(name).split("/")
    return "/".join([*(_short(part) for part in directories), f"{_short(last, len(suffix))}{suffix}"])


def _short(part: str, room: int = 0) -> str:
    bare = part.lstrip(".")
    visible = "_" * (len(part) - len(bare)) + bare or "_"
    content = visible.encode()
    if len(content) <= _MOST_BYTES - room:
        return visible
    mark = hashlib.sha256(content).hexdigest()[:8]
    return f"{content[: _MOST_BYTES - room - len(mark) - 1].decode(errors='ignore')}-{mark}"


def _refuse_collisions(
    paths: Sequence[str], rows: Sequence[Mapping[str, Any]], what: str = "runs", option: str = "--name"
) -> None:
    """Refuse two paths that some file system takes for one."""
    seen: dict[str, int] = {}
    for place, path in enumerate(paths):
        first = seen.setdefault(composed(path.casefold()), place)
        if first != place:
            both = path if paths[first] == path else f"{paths[first]} and {path}, which some file systems hold for one"
            raise UsageError(
                f"Two {what} would be written to {both}: {_told(rows[first])}, and {_told(rows[place])}. "
                f"Let {option} tell them apart, if only by {{n}}."
            )


def _told(row: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name}={shown(value)}" for name, value in row.items()) or "no parameters"
    return text if len(text) <= _LONGEST_ROW else f"{text[:_LONGEST_ROW]}…"


def _inside(directory: str, path: str, source: str) -> str:
    whole = Path(directory, path)
    real, top = os.path.realpath(whole), os.path.realpath(directory)
    if os.path.commonpath([real, top]) != top:
        raise UsageError(f"{whole} is not below {directory}: a link leads out of it, to {real}.")
    if real == source:
        raise UsageError(f"{whole} is the notebook that is run: its output needs another name or directory.")
    return str(whole)
