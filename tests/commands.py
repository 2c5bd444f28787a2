"""The names of all commands, of those in a group as `report build`."""

from __future__ import annotations

from scrapdb.cli import app
from scrapdb.cli.commands import report
from scrapdb.cli.commands.report import schedule

COMMANDS = [
    *app.COMMANDS,
    *(f"report {name}" for name in report.COMMANDS),
    *(f"report schedule {name}" for name in schedule.COMMANDS),
]
