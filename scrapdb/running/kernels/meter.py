"""What a kernel uses that somebody else has started: looked at now and then, since nobody tells when it has ended."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

import psutil
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from scrapdb.running.kernels.processes import Ended
from scrapdb.running.kernels.processes import Kernel
from scrapdb.running.kernels.provisioner import WalledProvisioner
from scrapdb.running.kernels.usage import Used
from scrapdb.running.kernels.usage import below
from scrapdb.running.kernels.walls.none import NAME

_LOOK = 0.25  # seconds
_HIGHEST = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


class Meter:
    """Knows how much memory the processes of a kernel had at once, and their processor time, as far as it was seen."""

    def __init__(self) -> None:
        self.used = Used()
        self._process: Popen[bytes] | Kernel | None = None
        self._over = threading.Event()
        self.wall: str | None = None

    def begin(self, provisioner: object) -> None:
        """Take what has started a kernel; one that runs elsewhere cannot be looked at."""
        if isinstance(provisioner, LocalProvisioner):
            self.wall = provisioner.held_by if isinstance(provisioner, WalledProvisioner) else NAME
            self._process = provisioner.process
            threading.Thread(target=self._watch, name="scrapdb-meter", daemon=True).start()

    @property
    def ended(self) -> Ended | None:
        """How the kernel ended, once somebody has asked for that."""
        if isinstance(self._process, Popen):
            return None if self._process.returncode is None else Ended.of(self._process.returncode)
        return self._process.ended if self._process else None

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def look(self) -> None:
        """Look at what is used, if there is a kernel."""
        if self._process is None or self.ended:
            return
        pid = self._process.pid
        under, own = below([pid]), _of(pid)
        together = Used(under.memory + own.memory, under.cpu + own.cpu)
        self.used = self.used.or_more(together).or_more(Used(_highest(pid)))

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            self.look()


def _highest(pid: int) -> int:
    """Return the bytes of memory that a process had at most, where the system keeps them (proc(5)); else 0."""
    with suppress(OSError):
        if found := _HIGHEST.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")):
            return int(found[1]) * 1024
    return 0


def _of(pid: int) -> Used:
    """Return what a process uses, with the processor time of those that it has started and that have ended."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        memory, times = process.memory_info(), process.cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        return Used(memory.rss - getattr(memory, "shared", 0), cpu)
    return Used()
