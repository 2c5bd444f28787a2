"""scrapdb report list: what was made of bundles, and what is under way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
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
_FOR_PEOPLE = 6  # columns
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
    printing.print_rows(_for_people(found) if printing.resolved() == "table" else found)
    settings.remark(database, where)


def _for_people(found: Table) -> Table:
    from scrapdb.database.table import Table

    def rows() -> Iterator[tuple[Any, ...]]:
        for state, id_, title, language, when, *rest in found.rows():
            yield (state, id_, title, language, (when or "")[:_MINUTE].replace("T", " "), *rest)[:_FOR_PEOPLE]

    return Table(found.columns[:_FOR_PEOPLE], rows)
