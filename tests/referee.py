"""What notebooks were, told by a plain loop over the files that were saved, which scrapbook's own reader reads.

Neither stores nor anything of scrapdb is asked.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pandas as pd
import scrapbook

Files = Mapping[str, bytes]  # content by path


class Saved(NamedTuple):
    """What scrapbook reads in a notebook: values of scraps, and frames, by name; what was shown, by name and type."""

    values: dict[str, Any]
    frames: dict[str, pd.DataFrame]
    displays: dict[tuple[str, str], Any]
    parameters: dict[str, Any]
    failed: bool


class Version(NamedTuple):
    """A version of a notebook, and from which moment of those that were remembered on, until which, it was there."""

    path: str
    number: int
    content: bytes
    first: int
    until: int | None

    @property
    def saved(self) -> Saved | None:
        """What scrapbook reads in it; None if it cannot."""
        return read(self.content)

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def value(self, name: str) -> Any:
        """The value of a scrap, else of a recorded parameter; None if there is none."""
        saved = self.saved
        return None if saved is None else saved.values.get(name, saved.parameters.get(name))  # noqa: PD011


@cache
def read(content: bytes) -> Saved | None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "saved.ipynb")
        path.write_bytes(content)
        try:
            notebook = scrapbook.read_notebook(str(path))
        except Exception:  # noqa: BLE001 - nbformat, papermill and json have many; each means that there is no notebook
            return None
    values: dict[str, Any] = {}
    frames: dict[str, pd.DataFrame] = {}
    displays: dict[tuple[str, str], Any] = {}
    for name, scrap in notebook.scraps.items():
        if isinstance(scrap.data, pd.DataFrame):
            frames[name] = scrap.data
        elif scrap.encoder != "display":
            values[name] = scrap.data
        if scrap.display:
            displays |= {(name, mime): data for mime, data in scrap.display["data"].items()}
    failed = any(output["output_type"] == "error" for cell in notebook.cells for output in cell.get("outputs", ()))
    return Saved(values, frames, displays, dict(notebook.parameters), failed)


def versions(past: Sequence[Files]) -> dict[str, list[Version]]:
    """Find the versions of each path: a content that is not that of the moment before, which none is."""
    found: dict[str, list[Version]] = {path: [] for path in sorted({path for files in past for path in files})}
    for path, those in found.items():
        before: bytes | None = None
        for moment, files in enumerate(past):
            content = files.get(path)
            if content == before:
                continue
            if before is not None:
                those[-1] = those[-1]._replace(until=moment)
            if content is not None:
                those.append(Version(path, len(those) + 1, content, moment, None))
            before = content
    return found


def as_of(found: Mapping[str, Sequence[Version]], moment: int) -> list[Version]:
    """Find what was there at a moment, by path."""
    return [
        version
        for those in found.values()
        for version in those
        if version.first <= moment and (version.until is None or version.until > moment)
    ]


def streak(those: Iterable[Version], holds: Callable[[Version], bool]) -> tuple[int, Version | None]:
    """Count how many of the last versions, without a gap, something holds for, and find the first of them."""
    count, first = 0, None
    for version in reversed([*those]):
        if not holds(version):
            break
        count, first = count + 1, version
    return count, first
