"""The fork server: it has imported what a notebook needs, and becomes a kernel for each run.

Its arguments are names of modules. Requests come as lines of JSON on standard input, answers go as such to standard output. It ends when its input does,
and with it all kernels.

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
import sys
import threading
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from typing import NoReturn
from typing import TextIO

from . import confine
from . import keeping
from . import namespaces

_INLINE = "matplotlib_inline.backend_inline"
_KERNEL = ("ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell", "IPython.core.completerlib")
_HARMLESS = {"jemalloc_bg_thd"}  # threads of memory allocators, which a fork does without


def main() -> None:
    """Import, then serve."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.environ.setdefault("MPLBACKEND", f"module://{_INLINE}")  # as a kernel does, before matplotlib is imported
    for module in _KERNEL:
        import_module(module)
    refused = _preload(sys.argv[1:])
    gc.collect()
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
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    keeper = os.fork()
    if keeper == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        _keep(request, answers)
    keepers[keeper] = request["run"]
    _answer(answers, run=request["run"], keeper=keeper)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def _reap(keepers: dict[int, str], answers: TextIO) -> None:
    """Tell which of the processes between are gone: what they could not tell themselves was lost."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if run := keepers.pop(ended[0], None):
                _answer(answers, run=run, gone=os.waitstatus_to_exitcode(ended[1]))


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
        if wall:
            wall.enter()
        ended = keeping.keep(lambda: _become_kernel(request, walled=wall is not None), wall.close if wall else None)
        _answer(answers, run=request["run"], **ended)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _become_kernel(request: dict[str, Any], *, walled: bool) -> None:
    for descriptor in os.listdir("/dev/fd"):
        if int(descriptor) > 2:  # noqa: PLR2004 - the standard streams
            with suppress(OSError):
                os.close(int(descriptor))
    confine.prepare(request["settings"])
    if walled:
        confine.give_up_privileges()
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path += filter(None, request["env"].get("PYTHONPATH", "").split(os.pathsep))  # an isolated Python has passed over it
    _renew_seeds()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *request["arguments"]]
    sys.path_importer_cache.clear()
    app = IPKernelApp.instance()
    app.initialize()  # type: ignore[no-untyped-call] # ipykernel is typed in parts
    if inline := sys.modules.get(_INLINE):
        inline._enable_matplotlib_integration()  # noqa: SLF001 - which it does when it is imported in a kernel
    app.start()  # type: ignore[no-untyped-call]
    atexit.unregister(app.close)  # which can wait for a thread that is waiting for what has been closed
    atexit._run_exitfuncs()  # noqa: SLF001 - a fork ends without, and a run may count on them


def _renew_seeds() -> None:
    """Give each fork random numbers of its own; `random` does it itself."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()


def _preload(words: list[str]) -> dict[str, str]:
    """Import modules, and return why some of them may not be in a process that is forked.

    One that asks for the notebook around it would not find it, and threads are not forked: this process begins anew
    without such a module.
    """
    refused = dict(word.split("=", 1) for word in words if "=" in word)
    modules = [word for word in words if "=" not in word]
    if any(module.partition(".")[0] == "matplotlib" for module in modules) and find_spec(_INLINE):
        import_module(_INLINE)
    for module in modules:
        if module not in refused and (reason := _reason_against(module)):
            os.execv(sys.executable, [*sys.orig_argv, f"{module}={reason}"])  # noqa: S606 - itself
    return refused


def _reason_against(module: str) -> str | None:
    """Import a module that is installed, and return what speaks against having it in a fork."""
    import IPython
    from IPython.core import getipython

    asked: list[bool] = []
    real = getipython.get_ipython
    before = _threads()

    def asking() -> Any:
        asked.append(True)
        return real()

    getipython.get_ipython = IPython.get_ipython = asking
    try:
        _import(module)
    except Exception:  # noqa: S110, BLE001 - the notebook will meet it, and tell
        pass
    finally:
        getipython.get_ipython = IPython.get_ipython = real
    if asked:
        return "it asks for the notebook while it is imported"
    if threading.active_count() > 1 or _threads() > before:
        return "it leaves threads behind when it is imported"
    return None


def _import(name: str) -> None:
    """Import a module, or what it is an attribute of."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        if "." in name:
            import_module(name.rpartition(".")[0])


def _threads() -> int:
    """Count the threads of this process, Python's and others'."""
    count = 0
    for thread in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ():  # noqa: PTH112 - light
        with suppress(OSError), open(f"/proc/self/task/{thread}/comm", encoding="utf-8") as name:  # noqa: PTH123 - light
            count += name.read().strip() not in _HARMLESS
    return count
