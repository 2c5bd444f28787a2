"""What a process gives up before it becomes a kernel, in the one order in which all of it can be."""

from __future__ import annotations

from typing import Any

from . import confine
from . import fence


def give_up(settings: dict[str, Any]) -> None:
    """Do all that some settings ask for; none of it can be undone by what runs afterwards.

    Args:
        settings: `limits` as in `confine.limit`; `user`, whom root becomes; `families`, the only ones of which there
            can be sockets; `fence`, what landlock and seccomp let through, if they are the wall.
    """
    confine.become(settings.get("user"))
    confine.die_with_parent()
    confine.forget_keys()
    confine.limit(settings["limits"])
    if families := settings.get("families"):
        fence.shut(families)
    if rules := settings.get("fence"):
        fence.put_up(rules)
