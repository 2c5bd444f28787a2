"""No wall: one's own notebooks on one's own machine. What limits there are hold."""

from __future__ import annotations

import os
from collections.abc import Sequence

from scrapdb.running.walls.limits import arguments as arguments
from scrapdb.running.walls.limits import command as command
from scrapdb.running.walls.limits import forked as forked
from scrapdb.running.walls.limits import missing as missing
from scrapdb.running.walls.limits import serve as serve
from scrapdb.running.walls.place import Place

NAME = "none"


def user(read: Sequence[str]) -> int | None:
    """Return None: the kernel is whoever starts it."""
    del read


def own(private: str) -> dict[str, str]:
    """Return our whole environment."""
    del private
    return dict(os.environ)


def open_to(place: Place) -> tuple[str, ...]:
    """Return what it does not close: nobody expects it to."""
    del place
    return ()
