"""The place of a run, made ready: its directory, its wall, what it sees, and the server that forks its kernel."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from jupyter_client.kernelspec import KernelSpec
from msgspec.structs import replace
from nbformat import NotebookNode

from scrapdb.running import directory
from scrapdb.running import prepared
from scrapdb.running import provisioner
from scrapdb.running import servers
from scrapdb.running import walls
from scrapdb.running.forking import ForkServer
from scrapdb.running.forking import ServerLostError
from scrapdb.running.task import Task
from scrapdb.running.walls import bubblewrap
from scrapdb.running.walls import none
from scrapdb.running.walls.place import NOBODY
from scrapdb.running.walls.place import Place
from scrapdb.running.walls.place import python_paths

_FILES = "files"
_ENV = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # as many runs as processors: threads of each would only be in each other's way
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}


class Ready(NamedTuple):
    """A place that is ready for a kernel: its wall, the server that forks it or None, and what is to be remarked."""

    place: Place
    wall: walls.Wall
    server: ForkServer | None = None
    warnings: tuple[str, ...] = ()


def ready(task: Task, spec: KernelSpec, node: NotebookNode, stack: ExitStack) -> Ready:
    """Make a place ready; it is cleared away when the stack is closed.

    Raises:
        ScrapdbError: the wall that is demanded cannot be had, or a path that is to be seen is missing.
    """
    confines = task.confines
    wall = walls.choose(confines.wall)
    python = servers.interpreter(spec.argv[0])
    seen = [os.path.realpath(path) for path in (*confines.read, *confines.beside)]
    place = Place(
        private="",
        directory="",
        read=(*python_paths(python), *seen),
        network=confines.network,
        env=_env(python, spec, dict(confines.env), walled=wall is bubblewrap, none=wall is none),
        limits=task.limits,
        user=NOBODY if os.getuid() == 0 and wall is not none else None,
    )
    server, warnings = _server(task, python, spec, node, place, walled=wall is bubblewrap)
    private = stack.enter_context(directory.private(place.user, server.place.private if server else None))
    files = Path(private, _FILES)
    files.mkdir()
    directory.give(files, place.user)
    directory.place_beside(str(files), confines.beside)
    return Ready(replace(place, private=private, directory=str(files)), wall, server, warnings)


def _env(python: str, spec: KernelSpec, given: dict[str, str], *, walled: bool, none: bool) -> dict[str, str]:
    """Return the environment of a kernel: ours only where there is no wall at all."""
    path = os.pathsep.join((str(Path(python).parent), "/usr/local/bin", "/usr/bin", "/bin"))
    own = {"PATH": path, "HOME": "/tmp" if walled else str(Path.home()), **_ENV}  # noqa: S108 - the wall's own
    return {**(os.environ if none else {}), **own, **spec.env, **given}


def _server(
    task: Task, python: str, spec: KernelSpec, node: NotebookNode, place: Place, *, walled: bool
) -> tuple[ForkServer | None, tuple[str, ...]]:
    """Return the server that forks such a kernel, if there can be one, and what keeps its fork from being complete."""
    if task.fresh or not provisioner.is_ipykernel(spec):
        return None, ()
    beside = task.confines.beside
    modules = servers.imported((cell.source for cell in node.cells if prepared.is_executed(cell)), beside)
    try:
        server = servers.server_for(python, modules, place, beside, walled=walled)
    except ServerLostError as error:
        return None, (f"{error} Kernels are started afresh.",)
    refused = (f"{module} is imported by each run, since {why}." for module, why in server.refused.items())
    return server, tuple(refused)
