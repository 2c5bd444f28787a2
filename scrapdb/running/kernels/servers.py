"""Fork servers of this process, one for each kernel, wall and set of modules; and which modules a notebook imports."""

from __future__ import annotations

import ast
import re
import tempfile
import threading
import warnings
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scrapdb.notebooks import ipython
from scrapdb.running.kernels.directory import give
from scrapdb.running.kernels.directory import make
from scrapdb.running.kernels.directory import place_beside
from scrapdb.running.kernels.directory import remove
from scrapdb.running.kernels.forking import ForkServer
from scrapdb.running.kernels.forking import ServerLostError
from scrapdb.running.kernels.walls import Wall
from scrapdb.running.kernels.walls.place import Place

# What has to come before an import that counts on it; the first of these are statements of IPython.
_CHANGED = re.compile(r"^\s*%(?:set_)?env\b", re.MULTILINE)
_CHANGES = re.compile(
    r"\benviron(?:\[.*\] = |\.(?:setdefault|update|pop)\b)|\b(?:putenv|load_dotenv)\b"
    r"|\bsys\.(?:path\.insert\b|path(?:\[.*\])? \+?= |modules\[.*\] = )"
)
_WRITTEN = re.compile(r"^\s*%%(?:write)?file\s+(?:-a\s+)?(\w+)\.py\b")
_lock = threading.Lock()
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
                _servers[key] = _started(python, modules, place, wall, beside)
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


def close() -> None:
    """End all fork servers."""
    with _lock:
        for server in (*_servers.values(), *_dead):
            server.close()
            remove(server.place.private)
        _servers.clear()
        _failed.clear()
        _dead.clear()


def imported(cells: Iterable[str], beside: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the modules that cells import where they stand at the edge, without running them.

    Names that are imported from a module may be modules themselves, and are given as such. What comes after a change of
    the environment, or of where modules are looked for, is left to the run; so are modules that stand beside it.

    Args:
        cells: sources of code cells.
        beside: paths of what is beside the notebook.
    """
    sources = [*cells]
    own = {*(Path(path).stem for path in beside), *(name for each in sources for name in _WRITTEN.findall(each))}
    modules = _imported(_before_changes(sources))
    return tuple(dict.fromkeys(module for module in modules if module.partition(".")[0] not in own))


def _before_changes(sources: Iterable[str]) -> Iterator[ast.stmt]:
    """Yield statements up to one that changes what is imported after it, or how."""
    for source in sources:
        if _CHANGED.search(source):
            return
        if "%matplotlib" in source:
            yield ast.Import([ast.alias("matplotlib.pyplot")])
        for statement in _statements(source):
            if _CHANGES.search(ast.unparse(statement)):
                return
            yield statement


def _statements(source: str) -> list[ast.stmt]:
    python = ipython.as_python(ipython.aligned(source))
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(python or "").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _imported(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield what is imported come what may: in the body of `try` and `with` too, but not on a condition."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Try | ast.With):
            yield from _imported(node.body)
