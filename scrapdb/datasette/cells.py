"""Cells of Datasette's tables: displays as thumbnails, frames as links, JSON folded, the status as a badge.

A cell says by its value what it is, so that it is shown alike on table pages, SQL pages and canned queries. A page has
a thousand cells and more: what is known to hold no markup is not escaped.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from markupsafe import escape

from scrapdb.formats.html import PICTURES
from scrapdb.formats.values import short
from scrapdb.store.tokens import read_display_token
from scrapdb.store.tokens import read_frame_token

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}Z")
STATUSES = (
    *("completed", "failed", "timed out", "killed", "lost", "skipped", "cancelled", "partial"),
    *("running", "not run", "unreadable"),
)
_WITH_BADGES = frozenset({*STATUSES, "queued", "retrying", "error"})
_STATUS_COLUMNS = frozenset({"status", "nb_status", "state"})
_LONGEST_JSON = 20_000
_FOLDED = 40  # characters of JSON that are shown without a click


def cell(value: Any, column: str, base: str) -> Markup | None:
    """Show a cell of a column, or leave it to Datasette; the pages of the store are below the address `base`."""
    if isinstance(value, float):
        return _number(value)
    if not isinstance(value, str):
        return None
    if value.startswith("display:"):
        return _display(value, column, base)
    if value.startswith("frame:"):
        return _frame(value, base)
    if column in _STATUS_COLUMNS and value in _WITH_BADGES:
        return badge(value)
    if column == "notebook" and value.endswith(".ipynb"):
        address = escape(f"{base}/notebook?{urlencode({'path': value})}")
        return Markup(f'<a href="{address}">{escape(value)}</a>')  # noqa: S704 - escaped
    if value[-1:] == "Z" and (time := _TIME.fullmatch(value)):
        return Markup(f'<span class="scrapdb-time" title="{value}">{time[1]} {time[2]}</span>')  # noqa: S704 - digits
    return _json(value) if value[:1] in "[{" and len(value) <= _LONGEST_JSON else None


def version(row: Any, base: str) -> Markup | None:
    """Lead from a row of the table `versions` to the page of that version."""
    if not {"path", "version"} <= {*row.keys()}:
        return None
    asked = {"path": row["path"], "version": row["version"]}
    address = escape(f"{base}/notebook?{urlencode(asked)}")
    return Markup(f'<a href="{address}">{escape(row["version"])}</a>')  # noqa: S704 - escaped


def badge(status: str) -> Markup:
    """Show the status of a run."""
    word = "failed" if status == "error" else escape(status.replace(" ", "-"))  # of a report
    return Markup(f'<span class="scrapdb-badge scrapdb-{word}">{escape(status)}</span>')  # noqa: S704 - escaped


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
    branches = "".join(f"<li>{tree(item, key)}</li>" for key, item in items)
    head = escape(f"{title}: {count}" if title else count)
    return Markup(f"<details><summary>{head}</summary><ul>{branches}</ul></details>")  # noqa: S704 - escaped, as branches


def encodable(text: str) -> str:
    r"""Write halves of characters as \ud800: JSON can have them, and no encoding can send them."""
    return text.encode(errors="backslashreplace").decode()


def _number(value: float) -> Markup | None:
    text = short(value)
    exact = repr(value)
    return Markup(f'<span title="{exact}">{text}</span>') if float(text) != value else None  # noqa: S704 - a number


def _display(value: str, column: str, base: str) -> Markup | None:
    token = read_display_token(value)
    if not token:
        return None
    mime, digest = token
    address = escape(f"{base}/display/{digest}")
    if mime in PICTURES:
        picture = f'<img loading="lazy" alt="{escape(column)}" src="{address}">'
        return Markup(f'<a class="scrapdb-thumbnail" href="{address}">{picture}</a>')  # noqa: S704 - escaped
    return Markup(f'<a href="{address}">{mime}</a>')  # noqa: S704 - escaped, and letters of a MIME type


def _frame(value: str, base: str) -> Markup | None:
    token = read_frame_token(value)
    if not token:
        return None
    rows, columns, digest = token
    address = escape(f"{base}/frame?hash={digest}")
    return Markup(f'<a class="scrapdb-shape" href="{address}">{rows:,} rows × {columns}</a>')  # noqa: S704 - escaped, and digits


def _json(value: str) -> Markup | None:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if len(value) <= _FOLDED:
        return Markup(f"<code>{escape(value)}</code>")  # noqa: S704 - escaped
    try:
        return Markup(f'<div class="scrapdb-tree">{encodable(tree(parsed))}</div>')  # noqa: S704 - escaped there
    except RecursionError:
        return None
