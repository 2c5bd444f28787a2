"""Walls around a kernel, one module each, the best first.

A wall is a module with `NAME`, `missing()`, which says why this machine does not have it, and `command(place, inner)`,
the command line that runs another behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.running.walls import bubblewrap
from scrapdb.running.walls import landlock
from scrapdb.running.walls import limits
from scrapdb.running.walls import none
from scrapdb.running.walls.place import Place


class Wall(Protocol):
    """What the modules have."""

    NAME: str

    def missing(self) -> str | None:
        """Return why this machine does not have it, or None."""

    def command(self, place: Place, inner: Sequence[str]) -> list[str]:
        """Return the command line that runs another behind it."""


WALLS: dict[str, Wall] = {wall.NAME: wall for wall in (bubblewrap, landlock, limits, none)}


class NoWallError(ScrapdbError):
    """The wall that is demanded cannot be had on this machine."""


def choose(demanded: str | None) -> Wall:
    """Return the wall that is demanded, or the best that this machine has; none only if that is demanded.

    Raises:
        UsageError: there is no such wall.
        NoWallError: this machine does not have it.
    """
    if demanded is not None and demanded not in WALLS:
        raise UsageError(f"There is no wall {demanded!r}; {suggestion(demanded, WALLS)}")
    if demanded is not None:
        if reason := WALLS[demanded].missing():
            raise NoWallError(f"The wall {demanded} cannot be had here: {reason}")
        return WALLS[demanded]
    return next(wall for wall in WALLS.values() if wall.missing() is None)
