"""Fork servers of this process, one for each kernel, wall and set of modules."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec

from scrapdb.running.kernels.directory import give
from scrapdb.running.kernels.directory import make
from scrapdb.running.kernels.directory import place_beside
from scrapdb.running.kernels.directory import remove
from scrapdb.running.kernels.forking import ForkServer
from scrapdb.running.kernels.forking import ServerLostError
from scrapdb.running.kernels.walls import Wall
from scrapdb.running.kernels.walls.place import Place

_lock = threading.Lock()
_starter = ThreadPoolExecutor(1, "scrapdb-servers")  # a server ends with the thread that started it: PR_SET_PDEATHSIG
_users: list[object] = []
_servers: dict[tuple[object, ...], ForkServer] = {}
_failed: dict[tuple[object, ...], str] = {}  # which do not start, and why: that takes its time only once
_dead: list[ForkServer] = []  # below whose directories there may be runs that are not yet over


def server_for(
    python: str, modules: tuple[str, ...], place: Place, wall: Wall, beside: tuple[str, ...] = ()
) -> ForkServer:
    """Return a fork server, which is started if there is none yet.

    Args:
        python: the interpreter of the kernel.
        modules: what it imports.
        place: what it sees; its `private` and `directory` are made here.
        wall: what is around its kernels.
        beside: paths that are seen in its directory, for modules that read there, but imported from nowhere.

    Raises:
        ServerLostError: it does not start.
    """
    key = (python, modules, beside, place.read, place.network, tuple(place.env.items()), wall.NAME)
    with _lock:
        if key in _servers and not _servers[key].alive:
            _dead.append(_servers.pop(key))
        if key in _failed:
            raise ServerLostError(_failed[key])
        if key not in _servers:
            try:
                _servers[key] = _starter.submit(_started, python, modules, place, wall, beside).result()
            except ServerLostError as error:
                _failed[key] = str(error)
                raise
        return _servers[key]


def _started(python: str, modules: tuple[str, ...], place: Place, wall: Wall, beside: tuple[str, ...]) -> ForkServer:
    """Start a server in a directory of its own, which stays as long as the server."""
    above = tempfile.mkdtemp(prefix="scrapdb-")
    try:
        give(above, place.user)
        files = Path(above, "files")
        files.mkdir()
        give(files, place.user)
        place_beside(str(files), beside)
        env = {**make(wall.own(above), above, place.user), **place.env}
        here = msgspec.structs.replace(place, private=above, directory=str(files), env=env)
        return ForkServer(python, modules, here, wall)
    except BaseException:
        remove(above)
        raise


@contextmanager
def used() -> Iterator[None]:
    """Let fork servers be until the last who uses them is through; two batches of one process share theirs."""
    user = object()
    with _lock:
        _users.append(user)
    try:
        yield
    finally:
        with _lock:
            _users.remove(user)
            is_last = not _users
        if is_last:
            close()


def close() -> None:
    """End all fork servers."""
    with _lock:
        for server in (*_servers.values(), *_dead):
            server.close()
            remove(server.place.private)
        _servers.clear()
        _failed.clear()
        _dead.clear()
