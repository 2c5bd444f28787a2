"""Reading files: tasks to results. This is what runs in the workers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import msgspec

from scrapdb.facts import Facts
from scrapdb.facts import Problem
from scrapdb.files.paths import os_path
from scrapdb.files.remote import is_url
from scrapdb.indexing.backlog import Task
from scrapdb.indexing.changes import Change
from scrapdb.indexing.changes import change_of
from scrapdb.notebooks import read as notebooks
from scrapdb.notebooks.git.blobs import Blobs
from scrapdb.notebooks.git.blobs import MissingError
from scrapdb.notebooks.git.repository import Repository
from scrapdb.store.rows import COMMITTED
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows

_MISSING = "Its content is not in the repository, which was cloned in part or is damaged; fetch it and index again."
_NO_MEMORY = "There is not enough memory to read it; a smaller --max-bytes passes over such files."


class Done(NamedTuple):
    """A file that was read: its rows, or None if its content is the stored one, and what became of it."""

    file: File
    rows: Rows | None
    bytes: int
    change: Change


class Reader(msgspec.Struct, frozen=True):
    """What reads files, in this process or, as it can be sent, in another."""

    base: str  # real path of the directory of the store
    max_bytes: int  # of a notebook; one that is larger is not read

    def __call__(self, tasks: Sequence[Task]) -> list[Done]:
        """Read some files, those at URLs at the same time."""
        fetched = notebooks.fetch([task.candidate for task in tasks], self.max_bytes)
        return [self._read(task, fetched) for task in tasks]

    def _read(self, task: Task, fetched: dict[str, bytes | Exception]) -> Done:
        listed, file = task.candidate, self._file(task)
        if listed.reason:
            return self.unreadable(task, "not a file", listed.reason)
        try:
            if is_url(listed.file):
                read = notebooks.read_fetched(listed, fetched.pop(listed.file, None), task.known_hash, self.max_bytes)
            else:
                read = notebooks.read(listed.file, task.known_hash, self.max_bytes)
            file = File(file.path, file.os_path, read.size, read.mtime_ns, read.content_hash, read.etag)
            return _done(task, file, read.facts)
        except MemoryError:
            return self.out_of_memory(task)

    def out_of_memory(self, task: Task) -> Done:
        """Return what is written of a file that is too large for the memory."""
        return self.unreadable(task, "memory", _NO_MEMORY)

    def unreadable(self, task: Task, kind: str, message: str, *, until_changed: bool = False) -> Done:
        """Return what is written of a file that cannot be read, and if wished is not tried again as it is."""
        listed = task.candidate
        file = self._file(task)
        if until_changed:
            file = file._replace(size=listed.size, mtime_ns=listed.mtime_ns, etag=listed.etag)
        return _done(task, file, Facts("unreadable", problems=(Problem(kind, message),)))

    def _file(self, task: Task) -> File:
        path = task.candidate.path
        return File(path, os_path(task.candidate.file, path, self.base))


class BlobReader(Reader, frozen=True, kw_only=True):
    """What reads blobs of a repository, which the marks of candidates name; one that is missing has no size."""

    repository: Repository

    def __call__(self, tasks: Sequence[Task]) -> list[Done]:
        """Read some blobs."""
        _blobs(self.repository).ask(_blob(task) for task in tasks if self._is_asked_for(task))
        return [self._of_blob(task) for task in tasks]

    def out_of_memory(self, task: Task) -> Done:
        """Return what is written of a blob that is too large for the memory."""
        return self.unreadable(task, "memory", _NO_MEMORY, until_changed=True)

    def close(self) -> None:
        """End the process that has read blobs for this one, if there is one."""
        _blobs(self.repository).close()

    def _is_asked_for(self, task: Task) -> bool:
        listed = task.candidate
        return not listed.reason and listed.size is not None and listed.size <= self.max_bytes

    def _of_blob(self, task: Task) -> Done:
        listed = task.candidate
        if listed.reason:
            return self.unreadable(task, "not a file", listed.reason, until_changed=True)
        if listed.size is None:
            return self.unreadable(task, "missing", _MISSING, until_changed=True)
        try:
            content = _blobs(self.repository).read(_blob(task)) if self._is_asked_for(task) else None
            read = notebooks.read_fetched(listed, content, None, self.max_bytes)
        except MissingError:
            return self.unreadable(task, "missing", _MISSING, until_changed=True)
        except MemoryError:
            return self.out_of_memory(task)
        file = self._file(task)._replace(size=read.size, content_hash=read.content_hash, etag=listed.etag)
        return _done(task, file, read.facts)


def _blob(task: Task) -> str:
    return (task.candidate.etag or "").removeprefix(COMMITTED)


@cache
def _blobs(repository: Repository) -> Blobs:
    """The process of this one that reads a repository's blobs: it remembers what others are deltas of."""
    return Blobs(repository)


def _done(task: Task, file: File, facts: Facts | None) -> Done:
    """Lay out the facts of a file, if it is not as stored."""
    stored, made = task.stored, rows(file, facts) if facts else None
    size = sum(map(len, (*made.blobs.values(), *made.sidecars.values()))) if made else 0
    same = facts is None or (stored is not None and stored.content_hash == file.content_hash)
    return Done(file, made, size, change_of(stored, same=same, status=facts.status if facts else None))
