"""The fork server: it has imported what a notebook needs, and becomes a kernel for each run.

Its arguments are names of modules. Requests come as lines of JSON on standard input, answers go as such to standard
output. It ends when its input does, and with it all kernels.

With bubblewrap it runs behind a wall, and each kernel moves into one of its own within that. A process stands between
them: it builds that wall, forks the kernel in it, waits for it, and tells how it ended; when it is gone, so is the wall
and all in it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from typing import NoReturn
from typing import TextIO

from . import confine
from . import giving_up
from . import keeping
from . import namespaces

_LAUNCHER = "ipykernel_launcher"
_HOME = "/tmp"  # noqa: S108 - behind a wall, where it is its own
_INLINE = "matplotlib_inline.backend_inline"
# What a kernel imports when it starts or executes its first cell, where its version has it.
_KERNEL = (
    *("ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell", "ipykernel.debugger", "psutil", "sqlite3"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.oinspect", "IPython.core.logger"),
    *("IPython.extensions.storemagic", "tornado.platform.asyncio"),
)
_HARMLESS = {"jemalloc_bg_thd"}  # threads of memory allocators, which a fork does without


def main() -> None:
    """Import, then serve."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    gc.disable()  # in this process, whose modules stay: forks would have to copy what a collection looks at
    os.environ.setdefault("MPLBACKEND", f"module://{_INLINE}")  # as a kernel does, before matplotlib is imported
    for module in _KERNEL:
        with suppress(ImportError):
            import_module(module)
    words, sys.argv = sys.argv[1:], [_launcher()]
    refused = _preload(words, answers)
    gc.freeze()
    keepers: dict[int, str] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _reap(keepers, answers))
    _answer(answers, ready=True, refused=refused)
    for line in sys.stdin:
        request = json.loads(line)
        if "kill" in request:
            _kill(keepers, request["kill"])
        else:
            _fork(request, keepers, answers)


def _answer(answers: TextIO, **fields: Any) -> None:
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


def _fork(request: dict[str, Any], keepers: dict[int, str], answers: TextIO) -> None:
    with _undisturbed():
        keeper = os.fork()
        if keeper == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            _keep(request, answers)
        keepers[keeper] = request["run"]
        _answer(answers, run=request["run"], keeper=keeper)


def _reap(keepers: dict[int, str], answers: TextIO) -> None:
    """Tell which of the processes between are gone: what they could not tell themselves was lost."""
    with _undisturbed(), suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if run := keepers.pop(ended[0], None):
                _answer(answers, run=run, gone=os.waitstatus_to_exitcode(ended[1]))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let ends of processes wait: an answer within another would be an error."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def _kill(keepers: dict[int, str], run: str) -> None:
    for keeper, kept in [*keepers.items()]:
        if kept == run:
            os.kill(keeper, signal.SIGTERM)


def _keep(request: dict[str, Any], answers: TextIO) -> NoReturn:
    """Be the process that stands between, for one run."""
    code = 1
    try:
        confine.die_with_parent(gently=True)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        os.dup2(log, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        wall = namespaces.Wall(request["wall"]) if request["wall"] else None
        request["home"] = _in_home() if wall else {}
        if wall:
            wall.enter()
        ended = keeping.keep(lambda: _become_kernel(request, walled=wall is not None), wall.close if wall else None)
        _answer(answers, run=request["run"], **ended)
        code = 0
    except BaseException:  # noqa: BLE001 - whoever reads the log will know
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _become_kernel(request: dict[str, Any], *, walled: bool) -> None:
    for descriptor in os.listdir("/dev/fd"):  # noqa: PTH208 - light
        if int(descriptor) > 2:  # noqa: PLR2004 - the standard streams
            with suppress(OSError):
                os.close(int(descriptor))
    giving_up.give_up(request["settings"])
    if walled:
        confine.give_up_privileges()
    os.chdir(request["directory"])
    os.environ.update(request["env"], PWD=request["directory"])  # over what imports have set
    _furnish(request["home"])
    _renew_seeds()
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [_launcher(), *request["arguments"]]
    sys.orig_argv = [sys.executable, "-m", _LAUNCHER, *request["arguments"]]
    sys.path_importer_cache.clear()
    app = IPKernelApp.instance()
    app.initialize()  # type: ignore[no-untyped-call] # ipykernel is typed in parts
    if inline := sys.modules.get(_INLINE):
        inline._enable_matplotlib_integration()  # noqa: SLF001 - which it does when it is imported in a kernel
    app.start()  # type: ignore[no-untyped-call]
    atexit._run_exitfuncs()  # noqa: SLF001 - a fork ends without, and a run may count on them


def _in_home() -> dict[str, bytes | None]:
    """Return what imports have written to the home behind this wall: bytes of files, None for directories."""
    found: dict[str, bytes | None] = {}
    device = os.lstat(_HOME).st_dev  # of which nothing is that is only seen there
    with suppress(OSError):
        for above, directories, names in os.walk(_HOME):
            states = {name: os.lstat(os.path.join(above, name)) for name in (*directories, *names)}  # noqa: PTH118 - light
            directories[:] = (name for name in directories if states[name].st_dev == device)
            found.update((os.path.join(above, name), None) for name in directories)  # noqa: PTH118 - light
            for name in names:
                if states[name].st_dev == device and stat.S_ISREG(states[name].st_mode):
                    with open(os.path.join(above, name), "rb") as file:  # noqa: PTH118, PTH123 - light
                        found[file.name] = file.read()
    return found


def _furnish(home: dict[str, bytes | None]) -> None:
    """Let a run find in its own home what imports count on there."""
    for path, content in home.items():
        if content is None:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 - light
        else:
            with open(path, "wb") as file:  # noqa: PTH123 - light
                file.write(content)


def _launcher() -> str:
    """Return what a kernel is as a program, which some modules look for."""
    found = find_spec(_LAUNCHER)
    return found.origin or _LAUNCHER if found else _LAUNCHER


def _renew_seeds() -> None:
    """Give each fork random numbers of its own; `random` does it itself."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()


def _preload(words: list[str], answers: TextIO) -> dict[str, str]:
    """Import modules, and return why some of them may not be in a process that is forked.

    This process begins anew without such a module, which each run imports by itself.
    """
    refused = dict(word.split("=", 1) for word in words if "=" in word)
    modules = [word for word in words if "=" not in word]
    if any(module.partition(".")[0] == "matplotlib" for module in modules) and find_spec(_INLINE):
        import_module(_INLINE)
    for module in modules:
        below = any(f"{module}.".startswith(f"{each}.") for each in refused)
        if not below and (reason := _reason_against(module)):
            os.dup2(answers.fileno(), 1)
            os.execv(sys.executable, [*sys.orig_argv, f"{module}={reason}"])  # noqa: S606 - itself
    return refused


def _reason_against(module: str) -> str | None:
    """Import a module that is installed, as a cell would, and return what of that a fork would not have or show."""
    from IPython.core.interactiveshell import InteractiveShell

    asked: list[bool] = []
    threads, files, said = _threads(), _open_files(), _said()

    def initialized(_: type) -> bool:
        asked.append(True)
        return False

    InteractiveShell.initialized = classmethod(initialized)  # type: ignore[assignment,method-assign]
    try:
        failed = not _import(module)
    finally:
        del InteractiveShell.initialized
    reasons = (
        (failed, "its import fails"),
        (asked, "it asks for the notebook while it is imported"),
        (threading.active_count() > 1 or _threads() > threads, "it leaves threads behind when it is imported"),
        (_open_files() > files, "it leaves files or connections open when it is imported"),
        (_said() > said, "it writes something while it is imported"),
    )
    return next((reason for is_so, reason in reasons if is_so), None)


def _import(name: str) -> bool:
    """Import a module, or what it is an attribute of, and return whether that went well; absence is no failure."""
    try:
        exec(f"import {name}", {"__name__": "__main__"})  # noqa: S102 - so that it warns as it would in a cell
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            return False
        return error.name != name or "." not in name or _import(name.rpartition(".")[0])
    except BaseException:  # noqa: BLE001 - the notebook will meet it, and tell
        return False
    return True


def _open_files() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - light


def _said() -> int:
    """Return how much this process has written, which goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fstat(2).st_size


def _threads() -> int:
    """Count the threads of this process, Python's and others'."""
    tasks, count = "/proc/self/task", 0
    for thread in os.listdir(tasks) if os.path.isdir(tasks) else ():  # noqa: PTH112, PTH208 - light
        with suppress(OSError), open(f"{tasks}/{thread}/comm", encoding="utf-8") as name:  # noqa: PTH123 - light
            count += name.read().strip() not in _HARMLESS
    return count
