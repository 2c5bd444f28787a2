"""The way of a fresh kernel: arguments are settings, as JSON, and the command that becomes the kernel.

This process becomes the kernel, or stays as the one that keeps it. Then it tells how that ended, as JSON, into what it
has as its standard input: that is the one way that leads out of every wall and is not the kernel's.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from typing import Any

from . import confine
from . import giving_up
from . import keeping


def main() -> None:
    """Limit this process or the one that it forks, and run a command there."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    command = sys.argv[2:]

    def become() -> None:
        giving_up.give_up(settings)
        os.execvp(command[0], command)  # noqa: S606 - the kernel's own command

    if not settings.get("keep"):
        become()
    confine.die_with_parent(gently=True)
    confine.hide()
    report = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    ended = keeping.keep(become)
    with suppress(OSError):
        if stat.S_ISFIFO(os.fstat(report).st_mode):
            os.write(report, json.dumps(ended).encode())
    if ended["code"] < 0:
        confine.end_by(-ended["code"])
    os._exit(ended["code"])
