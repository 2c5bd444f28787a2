"""scrapdb report schedule list: schedules, and when each asks next."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Service

if TYPE_CHECKING:
    from scrapdb.database.table import Table

_COLUMNS = ("name", "bundle", "cron", "zone", "next_at", "last_at", "owner", "paused_by", "reason")
_TIMES, _MINUTE = ("next_at", "last_at"), len("2026-11-30T07:00")


def command(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print an array with an object for each schedule.")] = False,
    service: Service,
    settings: Settings,
) -> None:
    """List the schedules of a service: those that were added, and those of bundles that a worker has taken up.

    \b
    scrapdb report schedule list -o reports
    """
    from scrapdb.cli.printing import Printing
    from scrapdb.database.table import Table
    from scrapdb.reporting.service.ledger import schedules

    with service.ledger() as ledger:
        found = schedules.every(ledger)
    rows = [
        (
            *(each.name, each.bundle, each.definition.cron, each.definition.zone),
            *(each.next_at, each.last_at, each.owner, each.paused_by, each.reason),
        )
        for each in found
    ]
    printing = Printing(json=json)
    is_for_people = bool(rows) and printing.resolved() == "table"
    printing.print_rows(_for_people(rows) if is_for_people else Table(_COLUMNS, lambda: iter(rows)))
    if not rows:
        settings.say("There are no schedules.")


def _for_people(rows: list[tuple[Any, ...]]) -> Table:
    """Leave out what no schedule has, and the seconds of times: a terminal has no room for all of it."""
    from scrapdb.database.table import Table

    told = [
        [_minute(cell) if name in _TIMES else cell for name, cell in zip(_COLUMNS, row, strict=True)] for row in rows
    ]
    kept = [place for place in range(len(_COLUMNS)) if any(row[place] for row in told)]
    return Table([_COLUMNS[place] for place in kept], lambda: ([row[place] for place in kept] for row in told))


def _minute(moment: str | None) -> str | None:
    return f"{moment[:_MINUTE].replace('T', ' ')} UTC" if moment else None
