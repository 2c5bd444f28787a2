"""What a process can give up, and limit for itself, one thing at a time; `giving_up` has the order."""

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
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "ppc64le": 271, "s390x": 280}  # its number, by processor
_JOIN_SESSION_KEYRING = 1
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


def limit(limits: dict[str, Any]) -> None:
    """Limit this process and those that it will start (getrlimit(2)): `memory`, `cpu`, `disk` and `processes`."""
    _set(resource.RLIMIT_CORE, 0)
    if (memory := limits.get("memory")) is not None:
        _set(resource.RLIMIT_DATA, memory + _data())
    if (disk := limits.get("disk")) is not None:
        _set(resource.RLIMIT_FSIZE, disk)
    if (processes := limits.get("processes")) is not None:
        _set(resource.RLIMIT_NPROC, processes + _tasks())
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


def _tasks() -> int:
    """Return how many processes and threads this user has already, with which those of the run are counted."""
    found = 0
    for process in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208 - light
        try:
            if process.isdigit() and os.stat(f"/proc/{process}").st_uid == os.getuid():  # noqa: PTH116 - light
                found += len(os.listdir(f"/proc/{process}/task"))  # noqa: PTH208 - light
        except OSError:
            continue
    return found


def forget_keys() -> None:
    """Begin with a session keyring of its own, since that of who started it would be handed on (keyctl(2))."""
    if sys.platform == "linux" and (number := _KEYCTL.get(os.uname().machine)):
        LIBC.syscall(number, _JOIN_SESSION_KEYRING, None)  # fails where there are no keys


def die_with_parent(*, gently: bool = False) -> None:
    """Have the system end this process when the one that started it is gone (prctl(2))."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM if gently else signal.SIGKILL)


def hide() -> None:
    """Let no other process of this user look into this one (prctl(2)), until it runs another program."""
    _prctl(_PR_SET_DUMPABLE, 0)


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
    gain_no_privileges()


def gain_no_privileges() -> None:
    """Never gain privileges by running a program."""
    checked(LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def end_by(number: int) -> None:
    """End this process by a signal, as the one did for which it stands."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
