"""No wall but limits: on memory, processor, files and processes, and an environment of its own."""

from __future__ import annotations

from collections.abc import Sequence

from scrapdb.running.walls.place import Place
from scrapdb.running.walls.place import launched

NAME = "limits"


def missing() -> str | None:
    """Every machine has it."""
    return None


def command(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that limits another."""
    return launched(place, inner, keep=True, user=None)
