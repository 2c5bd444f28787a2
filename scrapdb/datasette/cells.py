"""Cells of Datasette's tables: displays as thumbnails, frames as links, JSON folded, the status as a badge.

A cell says by its value what it is, so that it is shown alike on table pages, SQL pages and canned queries.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from markupsafe import escape

_DISPLAY = re.compile(r"display:([\w.+-]+/[\w.+-]+):([0-9a-f]{64})")
_FRAME = re.compile(r"frame:(\d+)x(\d+):([0-9a-f]{64})")
_STATUSES = frozenset({"unreadable", "failed", "running", "not run", "partial", "completed"})
_STATUS_COLUMNS = frozenset({"status", "nb_status"})
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_LONGEST_JSON = 20_000
_FOLDED = 40  # characters of JSON that are shown without a click


def cell(value: Any, column: str, base: str) -> Markup | None:
    """Show a cell, or leave it to Datasette.

    Args:
        value: of the cell.
        column: its name.
        base: address below which the pages of the store are.
    """
    if not isinstance(value, str):
        return None
    if value.startswith("display:"):
        return _display(value, base)
    if value.startswith("frame:"):
        return _frame(value, base)
    if column in _STATUS_COLUMNS and value in _STATUSES:
        return badge(value)
    if column == "notebook" and value.endswith(".ipynb"):
        return Markup('<a href="{}/notebook?{}">{}</a>').format(base, urlencode({"path": value}), value)
    return _json(value) if value[:1] in "[{" and len(value) <= _LONGEST_JSON else None


def badge(status: str) -> Markup:
    """Show the status of a run."""
    return Markup('<span class="scrapdb-badge scrapdb-{}">{}</span>').format(status.replace(" ", "-"), status)


def tree(value: Any, title: str | None = None) -> Markup:
    """Show a JSON value as a tree whose branches fold."""
    if isinstance(value, dict):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(str(place), item) for place, item in enumerate(value)]
    else:
        text = "null" if value is None else json.dumps(value, ensure_ascii=False)
        return escape(f"{title}: {text}" if title else text)
    count = f"{len(items)} {'key' if isinstance(value, dict) else 'item'}{'' if len(items) == 1 else 's'}"
    branches = Markup("").join(Markup("<li>{}</li>").format(tree(item, key)) for key, item in items)
    head = f"{title}: {count}" if title else count
    return Markup("<details><summary>{}</summary><ul>{}</ul></details>").format(head, branches)


def _display(value: str, base: str) -> Markup | None:
    found = _DISPLAY.fullmatch(value)
    if not found:
        return None
    mime, digest = found.groups()
    if mime in _PICTURES:
        picture = Markup('<img loading="lazy" alt="{}" src="{}/display/{}">').format(mime, base, digest)
        return Markup('<a class="scrapdb-thumbnail" href="{}/display/{}">{}</a>').format(base, digest, picture)
    return Markup('<a href="{}/display/{}">{}</a>').format(base, digest, mime)


def _frame(value: str, base: str) -> Markup | None:
    found = _FRAME.fullmatch(value)
    if not found:
        return None
    rows, columns, digest = found.groups()
    size = f"{int(rows):,} rows × {columns}"
    return Markup('<a href="{}/frame?{}">{}</a>').format(base, urlencode({"hash": digest}), size)


def _json(value: str) -> Markup | None:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if len(value) <= _FOLDED:
        return Markup("<code>{}</code>").format(value)
    try:
        return Markup('<div class="scrapdb-tree">{}</div>').format(tree(parsed))
    except RecursionError:
        return None
