"""What an index does with a notebook, and what it did with all of them."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Self

import msgspec

from scrapdb.notebooks.scan import Candidate
from scrapdb.store.rows import Known


class Change(StrEnum):
    """What became of a notebook, by its sign."""

    ADDED = "+"
    CHANGED = "~"
    UNCHANGED = "="
    REMOVED = "-"
    FAILED = "!"  # it cannot be read, whether it changed or not
    UNFINISHED = "?"  # somebody seems to be writing it

    @property
    def word(self) -> str:
        """Its name in sentences, in JSON, and in the summary."""
        return self.name.lower()


def change_of(stored: Known | None, *, same: bool, status: str | None = None) -> Change:
    """Decide what became of a file.

    Args:
        stored: what the store has of it.
        same: whether it is as the store has it: by its marks before it is read, by its content after.
        status: that reading it gave; by default the one that the store has, if it is the same.
    """
    if stored and same and status is None:
        status = stored.status
    if status == "unreadable":
        return Change.FAILED
    if stored is None:
        return Change.ADDED
    return Change.UNCHANGED if same else Change.CHANGED


def has_marks_of(candidate: Candidate, stored: Known | None) -> bool:
    """Return whether a file need not be opened: size, time of its last change and ETag are those that the store has."""
    return (
        stored is not None
        and stored.size == candidate.size
        and stored.mtime_ns == candidate.mtime_ns
        and stored.etag == candidate.etag
        and (stored.mtime_ns is not None or stored.etag is not None)
    )


class Summary(msgspec.Struct, frozen=True):
    """What an index did. As text it is a sentence.

    `failed` counts the notebooks found that cannot be read, changed or not; `unfinished` those that are being written.
    `versions` counts those that were added from a repository, `failed_versions` those of it that cannot be read, and is
    None if no repository was read.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    unfinished: int = 0
    seconds: float = 0.0
    errors: list[str] = []
    versions: int = 0
    failed_versions: int | None = None

    @classmethod
    def of(cls, counts: Counter[Change], seconds: float, errors: list[str]) -> Self:
        """Return the summary of what became of each notebook."""
        return cls(**{change.word: counts[change] for change in Change}, seconds=seconds, errors=errors)

    @property
    def notebooks(self) -> int:
        """How many notebooks were found."""
        return self.added + self.changed + self.unchanged + self.failed

    def then(self, later: Summary) -> Summary:
        """Return what this index and a later one did together; what cannot be read is what the later one found."""
        added, changed, removed = self.added + later.added, self.changed + later.changed, self.removed + later.removed
        return msgspec.structs.replace(later, added=added, changed=changed, removed=removed)

    def beside(self, history: Summary) -> Summary:
        """Return what this index did, and that of a repository, which counts only what the store has by git alone."""
        numbers = {change.word: getattr(self, change.word) + getattr(history, change.word) for change in Change}
        times = {"seconds": self.seconds + history.seconds, "errors": [*self.errors, *history.errors]}
        return msgspec.structs.replace(history, **numbers, **times)

    def told(self, *changes: Change) -> str:
        """Return how often each change occurred: `1 added, 0 removed`."""
        return ", ".join(f"{getattr(self, change.word):,} {change.word}" for change in changes)

    def __str__(self) -> str:
        count = self.notebooks
        changes = self.told(Change.ADDED, Change.CHANGED, Change.UNCHANGED, Change.REMOVED, Change.FAILED)
        failed = self.failed_versions
        versions = "" if failed is None else f"; versions: {self.versions:,} added, {failed:,} failed"
        return f"{count:,} notebook{'' if count == 1 else 's'}: {changes}{versions} in {self.seconds:.1f} s"
