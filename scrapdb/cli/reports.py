"""How reports are told on a terminal while they are made, and when they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from msgspec.structs import replace

from scrapdb.cli.batches import Teller
from scrapdb.cli.options import Settings

if TYPE_CHECKING:
    from scrapdb.reporting.making.batch import Entry
    from scrapdb.reporting.making.batch import Host
    from scrapdb.reporting.making.reports import Made
    from scrapdb.reporting.making.reports import Reports
    from scrapdb.running.batches.runs import Run

_INTERRUPTED = 130
_LISTED = 20  # reports that did not end well
_ERRORS = {"failed": "error"}


class ReportTeller(Teller):
    """Tells on standard error how reports are made, by their ids."""

    def ended(self, run: Run, again_in: float | None) -> None:
        """Print the line of a report."""
        super().ended(replace(run, state=_ERRORS.get(run.state, run.state)), again_in)

    def _name(self, output: str) -> str:
        return super()._name(output).removesuffix("/report")


def make(entries: Sequence[Entry], host: Host, settings: Settings, *, as_json: bool) -> Reports:
    """Make reports, tell how that goes and what became of them, and return them.

    Raises:
        typer.Exit: one did not end well, or all was stopped.
    """
    from scrapdb.reporting.making import batch
    from scrapdb.running.events import Stop

    stop = Stop()
    teller = None if settings.quiet else ReportTeller(str(host.reports))
    try:
        reports = batch.build(entries, host, teller, stop)
    finally:
        if teller:
            teller.closed()
    _tell(reports, settings, as_json=as_json)
    if stop.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if reports.failed:
        raise typer.Exit(1)
    return reports


def _tell(reports: Reports, settings: Settings, *, as_json: bool) -> None:
    """Print what became of reports, and what to do about those that did not end well."""
    from scrapdb.cli.printing import Printing

    if as_json:
        Printing(json=True).print_rows(reports.table())
    for made in reports.failed[:_LISTED]:
        settings.say(_sentence(made))
    if more := reports.failed[_LISTED:]:
        settings.say(f"{len(more):,} more did not end well.")
    settings.say(str(reports))


def _sentence(made: Made) -> str:
    name = made.id or made.bundle
    if made.push_errors:
        return f"{name}: not pushed: {' '.join(made.push_errors)}\n  scrapdb report push {made.directory}"
    page = f"\n  {made.path}" if made.path else ""
    return f"{name}: {made.state}{f', {made.reason}' if made.reason else ''}{page}"
