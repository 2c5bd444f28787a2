"""The second wall: landlock for files, seccomp for the network, where user namespaces are forbidden."""

from __future__ import annotations

from collections.abc import Sequence

from scrapdb.running.walls.place import Place

NAME = "landlock"


def missing() -> str | None:
    """Return why this machine does not have it, or None."""
    return "it is not built yet."


def command(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that runs another behind it."""
    raise NotImplementedError
