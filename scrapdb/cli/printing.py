"""How rows are printed: the options of every command that prints some."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

import typer
from typer._types import TyperChoice

from scrapdb.errors import UsageError
from scrapdb.formats import FORMATS
from scrapdb.formats import write
from scrapdb.formats.table import room

if TYPE_CHECKING:
    from scrapdb.database import Database
    from scrapdb.database.table import Table


def _more(missing: int) -> str:
    differ = "parameter differs" if missing == 1 else "parameters differ"
    return f"{missing} more {differ} here; `scrapdb query -c '*'` shows every field."


class Printing(NamedTuple):
    """A format, by its name or by an option of its own, and a file to write to."""

    format: Annotated[
        str | None,
        typer.Option(
            "-f",
            "--format",
            click_type=TyperChoice(FORMATS),
            metavar=f"[{'|'.join(FORMATS)}]",
            help="How to print.  [default: table, csv when piped]",
        ),
    ] = None
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", dir_okay=False, help="Write to a file.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Short for -f json.")] = False
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Short for -f jsonl.")] = False
    csv: Annotated[bool, typer.Option("--csv", help="Short for -f csv.")] = False
    tsv: Annotated[bool, typer.Option("--tsv", help="Short for -f tsv.")] = False
    md: Annotated[bool, typer.Option("--md", help="Short for -f md.")] = False

    def chosen(self) -> str | None:
        """Return the format that was asked for.

        Raises:
            UsageError: there were two.
        """
        names = [name for name in FORMATS if name == self.format or getattr(self, name, False)]
        if names[1:]:
            raise UsageError(f"Rows are printed in one format, not as {' and '.join(names)}.")
        return names[0] if names else None

    def resolved(self) -> str:
        """Return the format that was asked for, else what the file's suffix says, a table on a terminal, or CSV."""
        by_suffix = self.output.suffix.lstrip(".").lower() if self.output else ""
        default = by_suffix if by_suffix in FORMATS else "table" if self.is_on_terminal() else "csv"
        return self.chosen() or default

    def print_rows(
        self,
        table: Table,
        say: Callable[[str], None] = lambda _: None,
        pictures: Database | None = None,
        more: Callable[[int], str] = _more,
    ) -> None:
        """Print rows in that format; on a terminal a table fits its width.

        Args:
            table: the rows. Optional columns are left out where a terminal has no room for them.
            say: is told in a sentence that some are, or what a format cannot hold as it is.
            pictures: the store whose pictures are placed in cells, which only Excel has; None for none.
            more: says how many are left out.

        Raises:
            UsageError: pictures are asked for, and another format.
        """
        if pictures and self.resolved() != "xlsx":
            raise UsageError("--pictures places them in an Excel file: add -o FILE.xlsx.")
        width = shutil.get_terminal_size().columns if self.is_on_terminal() else 0
        columns, rows = table.columns, table.to_arrow() if self.resolved() == "parquet" else table.rows()
        if width and table.optional and self.resolved() == "table":
            values = list(rows)
            shown = max(room(columns, values, width), len(columns) - table.optional)
            columns, rows = columns[:shown], (row[:shown] for row in values)
        with _pictures(pictures) as picture:
            write(self.resolved(), columns, rows, self.output, width, times=table.times, picture=picture, say=say)
        if missing := len(table.columns) - len(columns):
            say(more(missing))

    def is_on_terminal(self) -> bool:
        """Return whether rows are printed on a terminal."""
        return self.output is None and sys.stdout.isatty()


@contextmanager
def _pictures(store: Database | None) -> Iterator[Callable[[Any], bytes | None]]:
    if store is None:
        yield lambda _: None
        return
    from scrapdb.database.pictures import pictures

    with pictures(store.path, store.past) as picture:
        yield picture
