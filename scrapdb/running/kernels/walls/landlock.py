"""The second wall: landlock for files, seccomp for sockets and the rest, where user namespaces are forbidden.

What is let through is worked out here, with the packages landlock and pyseccomp; `inside.fence` puts it up.
https://docs.kernel.org/userspace-api/landlock.html, seccomp(2)
"""

from __future__ import annotations

import base64
import errno
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.running.kernels.inside.fence import ALL_SCOPES
from scrapdb.running.kernels.inside.fence import SCOPES
from scrapdb.running.kernels.walls import limits
from scrapdb.running.kernels.walls import seen
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import launched

if TYPE_CHECKING:
    from pyseccomp import Arg

NAME = "landlock"
_TRUNCATING, _TCP = 3, 4  # the versions of landlock that know of TCP, and of files that open(2) itself truncates
# Flags of open(2) with which nothing is truncated that may not be written, each with its mask.
_KEEPING = ((0, os.O_TRUNC), (os.O_WRONLY, os.O_WRONLY), (os.O_RDWR, os.O_RDWR))
_ALL_TCP = 3  # to listen, and to connect
_KNOWN = 512  # numbers of system calls below which those are that libseccomp may know
# What a process reads of itself and of the machine; other processes are not among it.
_PROC = ("self", "cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems", "sys")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_TERMINALS = ("ptmx", "pts")  # among which are those of the user that one works at
_PLAIN_COMMANDS = "get_ipython().system = get_ipython().system_raw"
_NEW_NAMESPACES = 0x7E020080  # the flags CLONE_NEW… of clone(2)
_KIND_OF_SOCKET = 0xF  # of the second argument of socket(2), which has flags too

# Families of sockets that the network needs, with the error that is met without it; ZeroMQ, which asks for the names of
# network cards before it listens, understands no other.
_FAMILIES = {socket.AF_INET: errno.EACCES, socket.AF_INET6: errno.EACCES, socket.AF_NETLINK: errno.EOPNOTSUPP}

# By what each group of system calls would let a process out.
_FORBIDDEN = (
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd"),
    *("perf_event_open", "migrate_pages", "move_pages"),
    # memory, queues and keys that belong to a user
    *("shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl"),
    *("mq_open", "mq_unlink", "mq_notify", "mq_getsetattr", "mq_timedsend", "mq_timedreceive"),
    *("add_key", "request_key", "keyctl"),
    # names of files that landlock hides, and files by other ways than their names
    *("inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark"),
    *("name_to_handle_at", "open_by_handle_at", "openat2"),
    # mounts and namespaces
    *("mount", "umount", "umount2", "pivot_root", "chroot", "unshare", "setns", "move_mount", "open_tree", "fsopen"),
    *("fsconfig", "fsmount", "fspick", "mount_setattr"),
    # the system: what only its administrator may do, or what has often been the way round other rules
    *("bpf", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "syslog", "modify_ldt"),
    *("quotactl", "quotactl_fd", "acct", "swapon", "swapoff", "reboot", "kexec_load", "kexec_file_load"),
    *("init_module", "finit_module", "delete_module", "iopl", "ioperm", "vhangup", "lookup_dcookie", "nfsservctl"),
)
_OF_NETWORK = ("connect",)
# Landlock lets a process change what is not content, of all files of its user whose paths it knows. Nothing that copies
# files (shutil.copy) may fail for that, so modes stay as they are, and it is not said.
_IGNORED = ("chmod", "fchmodat")
_CHANGES = ("chown", "lchown", "fchownat", "setxattr", "lsetxattr", "removexattr", "lremovexattr")


def missing() -> str | None:
    """Return why this machine does not have it, or None."""
    return _missing()


@cache
def _missing() -> str | None:
    try:
        import landlock
        import pyseccomp  # noqa: F401 - fails without libseccomp
    except (ImportError, RuntimeError) as error:
        return f"{error}; try `pip install 'scrapdb[landlock]'`, and your system's package libseccomp."
    try:
        version()
    except landlock.SyscallError as error:
        return f"{error.reason or error.strerror}."
    place = Place(private="/nowhere", directory="/nowhere")
    words = command(place, ["/bin/true"])
    tried = subprocess.run(words, capture_output=True, text=True, check=False, env={})  # noqa: S603 - our own
    said = tried.stderr.strip().splitlines()
    return (said[-1] if said else f"It ends with {tried.returncode}.") if tried.returncode else None


def version() -> int:
    """Return the version of landlock that this system has (its ABI)."""
    import ctypes

    from landlock import landlock_abi_version

    ctypes.set_errno(0)  # which the package takes for its own
    return int(landlock_abi_version())


user, own, serve = limits.user, limits.own, limits.serve


def open_to(place: Place) -> tuple[str, ...]:
    """Return what it does not close."""
    return (*_open_to(version(), network=place.network), *limits.without_user(place))


def _open_to(known: int, *, network: bool) -> Iterator[str]:
    if known < SCOPES:
        yield f"It could send signals to other processes of its user: landlock has version {known}, not {SCOPES}."
    if network:
        yield "With the network, it could reach sockets of other programs of its user, as those of a desktop or Docker."


def arguments(place: Place) -> tuple[str, ...]:
    """Return what Python's kernel has to be told: `!` runs its commands without a terminal, if those are closed."""
    return () if place.user is not None else (f"--IPKernelApp.exec_lines={_PLAIN_COMMANDS}",)


def command(place: Place, inner: Sequence[str]) -> list[str]:
    """Return the command line that runs another behind it."""
    return launched(place, inner, keep=True, fence=fence(place))


def forked(place: Place) -> dict[str, Any]:
    """Return what the fork server needs to know."""
    return {"wall": None, "directory": place.directory, "settings": place.settings(fence=fence(place))}


def fence(place: Place) -> dict[str, Any]:
    """Return what `inside.fence.put_up` is told."""
    from landlock import FSAccess

    known = version()
    return {
        "handled": [
            int(FSAccess.all()),
            _ALL_TCP if known >= _TCP and not place.network else 0,
            ALL_SCOPES if known >= SCOPES else 0,
        ],
        "paths": [*_paths(place)],
        "filter": base64.b64encode(_filter(known, network=place.network)).decode(),
    }


def _paths(place: Place) -> Iterator[tuple[str, int]]:
    """Yield what can be reached, each with what may be done to it (what a file cannot have is left out inside)."""
    from landlock import FSAccess

    read = FSAccess.READ_FILE | FSAccess.READ_DIR
    proc, devices = (f"/proc/{name}" for name in _PROC), (f"/dev/{name}" for name in _DEVICES)
    terminals = (f"/dev/{name}" for name in _TERMINALS if place.user is not None)  # all of another user's are closed
    yield from _each(read | FSAccess.EXECUTE, ("/usr", *seen.root(), *seen.etc(network=place.network), *place.read))
    yield from _each(read, proc)
    yield from _each(FSAccess.all_file(), chain(devices, terminals))
    yield from _each(FSAccess.all(), (place.private, place.directory, *place.write))


def _each(access: int, paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    yield from ((path, int(access)) for path in paths if Path(path).exists())


@cache
def _filter(known: int, *, network: bool) -> bytes:
    """Return a program for seccomp: what is not known, or not allowed below, does not exist."""
    import pyseccomp

    program = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    rules = _rules(known, network=network)
    for name in _names():
        for error, given in rules.get(name, ((None, ()),)):
            program.add_rule(pyseccomp.ALLOW if error is None else pyseccomp.ERRNO(error), name, *given)
    with tempfile.TemporaryFile() as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()


Rule = tuple[int | None, tuple["Arg", ...]]  # the error, 0 if it is ignored, None if allowed; and for what arguments


def _rules(known: int, *, network: bool) -> dict[str, tuple[Rule, ...]]:
    """Return the rules for system calls that are not simply allowed."""
    import pyseccomp

    def on(argument: int, value: int, mask: int | None = None) -> Arg:
        if mask is None:
            return pyseccomp.Arg(argument, pyseccomp.EQ, value)
        return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)

    def others(argument: int) -> tuple[Rule, Rule]:
        """Allow what is done to the process itself, which is 0."""
        return (None, (on(argument, 0),)), (errno.EPERM, (pyseccomp.Arg(argument, pyseccomp.NE, 0),))

    # Of the sockets between processes only streams: others could be sent to an address without a connection.
    pairs: tuple[Rule, ...] = ((None, (on(0, socket.AF_UNIX), on(1, socket.SOCK_STREAM, _KIND_OF_SOCKET))),)
    refused = dict.fromkeys(_FAMILIES, None) if network else _FAMILIES
    forbidden = (*_FORBIDDEN, *(() if network else _OF_NETWORK))
    rules: dict[str, tuple[Rule, ...]] = {
        **dict.fromkeys(forbidden, ((errno.EPERM, ()),)),
        "socketpair": pairs,
        "socket": (*pairs, *((error, (on(0, family),)) for family, error in refused.items())),
        **dict.fromkeys(_CHANGES, ((errno.EOPNOTSUPP, ()),)),
        **dict.fromkeys(_IGNORED, ((0, ()),)),
        "clone": ((None, (on(0, 0, _NEW_NAMESPACES),)),),
        "clone3": (),  # has its flags in memory, where a filter cannot look; without it, clone is used
        "prlimit64": others(0),
        "setpriority": others(1),
        "ioprio_set": others(1),
    }
    if known < _TRUNCATING:
        for name, flags in (("open", 1), ("openat", 2)):
            rules[name] = tuple((None, (on(flags, *kept),)) for kept in _KEEPING)
        rules["truncate"] = ((errno.EPERM, ()),)
    return rules


def _names() -> Iterator[str]:
    """Yield the names of all system calls that libseccomp knows on this machine."""
    import pyseccomp

    for number in range(_KNOWN):
        try:
            yield pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, number).decode()
        except (OSError, ValueError):
            continue
