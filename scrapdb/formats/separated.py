"""Rows as CSV (RFC 4180, but with bare line feeds) or TSV."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from collections.abc import Sequence
from typing import IO
from typing import Any

from scrapdb.formats.values import plain


def write(separator: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: IO[str], _: int) -> None:
    """Write a line for the names of the columns and for each row, with a separator between values."""

    # Not with `csv`: before Python 3.13 it leaves a lone carriage return bare, on which its own reader stumbles.
    def quoted(cell: str) -> str:
        special = '"' in cell or separator in cell or "\n" in cell or "\r" in cell
        return '"' + cell.replace('"', '""') + '"' if special else cell

    for cells in itertools.chain([columns] if columns else [], (map(plain, row) for row in rows)):
        stream.write((separator.join(map(quoted, cells)) or '""') + "\n")
