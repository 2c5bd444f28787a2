"""A process that keeps one kernel: starts it, waits for it, ends what it leaves behind, and tells what it used."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import confine


def keep(become: Callable[[], None], clear: Callable[[], None] | None = None) -> dict[str, Any]:
    """Fork a kernel and wait until it has ended; return its exit `code` (negative: the signal), `peak` and `cpu`.

    It is ended when this process is asked to end by SIGTERM, which then tells of it as of any other.

    `peak` is bytes of the largest of its processes, `cpu` seconds of all that it waited for (getrusage(2)).

    Args:
        become: is called in the fork, and is the kernel.
        clear: ends all that is left of it; by default its descendants are killed.
    """
    confine.adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    kernel = os.fork()
    if kernel == 0:
        _be(become)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(kernel, signal.SIGKILL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    _, status, usage = os.wait4(kernel, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (clear or _kill_descendants)()
    return {
        "code": os.waitstatus_to_exitcode(status),
        "peak": usage.ru_maxrss * confine.RSS_UNIT,
        "cpu": usage.ru_utime + usage.ru_stime,
    }


def _be(become: Callable[[], None]) -> None:
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.setsid()
        become()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else bool(error.code)
    except BaseException:  # noqa: BLE001 - a fork must not return into what it was forked from
        import traceback

        traceback.print_exc(file=sys.__stderr__)  # a kernel has put something else in place of the other
    finally:
        os._exit(code)


def _kill_descendants() -> None:
    """Kill what this process has started or adopted, until there is nothing left."""
    while children := _children(os.getpid()):
        for child in children:
            for process in (*_below(child), child):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0):
                pass


def _below(process: int) -> list[int]:
    return [each for child in _children(process) for each in (*_below(child), child)]


def _children(process: int) -> list[int]:
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as children:  # noqa: PTH123 - light
            return [int(child) for child in children.read().split()]
    except OSError:
        return []
