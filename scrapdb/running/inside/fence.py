"""The fence that a process puts up around itself and what it starts: landlock for files, seccomp for system calls."""

from __future__ import annotations

import base64
import ctypes
import os
import stat
from collections.abc import Sequence
from typing import Any

from . import confine

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on all processors alike
_PATH_BENEATH = 1
_PR_SET_SECCOMP, _FILTER = 22, 2
_SIZE = 8  # bytes of an instruction
_OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # execute, write, read, truncate, ioctl


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
    program = base64.b64decode(rules["filter"])
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
