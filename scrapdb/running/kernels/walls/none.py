"""No wall: one's own notebooks on one's own machine. What limits there are hold."""

from __future__ import annotations

import os
from collections.abc import Sequence

from scrapdb.running.kernels.walls import limits
from scrapdb.running.kernels.walls.place import Place

NAME = "none"
missing, arguments, command = limits.missing, limits.arguments, limits.command
serve, forked = limits.serve, limits.forked


def user(read: Sequence[str]) -> int | None:
    """Return who the kernel becomes: nobody else."""
    del read
    return None


def own(private: str) -> dict[str, str]:
    """Return our whole environment."""
    del private
    return dict(os.environ)


def open_to(place: Place) -> tuple[str, ...]:
    """Return what it does not close: nobody expects it to."""
    del place
    return ()
