"""Rows as a Markdown table, in which nothing of a value is markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Sequence
from typing import IO
from typing import Any

from scrapdb.formats.values import escaped
from scrapdb.formats.values import short

# What CommonMark and GitHub would take for markup in a cell; `_` inside a word is none.
_MARKUP = r"[\\|`*\[<~]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])"


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: IO[str], _: int) -> None:
    """Write a table for CommonMark and GitHub."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(re.sub(_MARKUP, r"\\\g<0>", cell) for cell in cells) + " |\n"

    if not columns:
        return
    stream.write(line(map(escaped, columns)))
    stream.write("|" + " --- |" * len(columns) + "\n")
    for row in rows:
        stream.write(line(map(short, row)))
