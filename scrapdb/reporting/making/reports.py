"""What became of the reports that were asked for, for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import overload

import msgspec

from scrapdb.database.table import Table
from scrapdb.formats.values import escaped
from scrapdb.reporting.making.record import PAGES
from scrapdb.reporting.making.record import WELL

COLUMNS = ("id", "state", "reason", "path", "language", "seconds", "parameters", "pushed")
STATES = ("completed", "skipped", "error", "timed out", "killed", "lost", "cancelled")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one report.

    Args:
        id: the path of its directory below that of all reports; empty if what was asked for was refused.
        state: completed, skipped, error, timed out, killed, lost or cancelled.
        reason: why, unless it completed.
        directory: where its files are; None if it never began.
        language: of its page.
        seconds: from the start of its run to its pages.
        bundle: path or URL of its bundle.
        parameters: what it was given, without secrets.
        warnings: what was remarked.
        pushed: where its pages went.
        push_errors: why they did not.
    """

    id: str
    state: str
    reason: str | None = None
    directory: Path | None = None
    language: str | None = None
    seconds: float | None = None
    bundle: str = ""
    parameters: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    pushed: tuple[str, ...] = ()
    push_errors: tuple[str, ...] = ()

    @property
    def path(self) -> Path | None:
        """Its page, which says what went wrong if it did not end well."""
        return self.directory / PAGES["html"] if self.directory else None

    @property
    def ended_well(self) -> bool:
        """Tell whether it completed, or skipped itself, and is where it was to be pushed."""
        return self.state in WELL and not self.push_errors

    def row(self) -> tuple[Any, ...]:
        """Return what is told of it in rows, in the order of `COLUMNS`."""
        path = None if self.path is None else str(self.path)
        told = {"path": path, "reason": self.reason or " ".join(self.push_errors) or None, "pushed": [*self.pushed]}
        return tuple(told.get(column, getattr(self, column)) for column in COLUMNS)


class Reports(Sequence[Made]):
    """The reports that were asked for, in that order. As text they are a sentence.

    Args:
        reports: those that were made or were to be.
        passed: how many were passed over.
        seconds: how long all took.
        where: the directory that they are in.
        warnings: what is to be known of them as a whole.
    """

    def __init__(
        self,
        reports: Sequence[Made],
        *,
        passed: int = 0,
        seconds: float = 0.0,
        where: str = "",
        warnings: Sequence[str] = (),
    ) -> None:
        self._reports = tuple(reports)
        self.passed = passed
        self.seconds = seconds
        self.where = where
        self.warnings = tuple(warnings)

    @overload
    def __getitem__(self, index: int) -> Made: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Made]: ...

    def __getitem__(self, index: int | slice) -> Made | Sequence[Made]:
        return self._reports[index]

    def __len__(self) -> int:
        return len(self._reports)

    @property
    def failed(self) -> list[Made]:
        """Those that did not end well."""
        return [each for each in self._reports if not each.ended_well]

    def table(self) -> Table:
        """Return them as rows."""
        return Table(COLUMNS, lambda: (each.row() for each in self._reports))

    def __str__(self) -> str:
        counts = Counter(each.state for each in self._reports)
        told = [f"{counts[state]:,} {state}" for state in STATES if counts[state]]
        not_pushed = sum(bool(each.push_errors) for each in self._reports)
        told += [f"{not_pushed:,} not pushed"] if not_pushed else []
        told += [f"{self.passed:,} passed over"] if self.passed else []
        number = len(self) + self.passed
        count = f"{number:,} report{'' if number == 1 else 's'}"
        return f"{count}: {', '.join(told) or 'none'} in {self.seconds:.1f} s → {self.where}"

    def __repr__(self) -> str:
        return f"<Reports {escaped(str(self))}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(escaped(str(self)))}</p>{self.table()._repr_html_()}"
