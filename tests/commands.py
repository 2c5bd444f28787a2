"""The names of all commands, of those in a group as `report build`."""

from __future__ import annotations

from scrapdb.cli import app
from scrapdb.cli.commands import report

COMMANDS = [*app.COMMANDS, *(f"report {name}" for name in report.COMMANDS)]
