"""The way of a fresh kernel: arguments are settings, as JSON, and the command that becomes the kernel.

Behind bubblewrap this process becomes the kernel; without it stays, as the one that keeps it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from . import confine
from . import keeping


def main() -> None:
    """Limit this process or the one that it forks, and run a command there."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    command = sys.argv[2:]

    def become() -> None:
        confine.prepare(settings)
        os.execvp(command[0], command)  # noqa: S606 - the kernel's own command

    if not settings.get("keep"):
        become()
    confine.die_with_parent(gently=True)
    ended = keeping.keep(become)
    if ended["code"] < 0:
        confine.end_by(-ended["code"])
    os._exit(ended["code"])
