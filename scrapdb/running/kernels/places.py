"""The place of a run, made ready: its directory, its wall, what it sees, and the server that forks its kernel."""

from __future__ import annotations

import os
from contextlib import ExitStack
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.notebooks import ipynb
from scrapdb.running.kernels import cells
from scrapdb.running.kernels import directory
from scrapdb.running.kernels import servers
from scrapdb.running.kernels import walls
from scrapdb.running.kernels.forking import ForkServer
from scrapdb.running.kernels.forking import ServerLostError
from scrapdb.running.kernels.imports import imported
from scrapdb.running.kernels.kernelspecs import interpreter
from scrapdb.running.kernels.kernelspecs import is_ipykernel
from scrapdb.running.kernels.kernelspecs import kernelspec
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import environment
from scrapdb.running.kernels.walls.place import python_paths
from scrapdb.running.task import Task
from scrapdb.running.task import Work

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

_FILES = "files"
# As many runs as processors: threads of each would only be in each other's way.
_ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Ready(NamedTuple):
    """A place that is ready for a kernel: its wall, the server that forks it or None, and what is to be remarked."""

    place: Place
    wall: walls.Wall
    server: ForkServer | None = None
    warnings: tuple[str, ...] = ()


def ready(task: Task, spec: KernelSpec, stack: ExitStack) -> Ready:
    """Make a place ready; it is cleared away when the stack is closed.

    Raises:
        ScrapdbError: the wall that is demanded cannot be had, or a path that is to be seen is missing.
    """
    wall, place = _walled(task, spec)
    server, warnings = _server(task, spec, place, wall)
    private = stack.enter_context(directory.private(place.user, server.place.private if server else None))
    files = Path(private, _FILES)
    files.mkdir()
    directory.give(files, place.user)
    directory.place(files, task.files, place.user)  # first, since links may lead to what is not the run's own
    directory.place_beside(str(files), task.confines.beside)
    env = {**directory.make(wall.own(private), private, place.user), **place.env}
    place = replace(place, private=private, directory=str(files), env=env)
    return Ready(place, wall, server, (*walls.remarks(wall, place, task.confines.wall), *warnings))


def warm_up(work: Work) -> None:
    """Start the server that forks the kernels of such work, if there is to be one; what goes wrong, the runs tell."""
    with suppress(ScrapdbError, OSError):
        spec = kernelspec(ipynb.metadata(work.content), work.kernel, work.python)
        wall, place = _walled(work, spec)
        _server(work, spec, place, wall)


def _walled(work: Work, spec: KernelSpec) -> tuple[walls.Wall, Place]:
    """Choose the wall of a kernel, and what it sees; its directories are not made yet."""
    confines = work.confines
    wall = walls.choose(confines.wall)
    python = interpreter(spec.argv[0])
    read = (*python_paths(python), *(os.path.realpath(path) for path in (*confines.read, *confines.beside)))
    env = {**environment(python), **_ENV, **spec.env, **dict(confines.env)}
    return wall, Place(
        private="", directory="", read=read, network=confines.network, env=env, limits=work.limits, user=wall.user(read)
    )


def _server(work: Work, spec: KernelSpec, place: Place, wall: walls.Wall) -> tuple[ForkServer | None, tuple[str, ...]]:
    """Return the server that forks such a kernel, if there can be one, and what keeps its fork from being complete."""
    if work.fresh or not is_ipykernel(spec):
        return None, ()
    beside = work.confines.beside
    modules = imported(cells.executed(work.content), (*beside, *(path.partition("/")[0] for path in work.files)))
    try:
        server = servers.server_for(interpreter(spec.argv[0]), modules, place, wall, beside)
    except ServerLostError as error:
        return None, (f"{error} Kernels are started afresh.",)
    refused = (f"{module} is imported by each run, since {why}." for module, why in server.refused.items())
    return server, tuple(refused)
