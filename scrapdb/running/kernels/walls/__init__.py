"""Walls around a kernel, one module each, the best first.

A wall is a module that has what `Wall` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import Protocol

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.running.kernels.walls import bubblewrap
from scrapdb.running.kernels.walls import landlock
from scrapdb.running.kernels.walls import limits
from scrapdb.running.kernels.walls import none
from scrapdb.running.kernels.walls.place import Place


class Wall(Protocol):
    """What the modules have."""

    NAME: str

    def missing(self) -> str | None:
        """Return why this machine does not have it, or None."""

    def user(self, read: Sequence[str]) -> int | None:
        """Return whom root becomes behind it, who has to read some paths."""

    def own(self, private: str) -> dict[str, str]:
        """Return variables that lead to what is the kernel's own, given its private directory."""

    def open_to(self, place: Place) -> tuple[str, ...]:
        """Return what it does not close on this machine though one would expect it to, in sentences."""

    def arguments(self, place: Place) -> tuple[str, ...]:
        """Return what Python's kernel has to be told to get along behind it."""

    def command(self, place: Place, inner: Sequence[str]) -> list[str]:
        """Return the command line that runs another behind it."""

    def serve(self, place: Place, server: Sequence[str]) -> list[str]:
        """Return the command line of a fork server whose kernels are to be behind it."""

    def forked(self, place: Place) -> dict[str, Any]:
        """Return what a fork server needs to know to put a kernel behind it: `wall`, `directory` and `settings`."""


WALLS: dict[str, Wall] = {wall.NAME: wall for wall in (bubblewrap, landlock, limits, none)}
WITH_NETWORK = frozenset({limits.NAME, none.NAME})  # which leave it open, whatever is asked for


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


def remarks(wall: Wall, place: Place, demanded: str | None) -> tuple[str, ...]:
    """Return what a person should know of the wall around a place: why it is not a better one, what it leaves open."""
    better = [] if demanded else [*WALLS.values()][: [*WALLS].index(wall.NAME)]
    why = (f"The wall {other.NAME} cannot be had here: {other.missing()}" for other in better)
    return (*why, *wall.open_to(place))
