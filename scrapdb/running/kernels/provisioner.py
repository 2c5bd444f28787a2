"""The provisioner that puts a kernel behind a wall, for whatever starts kernels with jupyter_client.

A kernelspec asks for it in its metadata, and whoever starts that kernel has the wall: papermill, nbclient, Jupyter.

    {"kernel_provisioner": {"provisioner_name": "scrapdb", "config": {"memory": 2000000000, "network": false}}}

https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool
from traitlets import Int
from traitlets import List
from traitlets import Unicode

from scrapdb.running.kernels import walls
from scrapdb.running.kernels.directory import make
from scrapdb.running.kernels.directory import remove
from scrapdb.running.kernels.forking import ForkServer
from scrapdb.running.kernels.kernelspecs import is_ipykernel
from scrapdb.running.kernels.processes import Ended
from scrapdb.running.kernels.processes import FreshKernel
from scrapdb.running.kernels.processes import Kernel
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import environment
from scrapdb.running.kernels.walls.place import python_paths
from scrapdb.running.task import Limits

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo
    from jupyter_client.kernelspec import KernelSpec

NAME = "scrapdb"
_LAUNCHER = "ipykernel_launcher"
_CONNECTION, _LOG = "kernel.json", "kernel.log"
_LOOK = 0.01


class Manager(AsyncKernelManager):
    """A manager of one kernel that has a place prepared for it, and perhaps a server that makes it.

    Args:
        spec: the kernelspec.
        place: where it runs.
        wall: what is around it.
        server: forks it, if it is one of ipykernel.
    """

    def __init__(self, spec: KernelSpec, place: Place, wall: walls.Wall, server: ForkServer | None = None) -> None:
        super().__init__(kernel_name=spec.name)
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": NAME}}
        self.is_ipykernel = is_ipykernel(spec)
        if self.is_ipykernel:
            spec.interrupt_mode = "message"  # a signal would meet what stands around the kernel
        self._kernel_spec = spec
        self.place, self.wall, self.server = place, wall, server

    @property
    def gone(self) -> bool:
        """Whether the kernel has ended, or was never there."""
        process = self._process
        return process is None or process.poll() is not None

    @property
    def ended(self) -> Ended | None:
        """How it ended, once it has."""
        return self._process.ended if self._process else None

    @property
    def _process(self) -> Kernel | None:
        return self.provisioner.kernel if isinstance(self.provisioner, WalledProvisioner) else None

    def roots(self) -> list[int]:
        """Return the processes below which all of the kernel's are."""
        return self._process.roots() if self._process else []

    def terminate(self) -> None:
        """Ask the kernel to end, in the way of its system."""
        if self._process and not self.gone:
            self._process.terminate()

    def kill(self) -> None:
        """End the kernel, and all that it has started, now."""
        if self._process and not self.gone:
            self._process.kill()

    async def is_gone(self) -> None:
        """Return when the kernel has ended."""
        while not self.gone:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK)


class WalledProvisioner(LocalProvisioner):
    """Starts a kernel behind a wall. Its traits are what `config` of a kernelspec's metadata may hold."""

    wall = Unicode("", config=True, help="The wall that is demanded; by default the best that this machine has.")
    network = Bool(default_value=False, config=True, help="Whether the network can be reached.")
    read = List(Unicode(), config=True, help="Paths that can be read.")
    memory = Int(None, allow_none=True, config=True, help="Bytes of memory.")
    cpu = Int(None, allow_none=True, config=True, help="Seconds of processor time.")
    disk = Int(None, allow_none=True, config=True, help="Bytes of a file.")
    processes = Int(256, allow_none=True, config=True, help="How many processes.")

    _place: Place | None = None
    _wall: walls.Wall
    _temporary: str | None = None
    process: Kernel | None  # type: ignore[assignment] # which has of Popen what is asked of it
    kernel: Kernel | None = None

    @property
    def held_by(self) -> str:
        """The name of the wall that is around the kernel, once it is prepared."""
        return self._wall.NAME

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the place, and let the kernel be talked to by sockets in it rather than by ports."""
        manager = self.parent
        assert manager  # noqa: S101 - its base would do without, this cannot
        if isinstance(manager, Manager):
            self._place, self._wall = manager.place, manager.wall
        elif self._place is None:
            self._wall = walls.choose(self.wall or None)
            self._place = self._place_for(str(kwargs.get("cwd") or Path.cwd()))
            for remark in walls.remarks(self._wall, self._place, self.wall or None):
                self.log.warning(remark)
        manager.transport, manager.ip = "ipc", str(Path(self._place.private, "s"))
        manager.connection_file = str(Path(self._place.private, _CONNECTION))
        for name in (_CONNECTION, _LOG):  # what a kernel that ran before has made of them is not to be followed
            Path(self._place.private, name).unlink(missing_ok=True)  # noqa: ASYNC240 - quick
        kwargs = await super().pre_launch(**kwargs)
        hand_over(self._place, Path(manager.connection_file))
        return kwargs

    def _place_for(self, directory: str) -> Place:
        """Make a place for a kernel that somebody else starts: it works where that would, and in nothing else.

        Root stays root there, without privileges: what is in the directory belongs to it.
        """
        self._temporary = private = tempfile.mkdtemp(prefix="scrapdb-")
        program = shutil.which(self.kernel_spec.argv[0]) or self.kernel_spec.argv[0]
        own = make(self._wall.own(private), private, None)
        return Place(
            private=private,
            directory=directory,
            write=(directory,),
            read=(*python_paths(program), *map(os.path.realpath, self.read)),
            network=self.network,
            env={**own, **environment(program), **self.kernel_spec.env},
            limits=Limits(memory=self.memory, cpu=self.cpu, disk=self.disk, processes=self.processes),
        )

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, or have it forked."""
        del kwargs
        place, server = self._place, getattr(self.parent, "server", None)
        assert place  # noqa: S101 - it was made by pre_launch
        if is_ipykernel(self.kernel_spec):
            cmd = [*cmd, *self._wall.arguments(place)]
        if server:
            arguments = cmd[cmd.index(_LAUNCHER) + 1 :]
            self.process = server.fork(self.kernel_id, place, arguments)
        else:
            with Path(place.private, _LOG).open("ab") as log:  # noqa: ASYNC230 - as quick as a kernel is slow
                self.process = FreshKernel(self._wall.command(place, cmd), place.env, place.directory, log)
        self.kernel = self.process
        self.pid = self.process.pid
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - as its base has it
        """Remove what was made for the kernel."""
        await super().cleanup(restart)
        if self._temporary and not restart:
            remove(self._temporary)
            self._temporary = self._place = None


def hand_over(place: Place, path: Path) -> None:
    """Let the one who runs the kernel own a file."""
    if place.user is not None:
        os.chown(path, place.user, place.user)
