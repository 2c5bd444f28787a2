"""The files that an index has to read. A million of them wait in a file, so that memory does not grow with them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from tempfile import gettempdir

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.files.remote import is_url
from scrapdb.notebooks.scan import Candidate
from scrapdb.store.rows import Known

_IN_MEMORY = 8 * 2**20
_TOGETHER = 1_000  # tasks, put to the file at once
_FULL = "The list of files to read cannot be written to {}: {}. Make room there, or set TMPDIR to another directory."


class Task(msgspec.Struct, frozen=True, gc=False):
    """A file to read, what the store has of it, and whether it is read even if its content is the same."""

    candidate: Candidate
    stored: Known | None
    force: bool

    @property
    def known_hash(self) -> str | None:
        """SHA-256 of a content that need not be read again."""
        return self.stored.content_hash if self.stored and not self.force else None


class Backlog:
    """Tasks in the order in which they were added. It is read once, from the start, and closed then."""

    def __init__(self) -> None:
        self.in_memory = False  # whether some are in this process's own memory (fsspec's memory://)
        self.local_file: str | None = None  # one of those on this machine
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed by close)
        self._tasks = 0
        self._last: list[Task] = []

    def close(self) -> None:
        """Throw away what is left."""
        self._file.close()

    def __len__(self) -> int:
        """Count the tasks that were added."""
        return self._tasks

    def add(self, task: Task) -> None:
        """Add a task.

        Raises:
            ScrapdbError: the disk of temporary files is full.
        """
        self._tasks += 1
        self._last.append(task)
        if len(self._last) == _TOGETHER:
            self._put()
        file = task.candidate.file
        self.in_memory = self.in_memory or file.startswith("memory://")
        if self.local_file is None and not is_url(file):
            self.local_file = file

    def __iter__(self) -> Iterator[Task]:
        """Yield each task; it may raise what `add` does."""
        self._put()
        self._file.seek(0)
        left = self._tasks
        while left:
            tasks = pickle.load(self._file)  # noqa: S301 (nobody else can open it)
            left -= len(tasks)
            yield from tasks

    def _put(self) -> None:
        try:
            pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
        except OSError as error:
            raise ScrapdbError(_FULL.format(gettempdir(), error.strerror)) from error
        self._last = []
