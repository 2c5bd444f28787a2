"""No wall but limits: on memory, processor, files and processes, and an environment of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrapdb.running.kernels.walls import place as place_
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import closed
from scrapdb.running.kernels.walls.place import launched
from scrapdb.running.kernels.walls.place import user_who_reads

NAME = "limits"


def missing() -> str | None:
    """Every machine has it."""
    return None


def user(read: Sequence[str]) -> int | None:
    """Return whom root becomes, if that one can read what a kernel has to."""
    return user_who_reads(read)


def own(private: str) -> dict[str, str]:
    """Return variables that lead to what is the kernel's own."""
    return dict.fromkeys(("HOME", "TMPDIR"), str(Path(private, "tmp")))


def open_to(place: Place) -> tuple[str, ...]:
    """Return what it does not close."""
    return ("Nothing but limits held it: it could reach the network, files and processes.", *without_user(place))


def without_user(place: Place) -> tuple[str, ...]:
    """Return what does not hold if root could not become somebody else."""
    if place_.user() is None or place.user is not None:
        return ()
    above = next((above for path in place.read if (above := closed(path))), None)
    since = f", since {above} is closed to others" if above else ""
    return (f"It ran as root, which is not limited in its processes{since}.",)


def arguments(place: Place) -> tuple[str, ...]:
    """Return nothing that Python's kernel has to be told."""
    del place
    return ()


def command(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that limits another."""
    return launched(place, inner, keep=True)


def serve(place: Place, server: Sequence[str]) -> list[str]:
    """Return the command line of a fork server, which is not limited itself."""
    del place
    return [*server]


def forked(place: Place) -> dict[str, Any]:
    """Return what the fork server needs to know."""
    return {"wall": None, "directory": place.directory, "settings": place.settings()}
