"""The way of a fresh kernel: `python -I launch.py SETTINGS COMMAND…`, where SETTINGS is JSON.

Behind bubblewrap this process becomes the kernel; without it stays, as the one that keeps it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - light
import confine
import keeping


def main(settings: dict[str, Any], command: list[str]) -> None:
    """Limit this process or the one that it forks, and run a command there."""

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


main(json.loads(sys.argv[1]), sys.argv[2:])
