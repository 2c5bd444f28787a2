"""What the processes of a run use, measured from outside: memory, processor time and space in a directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

if TYPE_CHECKING:
    import psutil

_TEMPORARY = ("/tmp", "/dev/shm")  # noqa: S108 - in memory, where a wall gives a run its own
_BLOCK = 512


class Used(NamedTuple):
    """Bytes of memory at once, and seconds of processor time, of all processes together."""

    memory: int = 0
    cpu: float = 0.0

    def or_more(self, other: Used) -> Used:
        """Return the larger of each."""
        return Used(max(self.memory, other.memory), max(self.cpu, other.cpu))


def below(roots: Sequence[int]) -> Used:
    """Return what processes below some use now, and have used.

    Memory that many share counts once. Files in memory count, too, but not twice when they are mapped.
    """
    import psutil

    own = shared = files = 0
    cpu = 0.0
    for root in roots:
        with suppress(psutil.Error):
            for process in psutil.Process(root).children(recursive=True):
                with suppress(psutil.Error):
                    memory = _memory(process)
                    own, shared = own + memory[0], shared + memory[1]
                    files = max(files, _in_memory(process.pid))
                    times = process.cpu_times()
                    cpu += times.user + times.system + times.children_user + times.children_system
    return Used(own + max(shared, files), cpu)


def _memory(process: psutil.Process) -> tuple[int, int]:
    """Return the bytes that a process has to itself and those that it shares, as its share (proc(5), smaps_rollup)."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except PermissionError:  # it hides what it has
        return process.memory_info().rss, 0
    except OSError:  # it has ended, or this is not Linux
        memory = process.memory_info()
        return memory.rss - getattr(memory, "shared", 0), 0
    sizes = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return sizes.get("Pss_Anon", 0) + sizes.get("SwapPss", 0), sizes.get("Pss_Shmem", 0)


def _in_memory(pid: int) -> int:
    """Return the bytes in the file systems in memory that a process does not have in common with us."""
    total = 0
    for path in _TEMPORARY:
        with suppress(OSError):
            inside = f"/proc/{pid}/root{path}"
            if os.stat(inside).st_dev != os.stat(path).st_dev:  # noqa: PTH116 - it is only looked at
                size = os.statvfs(inside)
                total += (size.f_blocks - size.f_bfree) * size.f_frsize
    return total


def on_disk(directory: str) -> int:
    """Return the bytes that files below a directory take on the disk."""
    total = 0
    for above, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += Path(above, name).lstat().st_blocks * _BLOCK
    return total


def gigabytes(size: float) -> str:
    """Write bytes as gigabytes, with as many digits as tell."""
    return f"{size / 1e9:.1f}" if size >= 1e8 else f"{size / 1e9:.3f}"  # noqa: PLR2004 - below, a tenth says nothing
