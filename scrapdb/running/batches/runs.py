"""What became of the runs of a batch, for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import overload

import msgspec

from scrapdb.database import Database
from scrapdb.database.table import Table
from scrapdb.formats.values import escaped
from scrapdb.running.batches.previous import WELL

if TYPE_CHECKING:
    import pandas as pd

    from scrapdb.database.notebook import StoredNotebook

COLUMNS = ("notebook", "state", "reason", "seconds", "parameters", "attempt", "wall")
STATES = ("completed", "skipped", "failed", "timed out", "killed", "lost", "cancelled")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one run.

    Args:
        path: the executed notebook.
        state: completed, skipped, failed, timed out, killed, lost or cancelled.
        reason: why, unless it completed.
        cell: the cell that it ended in, counted as `show` does.
        seconds: how long it took; None if it never began.
        parameters: what it was given, without secrets.
        attempt: how many it took.
        wall: the wall behind which it ran.
        warnings: what its runner remarked.
        id: its row in `executions`.
        store: where it is indexed.
    """

    path: str
    state: str
    reason: str | None = None
    cell: int | None = None
    seconds: float | None = None
    parameters: dict[str, Any] = {}
    attempt: int = 1
    wall: str | None = None
    warnings: tuple[str, ...] = ()
    id: str = ""
    store: Path = Path()

    @property
    def ended_well(self) -> bool:
        """Tell whether it completed, or skipped itself."""
        return self.state in WELL

    @property
    def notebook(self) -> StoredNotebook:
        """The executed notebook as the store has it.

        Raises:
            NotebookNotFoundError: it is not there, since it never began.
        """
        return Database(self.store).notebook(self.path)

    @property
    def scraps(self) -> dict[str, Any]:
        """What it glued, by name.

        Raises:
            NotebookNotFoundError: it is not there, since it never began.
        """
        return {name: scrap.data for name, scrap in self.notebook.scraps.items()}

    def row(self) -> tuple[Any, ...]:
        """Return what is told of it in rows, in the order of `COLUMNS`."""
        return tuple(getattr(self, column) if column != "notebook" else self.path for column in COLUMNS)


class Runs(Sequence[Run]):
    """The runs of a batch, in the order of their parameters. As text they are a sentence.

    Args:
        runs: those that began or were to begin.
        passed: how many were passed over.
        seconds: how long all took.
        where: what they were written to, in words.
        warnings: what is to be known of the batch as a whole.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        *,
        passed: int = 0,
        seconds: float = 0.0,
        where: str = "",
        warnings: Sequence[str] = (),
    ) -> None:
        self._runs = tuple(runs)
        self.passed = passed
        self.seconds = seconds
        self.where = where
        self.warnings = tuple(warnings)

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...

    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        return self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def failed(self) -> list[Run]:
        """Those that did not end well."""
        return [run for run in self._runs if not run.ended_well]

    def table(self) -> Table:
        """Return them as rows."""
        return Table(COLUMNS, lambda: (run.row() for run in self._runs))

    def to_pandas(self) -> pd.DataFrame:
        """Make a DataFrame: a row a run, a column for each parameter, and in front of them how it ended."""
        columns = [column for column in COLUMNS if column != "parameters"]
        names = list(dict.fromkeys(name for run in self._runs for name in run.parameters))
        labels = [f"param.{name}" if name in columns else name for name in names]

        def rows() -> Iterator[tuple[Any, ...]]:
            for run in self._runs:
                told = dict(zip(COLUMNS, run.row(), strict=True))
                yield *(told[column] for column in columns), *(run.parameters.get(name) for name in names)

        return Table([*columns, *labels], rows).to_pandas()

    def __str__(self) -> str:
        counts = Counter(run.state for run in self._runs)
        told = [f"{counts[state]:,} {state}" for state in STATES if counts[state]]
        told += [f"{self.passed:,} passed over"] if self.passed else []
        walls = list(dict.fromkeys(run.wall for run in self._runs if run.wall))
        behind = f", {_behind(walls)}" if walls else ""
        number = len(self) + self.passed
        count = f"{number:,} run{'' if number == 1 else 's'}"
        return f"{count}: {', '.join(told) or 'none'} in {self.seconds:.1f} s{behind}{self.where}"

    def __repr__(self) -> str:
        return f"<Runs {escaped(str(self))}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(escaped(str(self)))}</p>{self.table()._repr_html_()}"


def _behind(walls: Sequence[str]) -> str:
    """Say which walls held."""
    return "without a wall" if list(walls) == ["none"] else f"behind {' and '.join(walls)}"
