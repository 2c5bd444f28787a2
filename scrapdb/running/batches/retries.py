"""Which runs are tried again, and how long to wait before. Pure."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable

import msgspec

from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.facts import Execution

NOT_READY = "not ready"  # how the reason begins of a run whose kernel never answered
CAUSES = ("lost", "timed out", NOT_READY, "failed", "killed")
DEFAULT_CAUSES = CAUSES[:3]
_LONGEST = 60.0  # seconds


class Retries(msgspec.Struct, frozen=True):
    """How often a run is tried again, and after which ends of it."""

    most: int = 0
    on: tuple[str, ...] = DEFAULT_CAUSES

    def wants(self, execution: Execution, attempt: int) -> bool:
        """Return whether a run is to be tried again after this attempt, counted from 1."""
        return attempt <= self.most and _cause(execution) in self.on


def pause(attempt: int) -> float:
    """Return the seconds to wait after an attempt, counted from 1: twice as long each time, but never too long."""
    return min(2.0 ** (min(attempt, 10) - 1), _LONGEST)


def causes(listed: str | Iterable[str]) -> tuple[str, ...]:
    """Read a list, or a text such as `lost,timed-out`.

    Raises:
        UsageError: it names something else.
    """
    return tuple(named(word, CAUSES) for word in words(listed))


def words(listed: str | Iterable[str]) -> list[str]:
    """Split a text at its commas; a list is one already."""
    return [word for word in (listed.split(",") if isinstance(listed, str) else listed) if word.strip()]


def named(word: str, known: Collection[str]) -> str:
    """Return the state that a word stands for: `timed-out` is `timed out`.

    Raises:
        UsageError: it is not known here.
    """
    name = " ".join(word.replace("-", " ").split()).lower()
    if name not in known:
        raise UsageError(f"No run ends as {word.strip()!r} here; {suggestion(name, known)}")
    return name


def _cause(execution: Execution) -> str:
    is_unready = execution.state == "failed" and (execution.reason or "").startswith(NOT_READY)
    return NOT_READY if is_unready else execution.state
