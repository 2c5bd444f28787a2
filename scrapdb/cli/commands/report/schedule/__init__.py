"""scrapdb report schedule: reports that ask for themselves. One module per command below it."""

from __future__ import annotations

from scrapdb.cli.options import Settings

COMMANDS = {
    "add": "Add a schedule.",
    "list": "List schedules, and when each asks next.",
    "next": "Show the next moments of a schedule.",
    "pause": "Let a schedule rest.",
    "resume": "Let a schedule go on.",
    "run-now": "Ask for what a schedule asks for, at once.",
    "remove": "Remove a schedule.",
}


def explain(*, settings: Settings) -> None:
    """Have reports ask for themselves by the clock: schedules of a service, which its workers see to.

    A bundle names its own below `schedules` in config.json; others are added here. Both stand in the ledger beside the
    reports, and can be listed, paused and asked to run at once.

    \b
    scrapdb report schedule add bundles/ monday --bundle voltage --cron "0 7 * * 1" -p site=north
    scrapdb report schedule list -o reports
    """
    del settings
