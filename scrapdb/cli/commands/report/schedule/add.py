"""scrapdb report schedule add: a schedule of a service."""

from __future__ import annotations

from typing import Annotated
from typing import Any

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Bundles
from scrapdb.cli.service import Service
from scrapdb.errors import UsageError


def command(
    bundles: Bundles,
    name: Annotated[str, typer.Argument(metavar="NAME", hidden=True)],
    *,
    bundle: Annotated[str | None, typer.Option(metavar="NAME", help="The bundle; by default the only one.")] = None,
    cron: Annotated[
        str,
        typer.Option(metavar="CRON", help="Minute, hour, day, month and weekday: `0 7 * * 1`; or @daily, @weekly, …"),
    ],
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of that: Europe/Madrid; by default the service's.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            metavar="NAME=VALUE",
            help="Value of a parameter; dates may move: yesterday, or `from_day..to_day=last week`. Repeatable.",
        ),
    ] = None,
    lang: Annotated[
        str | None, typer.Option(metavar="LANG,...", help="A report in each; by default the first.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Make report.pdf as well.")] = False,
    deliver: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Where they go: mail:anna@example.com, slack:#sales. Repeatable."),
    ] = None,
    deliver_if: Annotated[
        str | None, typer.Option(metavar="EXPR", help="What their scraps have to meet for that: n_rows > 0.")
    ] = None,
    for_each: Annotated[
        str | None,
        typer.Option(
            metavar="ROWS",
            help="A report for each row: a file of the bundle, `sql:SELECT …` of the store, or an expression.",
        ),
    ] = None,
    skip_missed: Annotated[
        bool, typer.Option("--skip-missed", help="Leave out moments at which nothing ran; else one makes up for all.")
    ] = False,
    owner: Annotated[
        str | None, typer.Option(metavar="ASKER", help="With whose rights it asks; needed where there are askers.")
    ] = None,
    service: Service,
    settings: Settings,
) -> None:
    """Add a schedule NAME to the service whose bundles are in BUNDLES.

    What it would ask for at its first moment is tried at once, and refused if something of it is wrong. Dates that move
    are counted from the moment of the schedule, in its zone, however late the report is made.

    \b
    scrapdb report schedule add bundles/ monday --bundle voltage --cron "0 7 * * 1" --zone Europe/Madrid \\
      -p site=north -p "from_day..to_day=last week" --deliver mail:anna@example.com
    """
    from scrapdb.reporting.bundles.schedule import Schedule
    from scrapdb.reporting.bundles.target import Target
    from scrapdb.reporting.service.scheduling import changing

    definition = Schedule(
        cron=cron,
        zone=zone,
        parameters=_parameters(parameter or []),
        languages=tuple(filter(None, (lang or "").split(","))),
        pages=("pdf",) if pdf else (),
        deliver=tuple(Target(to=each) for each in deliver or ()),
        deliver_if=deliver_if,
        for_each=for_each,
        catch_up="skip" if skip_missed else "once",
        owner=owner,
    )
    with service.desk(bundles, settings) as desk:
        of = bundle or _only([each.name for each in desk.catalogue.all()])
        added = changing.add(desk, "you", name, of, definition)
        moment = next(iter(changing.coming(desk, added, 1)), None)
    settings.say(f"{name} asks for {of} first at {moment:%Y-%m-%d %H:%M %Z}." if moment else f"{name} never asks.")


def _parameters(options: list[str]) -> dict[str, Any]:
    """Read values as they were typed, one of each name."""
    from scrapdb.running.rows import grid
    from scrapdb.running.rows import values

    found = grid.given(options)
    if several := [name for name, each in found.items() if len(each) > 1]:
        raise UsageError(
            f"{several[0]} has several values: a schedule has one of each, and a report for each row of ROWS."
        )
    return {name: str(each) if isinstance(each, values.Text) else each for name, (each,) in found.items()}


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise UsageError(f"Of which bundle? Name one by --bundle: {', '.join(names) or 'there is none'}.")
    return names[0]
