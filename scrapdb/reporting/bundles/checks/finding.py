"""What is found wrong with a bundle, and where."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong, in a sentence.

    Args:
        severity: an error keeps a report from being made, or makes it wrong; a warning may be meant.
        file: in the bundle.
        line: of the file, or of the cell, from 1.
        cell: index of the cell, if the file is the notebook.
        message: what is wrong, and what to do.
    """

    severity: Literal["error", "warning"] = "error"
    file: str
    line: int | None = None
    cell: int | None = None
    message: str

    @property
    def place(self) -> str:
        """Where it is, as editors and compilers write it."""
        if self.cell is not None:
            return f"{self.file}, cell {self.cell}" + (f", line {self.line}" if self.line else "")
        return f"{self.file}:{self.line}" if self.line else self.file
