"""scrapdb report deliver: where a report of a service has gone, and the same again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated

import typer
from typer._types import TyperChoice

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Service
from scrapdb.cli.service import for_people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scrapdb.reporting.service.ledger.deliveries import Delivery


def command(
    report: Annotated[str, typer.Argument(metavar="ID", hidden=True)],
    *,
    to: Annotated[
        str | None,
        typer.Option(metavar="TARGET", help="Only there: mail:anna@example.com, slack:#sales, https://…, s3://…"),
    ] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option(
            click_type=TyperChoice(("html", "pdf", "link")),
            metavar="[html|pdf|link]",
            help="What it brings there.  [default: html, or as before] Repeatable.",
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Say where it has gone, and send nothing.")] = False,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Let the links to it lead nowhere, those of TARGET if there is one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print deliveries as JSON.")] = False,
    service: Service,
    settings: Settings,
) -> None:
    """Send again what of report ID has failed, or of which it is unsure whether it has arrived.

    With --to it goes to one target, be it a new one, as far as service.yaml allows that. It is sent at once, also
    while the service is running; nothing is sent twice at the same time. ID is its name below DIR. The exit code is 1
    if something could not be sent.

    \b
    scrapdb report deliver voltage-1f0c9a2e --list
    scrapdb report deliver voltage-1f0c9a2e --to mail:anna@example.com --config service.yaml
    scrapdb report deliver voltage-1f0c9a2e --take-back
    """
    from scrapdb.errors import UsageError
    from scrapdb.reporting.service.delivering import again
    from scrapdb.reporting.service.ledger.ledger import NAME

    reports = Path(service.output or "reports")
    if not (reports / NAME).is_file():
        raise UsageError(f"No service was asked for anything in {reports}: -o names another directory.")
    if list_ and (to or attach or take_back):
        raise UsageError("--list sends nothing, and takes nothing back; leave out the other options.")
    with service.desk(str(reports), settings) as desk:
        if take_back:
            settings.say(f"Links of {', '.join(again.taken_back(desk, report, to))} lead nowhere any more.")
            return
        found = again.listed(desk, report) if list_ else again.delivered(desk, report, to, attach=attach or ())
    _tell(found, settings, as_json=as_json, as_table=list_)
    if not list_ and any(each.state != "sent" for each in found):
        raise typer.Exit(1)


def _tell(found: Sequence[Delivery], settings: Settings, *, as_json: bool, as_table: bool) -> None:
    from scrapdb.cli.printing import Printing
    from scrapdb.database.table import Table

    if as_json or as_table:
        columns = ("state", "target", "address", "letter", "attempt", "not_before", "ended_at", "reason")
        rows = [[getattr(each, name) for name in columns] for each in found]
        printing, table = Printing(json=as_json), Table(columns, lambda: iter(rows))
        is_for_people = printing.resolved() == "table"
        printing.print_rows(for_people(table, ("not_before", "ended_at")) if is_for_people else table, settings.say)
        return
    for each in found:
        again = f" It is tried again from {each.not_before} on, while the service runs." if each.not_before else ""
        settings.say(f"{each.target}:{each.address}: {each.state}{f'. {each.reason}' if each.reason else ''}{again}")
