"""What a process gives up before it becomes a kernel: what it may use, and for some walls files and system calls."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in which ru_maxrss is counted
# From linux/prctl.h and linux/capability.h.
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 24, 36, 38
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
_GRACE = 5  # seconds of processor time between the signal that can be caught and the one that cannot


def checked(result: int) -> int:
    """Return what a C function gave.

    Raises:
        OSError: it failed.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prepare(settings: dict[str, Any]) -> None:
    """Do all that some settings ask for; none of it can be undone by what runs afterwards.

    Args:
        settings: `limits` as in `limit`; `user`, whom root becomes; `fence`, what landlock and seccomp let through, if
            they are the wall.
    """
    become(settings.get("user"))
    limit(settings["limits"])
    if rules := settings.get("fence"):
        from . import fence

        fence.put_up(rules)


def limit(limits: dict[str, Any]) -> None:
    """Limit this process and those that it will start (getrlimit(2)): `memory`, `cpu`, `disk` and `processes`."""
    _set(resource.RLIMIT_CORE, 0)
    if (memory := limits.get("memory")) is not None:
        _set(resource.RLIMIT_DATA, memory + _data())
    if (disk := limits.get("disk")) is not None:
        _set(resource.RLIMIT_FSIZE, disk)
    if (processes := limits.get("processes")) is not None:
        _set(resource.RLIMIT_NPROC, processes)
    if (cpu := limits.get("cpu")) is not None:
        _set(resource.RLIMIT_CPU, cpu, cpu + _GRACE)


def _set(which: int, soft: int, hard: int | None = None) -> None:
    most = resource.getrlimit(which)[1]
    hard = soft if hard is None else hard
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))


def _data() -> int:
    """Return the bytes of data that this process has already: what was imported before a fork is not the run's."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - light
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmData")), 0)
    except OSError:
        return 0


def die_with_parent(*, gently: bool = False) -> None:
    """Have the system end this process when the one that started it is gone (prctl(2))."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM if gently else signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (prctl(2)), so that none gets away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if hasattr(LIBC, "prctl"):  # of Linux
        checked(LIBC.prctl(option, value, 0, 0, 0))


def become(user: int | None) -> None:
    """Become an unprivileged user, if this is root."""
    if user is not None and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def give_up_privileges() -> None:
    """Drop all capabilities for good (capabilities(7)), and never gain any by running a program."""
    for capability in range(_LAST_CAPABILITY + 1):
        LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for those that this system does not have
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    checked(LIBC.capset(header, (ctypes.c_uint32 * 6)()))
    checked(LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def end_by(number: int) -> None:
    """End this process by a signal, as the one did for which it stands."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
