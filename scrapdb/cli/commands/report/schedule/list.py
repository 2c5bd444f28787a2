"""scrapdb report schedule list: schedules, and when each asks next."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Service
from scrapdb.cli.service import for_people

_COLUMNS = ("name", "bundle", "cron", "zone", "next_at", "last_at", "owner", "paused_by", "reason")
_TIMES = ("next_at", "last_at")


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
    table = Table(_COLUMNS, lambda: iter(rows))
    printing.print_rows(for_people(table, _TIMES) if printing.resolved() == "table" else table)
    if not rows:
        settings.say("There are no schedules.")
