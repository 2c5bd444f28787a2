"""What differs between notebooks, as one object of JSON: by section and name its kind, its values and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from msgspec import UNSET

from scrapdb.database import differences
from scrapdb.facts import Expression

_KINDS = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    type(None): "null",
    list: "json",
    dict: "json",
    Expression: "expression",
    differences.Code: "code",
    differences.Markdown: "markdown",
    differences.Frame: "frame",
    differences.DisplayHashes: "display",
}


def as_object(notebooks: Sequence[str], found: differences.Differences) -> dict[str, Any]:
    """Return what differs: lists have an element for each notebook, or, of differences, for each but the first.

    Args:
        notebooks: paths of the notebooks.
        found: what differs between them.
    """
    sections: dict[str, dict[str, Any]] = {}
    for (section, name), lines in groupby(found.lines, key=lambda line: (line.section, line.name)):
        sections.setdefault(section, {})[name] = _name(list(lines))
    return {
        "notebooks": list(notebooks),
        "differs": bool(found.lines),
        "equal": found.equal,
        "left_out": found.cut,
        "differences": sections,
    }


def _name(lines: Sequence[differences.Line]) -> dict[str, Any]:
    """Return one name: its values, or of lists and dicts those by path that differ."""
    if len(lines) == 1 and not lines[0].path:
        return _line(lines[0])
    return {"kind": "json", "paths": {line.path: _line(line) for line in lines}}


def _line(line: differences.Line) -> dict[str, Any]:
    values = [entry.value for entry in line.entries]
    kinds = {_KINDS.get(type(value), "json") for value in values if value is not UNSET}
    missing = [place for place, value in enumerate(values) if value is UNSET]
    return {
        "kind": kinds.pop() if len(kinds) == 1 else "mixed",
        "values": list(map(_value, values)),
        **({"missing": missing} if missing else {}),
        "differences": [_difference(entry) if entry.differs else None for entry in line.entries[1:]],
    }


def _value(value: Any) -> Any:
    if value is UNSET:
        return None
    if isinstance(value, differences.Frame):
        return {"rows": value.rows, "columns": value.columns, "hash": value.hash}
    if isinstance(value, differences.Code):
        return {"cells": len(value.sources)}
    if isinstance(value, differences.DisplayHashes):
        return value.hashes
    return value.source if isinstance(value, Expression) else value


def _difference(entry: differences.Entry) -> dict[str, Any]:
    """Return what is known of a difference beside the two values; often nothing."""
    told: dict[str, Any] = {}
    if entry.difference is not None or entry.ratio is not None:
        told |= {"difference": entry.difference, "ratio": entry.ratio}
    if entry.pieces:
        told["pieces"] = [[piece.kind, piece.text] for piece in entry.pieces]
    if entry.cells:
        told["cells"] = [{**cell._asdict(), "lines": list(cell.lines)} for cell in entry.cells]
    if entry.rows:
        told |= _rows(entry)
    if entry.pixels:
        told["pixels"] = entry.pixels._asdict()
    return told


def _rows(entry: differences.Entry) -> dict[str, Any]:
    rows = entry.rows._asdict() if entry.rows else {}
    cells = [{**cell._asdict(), "row": list(cell.row), **cell.step._asdict()} for cell in rows["cells"]]
    for cell in cells:
        del cell["step"]
    retyped = [column._asdict() for column in rows["retyped"]]
    return {name: list(part) if isinstance(part, tuple) else part for name, part in rows.items()} | {
        "retyped": retyped,
        "cells": cells,
    }
