"""The place of a run, made ready: its directory, its wall, what it sees, and the server that forks its kernel."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

from msgspec.structs import replace

from scrapdb.running import directory
from scrapdb.running import prepared
from scrapdb.running import provisioner
from scrapdb.running import servers
from scrapdb.running import walls
from scrapdb.running.forking import ForkServer
from scrapdb.running.forking import ServerLostError
from scrapdb.running.task import Task
from scrapdb.running.walls.place import Place
from scrapdb.running.walls.place import environment
from scrapdb.running.walls.place import python_paths

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec
    from nbformat import NotebookNode

_FILES = "files"
# As many runs as processors: threads of each would only be in each other's way.
_ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


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
    read = (*python_paths(python), *(os.path.realpath(path) for path in (*confines.read, *confines.beside)))
    env = {**environment(python), **_ENV, **spec.env, **dict(confines.env)}
    place = Place(
        private="", directory="", read=read, network=confines.network, env=env, limits=task.limits, user=wall.user(read)
    )
    server, warnings = _server(task, spec, node, place, wall)
    private = stack.enter_context(directory.private(place.user, server.place.private if server else None))
    files = Path(private, _FILES)
    files.mkdir()
    directory.give(files, place.user)
    directory.place_beside(str(files), confines.beside)
    env = {**directory.make(wall.own(private), private, place.user), **env}
    place = replace(place, private=private, directory=str(files), env=env)
    return Ready(place, wall, server, (*walls.remarks(wall, place, confines.wall), *warnings))


def _server(
    task: Task, spec: KernelSpec, node: NotebookNode, place: Place, wall: walls.Wall
) -> tuple[ForkServer | None, tuple[str, ...]]:
    """Return the server that forks such a kernel, if there can be one, and what keeps its fork from being complete."""
    if task.fresh or not provisioner.is_ipykernel(spec):
        return None, ()
    beside = task.confines.beside
    modules = servers.imported((cell.source for cell in node.cells if prepared.is_executed(cell)), beside)
    try:
        python = servers.interpreter(spec.argv[0])
        server = servers.server_for(python, modules, place, wall, beside)
    except ServerLostError as error:
        return None, (f"{error} Kernels are started afresh.",)
    refused = (f"{module} is imported by each run, since {why}." for module, why in server.refused.items())
    return server, tuple(refused)
