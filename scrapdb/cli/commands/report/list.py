"""scrapdb report list: what was made of bundles, and what is under way."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from typing import Annotated
from typing import get_args

import typer
from typer._types import TyperChoice

from scrapdb.cli.options import Limit
from scrapdb.cli.options import Settings
from scrapdb.cli.options import Where
from scrapdb.cli.printing import Printing
from scrapdb.facts import ReportState

if TYPE_CHECKING:
    from scrapdb.database.table import Table

_STATES = get_args(ReportState)
_FOR_PEOPLE, _TITLE, _REASON = 6, 2, 5  # columns, and the places of two of them
_NARROWEST = 8  # characters
_MINUTE = len("2026-11-29T12:00")


def command(
    *,
    state: Annotated[
        str | None,
        typer.Option(click_type=TyperChoice(_STATES), metavar="STATE", help=f"Only these: {', '.join(_STATES)}."),
    ] = None,
    bundle: Annotated[str | None, typer.Option(metavar="NAME", help="Only reports of this bundle.")] = None,
    where: Where = None,
    limit: Limit = None,
    printing: Printing,
    settings: Settings,
) -> None:
    """List reports, the newest first: state, id, title, language, when it was made, and why it ended so.

    Queued ones and those under way are listed too, but with --where, which asks for what is known of their notebooks.
    `scrapdb report show ID` shows one of them.

    \b
    scrapdb report list --state error
    scrapdb report list --where "site = 'north' and report.language = 'ca'" --json
    """
    database = settings.database()
    found = database.reports(where, state=state, bundle=bundle, limit=limit)
    width = shutil.get_terminal_size().columns if printing.is_on_terminal() else 0
    printing.print_rows(_for_people(found, width) if printing.resolved() == "table" else found, settings.say)
    settings.remark(database, where)


def _for_people(found: Table, width: int) -> Table:
    """Return less of them; in a terminal title and reason are cut, and neither the id nor when it was made."""
    from scrapdb.database.table import Table

    rows = [
        [state, id_, title or "", language or "", (when or "")[:_MINUTE].replace("T", " "), reason or ""]
        for state, id_, title, language, when, reason, *_ in found.rows()
    ]
    columns = found.columns[:_FOR_PEOPLE]
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    titles, reasons = widths[_TITLE], widths[_REASON]
    left = width - (sum(widths) - titles - reasons) - 2 * (_FOR_PEOPLE - 1)
    if left >= 2 * _NARROWEST:
        reasons = min(reasons, max(left - titles, left // 2))
        for row in rows:
            row[_TITLE], row[_REASON] = _cut(row[_TITLE], left - reasons), _cut(row[_REASON], reasons)
    return Table(columns, lambda: iter(rows))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
