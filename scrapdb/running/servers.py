"""Fork servers of this process, one for each kernel, wall and set of modules; and which modules a notebook imports."""

from __future__ import annotations

import ast
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable
from collections.abc import Iterator

import msgspec

from scrapdb.notebooks import ipython
from scrapdb.running.directory import give
from scrapdb.running.directory import make
from scrapdb.running.directory import remove
from scrapdb.running.forking import ForkServer
from scrapdb.running.walls import Wall
from scrapdb.running.walls.place import Place

_lock = threading.Lock()
_servers: dict[tuple[object, ...], ForkServer] = {}


def server_for(python: str, modules: tuple[str, ...], place: Place, wall: Wall) -> ForkServer:
    """Return a fork server, which is started if there is none yet.

    Args:
        python: the interpreter of the kernel.
        modules: what it imports.
        place: what it sees; its `private` and `directory` are made here.
        wall: what is around its kernels.

    Raises:
        ServerLostError: it does not start.
    """
    key = (python, modules, place.read, place.network, tuple(place.env.items()), wall.NAME)
    with _lock:
        if key not in _servers or not _servers[key].alive:
            above = tempfile.mkdtemp(prefix="scrapdb-")
            give(above, place.user)
            env = {**make(wall.own(above), above, place.user), **place.env}
            here = msgspec.structs.replace(place, private=above, directory=above, env=env)
            _servers[key] = ForkServer(python, modules, here, wall)
        return _servers[key]


def close() -> None:
    """End all fork servers."""
    with _lock:
        for server in _servers.values():
            server.close()
            remove(server.place.private)
        _servers.clear()


def imported(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that cells import where they stand at the edge, without running them.

    Names that are imported from a module may be modules themselves, and are given as such.

    Args:
        cells: sources of code cells.
    """
    found: dict[str, None] = {}
    for source in cells:
        for module in _imported(source):
            found.setdefault(module)
    return tuple(found)


def _imported(source: str) -> Iterator[str]:
    python = ipython.as_python(ipython.aligned(source))
    if "%matplotlib" in source:
        yield "matplotlib.pyplot"
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(python or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")


def interpreter(command: str) -> str:
    """Return the path of a program that a kernelspec names; `python` is this one, as jupyter_client has it."""
    if command in {"python", f"python{sys.version_info.major}", "python{}.{}".format(*sys.version_info)}:
        return sys.executable
    return shutil.which(command) or os.path.abspath(command)  # noqa: PTH100 - links must stay, for an environment
