"""The fence that a process puts up around itself and what it starts: landlock for files, seccomp for system calls."""

from __future__ import annotations

import base64
import ctypes
import errno
import os
import stat
import struct
from collections.abc import Sequence
from typing import Any

from . import confine

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on all processors alike
_PATH_BENEATH = 1
_VERSION = 1  # a flag that asks for nothing else
SCOPES, ALL_SCOPES = 6, 3  # the version that knows scopes, and both that there are: sockets without a path, signals
_PR_SET_SECCOMP, _FILTER = 22, 2
_SIZE = 8  # bytes of an instruction
_OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # execute, write, read, truncate, ioctl


# From linux/bpf_common.h, linux/filter.h and linux/seccomp.h: load a word, compare, return.
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16  # where they are in struct seccomp_data
_X32 = 0x40000000  # from here on, numbers of x86-64 are those of a second way to call
_IO_URING = 425  # can make sockets, unseen by a filter; the same on all processors
# By processor: its number for seccomp (linux/audit.h) and that of socket(2).
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "riscv64": (0xC00000F3, 198)}


class _Beneath(ctypes.Structure):  # struct landlock_path_beneath_attr
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Program(ctypes.Structure):  # struct sock_fprog
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def put_up(rules: dict[str, Any]) -> None:
    """Give up what is not let through; this process has one thread.

    Args:
        rules: `handled`, what landlock is to refuse of files, TCP and scopes; `paths`, each with what is allowed below
            it; `filter`, instructions for seccomp.
    """
    confine.give_up_privileges()
    _restrict(rules["handled"], rules["paths"])
    _filter(base64.b64decode(rules["filter"]))


def version() -> int:
    """Return the version of landlock that this system has (its ABI); 0 or less if it has none."""
    return int(confine.LIBC.syscall(_CREATE_RULESET, None, 0, _VERSION))


def shut(families: Sequence[int]) -> None:
    """Make no sockets but of some families: not all of them are held by a namespace for the network (vsock(7)).

    Those without a path, which are held by it, may be there for all if the network is (unix(7)).
    """
    confine.gain_no_privileges()
    if version() >= SCOPES:
        _restrict((0, 0, ALL_SCOPES), ())
    known = _SOCKET.get(os.uname().machine)
    if known:
        _filter(b"".join(_only(families, *known)))


def _only(families: Sequence[int], architecture: int, socket: int) -> list[bytes]:
    end = len(families)

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    return [
        step(_LOAD, _ARCHITECTURE),
        step(_EQUAL, architecture, no=end + 7),
        step(_LOAD, _NUMBER),
        step(_AT_LEAST, _X32, yes=end + 5),
        step(_EQUAL, _IO_URING, yes=end + 4),
        step(_EQUAL, socket, no=end + 2),
        step(_LOAD, _FIRST),
        *(step(_EQUAL, family, yes=end - index) for index, family in enumerate(families)),
        step(_RETURN, _ERROR | errno.EAFNOSUPPORT),
        step(_RETURN, _ALLOW),
        step(_RETURN, _ERROR | errno.ENOSYS),
    ]


def _filter(program: bytes) -> None:
    loaded = ctypes.byref(_Program(len(program) // _SIZE, program))
    confine.checked(confine.LIBC.prctl(_PR_SET_SECCOMP, _FILTER, loaded, 0, 0))


def _restrict(handled: Sequence[int], paths: Sequence[tuple[str, int]]) -> None:
    call = confine.LIBC.syscall
    attributes = (ctypes.c_uint64 * len(handled))(*handled)
    ruleset = confine.checked(call(_CREATE_RULESET, attributes, ctypes.sizeof(attributes), 0))
    for path, allowed in paths:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        beneath = _Beneath(allowed if stat.S_ISDIR(os.fstat(parent).st_mode) else allowed & _OF_A_FILE, parent)
        confine.checked(call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(beneath), 0))
        os.close(parent)
    confine.checked(call(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
