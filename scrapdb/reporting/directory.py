"""The directory of a report: what lies beside its notebook, opened by fixed names and never through a link.

Whoever wrote the notebook, and the page, may be a stranger. Nothing that they say leads to another file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import BinaryIO

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.files.paths import located
from scrapdb.files.remote import is_url

NOTEBOOK, PAGE, PDF, OUTPUT = "report.ipynb", "report.html", "report.pdf", "output.json"
LOG, RECORD, STATIC = "log.txt", "report.json", "static"
FILES = (PAGE, PDF, OUTPUT, LOG, RECORD)
_LONGEST_RECORD = 2**24
# Neither a link, nor a pipe that would keep us waiting for who writes into it.
_PLAINLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an error: of which cell, or in which line of a template, with its source."""

    name: str | None = None
    value: str | None = None
    cell: int | None = None
    file: str | None = None
    line: int | None = None
    source: str | None = None
    traceback: str | None = None

    @property
    def heading(self) -> str:
        """What went wrong, and where."""
        error = ": ".join(filter(None, (self.name, self.value)))
        places = (("", self.file), ("line ", self.line), ("cell ", self.cell))
        where = ", ".join(f"{word}{place}" for word, place in places if place is not None)
        return f"{error} ({where})" if where else error


class _Record(msgspec.Struct, frozen=True):
    trace: Trace | None = None


def of_notebook(path: str, exact: bytes | None, store: Path) -> Path | None:
    """Return the directory of a report; None if its notebook is not a file that has it for itself.

    Args:
        path: of its notebook, as the store has it.
        exact: bytes of that path that it does not give back.
        store: the database file.
    """
    if is_url(path):
        return None
    notebook = Path(located(path, exact, os.path.realpath(store.parent)))
    return notebook.parent if notebook.name == NOTEBOOK else None


def there(directory: Path | None) -> dict[str, int]:
    """Return the sizes of the files of a report by their names."""
    found = {}
    for name in FILES if directory else ():
        with suppress(ScrapdbError), opened(directory, name) as file:
            found[name] = os.fstat(file.fileno()).st_size
    return found


def opened(directory: Path | None, name: str) -> BinaryIO:
    """Open one of `FILES`.

    Raises:
        ScrapdbError: it is not there, is a link or no file, or cannot be read.
    """
    if directory is None:
        raise ScrapdbError(f"{name} is not here: the notebook of this report lies at a URL, or elsewhere.")
    missing = ScrapdbError(f"There is no {name} beside the notebook of this report.")
    if name not in FILES or os.path.realpath(directory) != str(directory):
        raise missing
    try:
        descriptor = os.open(directory / name, _PLAINLY)
    except FileNotFoundError:
        raise missing from None
    except OSError as error:
        raise ScrapdbError(f"The {name} of this report cannot be read: {error.strerror}.") from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise ScrapdbError(f"The {name} beside the notebook of this report is no file.")


def content(directory: Path | None, name: str, most: int) -> bytes:
    """Read one of `FILES`.

    Raises:
        ScrapdbError: as `opened`, or it has more bytes than `most`.
    """
    with opened(directory, name) as file:
        read = file.read(most + 1)
    if len(read) > most:
        raise ScrapdbError(f"The {name} of this report has more than {most:,} bytes.")
    return read


def trace(directory: Path | None, error: Mapping[str, Any], source: str | None) -> Trace | None:
    """Return what went wrong, as the report's record tells it, and else as the store knows it; None if nothing did.

    Args:
        directory: of the report.
        error: the row of its notebook.
        source: of the cell that failed.
    """
    try:
        recorded = msgspec.json.decode(content(directory, RECORD, _LONGEST_RECORD), type=_Record).trace
    except (ScrapdbError, msgspec.MsgspecError, UnicodeError, RecursionError):
        recorded = None
    if recorded or not error.get("error_name"):
        return recorded
    name, value, cell, traceback = (error[f"error_{part}"] for part in ("name", "value", "cell", "traceback"))
    return Trace(name=name, value=value, cell=cell, source=source, traceback=traceback)
