"""A process that has imported what commands import, and forks a child for each `scrapdb` that a session types.

The child has the caller's directory, environment, files, limits and signals, and ends as it would have; what it saves
is to import everything a thousand times. Who calls in another way than is usual gets an interpreter of its own, and so
does everybody where FRESH_INTERPRETERS is set, as `make proof` sets it, and where there is no Linux.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import marshal
import os
import pkgutil
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import NoReturn

_HEAVY = ("jinja2.debug", "multiprocessing.popen_fork", "pandas", "pyarrow.parquet", "rich.console", "unicodedata")
_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
_LARGEST = 2**17  # bytes of a request
# Python starts the quickest without its modules; `_socket` and `posix` are built in.
_CLIENT = """#!{python} -IS
import _signal, _socket, marshal, posix, sys
usual = posix.environ.get(b"LANG") == b"C.UTF-8" and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
usual = usual and sorted(posix.listdir("/proc/self/fd"))[:-1] == ["0", "1", "2"]
for name in posix.environ:
    usual = usual and (name == b"PYTHONPATH" or not name.startswith((b"PYTHON", b"LC_")))
umask = posix.umask(0)
posix.umask(umask)
words = [word.encode("utf-8", "surrogateescape") for word in sys.argv[1:]]
request = marshal.dumps((posix.getpid(), posix.getcwdb(), umask, words, posix.environ))
if not usual or len(request) > {largest}:
    posix.execv({python!r}, [{python!r}, "-m", "scrapdb", *sys.argv[1:]])
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
    _signal.signal(number, lambda number, frame: server.send(bytes([number])))
server.connect({address!r})
files = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
server.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
code = int(server.recv(16))
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    posix.kill(posix.getpid(), -code)
posix._exit(code)
"""


def script() -> str:
    """Return a program that does what `python -m scrapdb` does."""
    if "FRESH_INTERPRETERS" in os.environ or sys.platform != "linux":
        return f'#!/bin/sh\nexec "{sys.executable}" -m scrapdb "$@"\n'
    return _CLIENT.format(python=sys.executable, address=_server()[0], largest=_LARGEST)


@functools.cache
def _server() -> tuple[str, subprocess.Popen[bytes]]:
    """Start the process, which ends with this one, and return also where it listens."""
    address = str(Path(tempfile.mkdtemp(prefix="scrapdb-tests-"), "s"))
    root = str(Path(__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", f"from tests.preloaded import serve; serve({address!r})"],
        cwd=root,
        env={"HOME": os.devnull, "LANG": "C.UTF-8", "PATH": os.environ["PATH"], "PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    atexit.register(process.communicate)
    return address, process


def serve(address: str) -> None:
    """Fork whatever is asked for, until standard input ends."""
    import scrapdb.cli.commands

    for module in [*_HEAVY, *(found.name for found in pkgutil.walk_packages(scrapdb.cli.__path__, "scrapdb.cli."))]:
        if module != "scrapdb.cli.sqlite_utils":
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(address)
    listener.listen(16)
    os.write(1, b"ready\n")
    with selectors.PollSelector() as events:
        events.register(0, selectors.EVENT_READ)
        events.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fd == 0:
                    shutil.rmtree(Path(address).parent)
                    return
                if key.fileobj is listener:
                    _start(listener.accept()[0], events)
                else:
                    _attend(key, events)


def _start(caller: socket.socket, events: selectors.BaseSelector) -> None:
    request, files, *_ = socket.recv_fds(caller, 2 * _LARGEST, 3)
    pid = os.fork()
    if pid == 0:
        _run(request, files)
    for file in files:
        os.close(file)
    end = os.pidfd_open(pid)
    events.register(caller, selectors.EVENT_READ, (pid, end, caller))
    events.register(end, selectors.EVENT_READ, (pid, end, caller))


def _attend(key: selectors.SelectorKey, events: selectors.BaseSelector) -> None:
    """Hand on a signal, or the end of the child; with its caller goes the child."""
    pid, end, caller = key.data
    if caller.fileno() < 0:  # which has been told the end a moment ago
        return
    if key.fd != end:
        with suppress(OSError):
            signal.pidfd_send_signal(end, (caller.recv(1) or bytes([signal.SIGKILL]))[0])
        return
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        caller.send(str(os.waitstatus_to_exitcode(status)).encode())
    events.unregister(caller)
    events.unregister(end)
    caller.close()
    os.close(end)


def _run(request: bytes, files: list[int]) -> NoReturn:
    """Be the command that was asked for."""
    from scrapdb.cli.app import main

    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 4096)
    pid, directory, umask, words, environment = marshal.loads(request)  # noqa: S302 - of our own client
    for limit in _LIMITS:
        resource.setrlimit(limit, resource.prlimit(pid, limit))
    os.chdir(directory)
    os.umask(umask)
    os.environb.clear()
    os.environb.update(environment)
    time.tzset()
    sys.argv = ["scrapdb", *map(os.fsdecode, words)]
    sys.path[0] = os.fsdecode(directory)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os._exit(_code(main))


def _code(main: Any) -> int:
    """Return the exit code of what `main` does, after all that Python does at its end."""
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, Python would tell it
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(code, str):
        os.write(2, f"{code}\n".encode())
        code = 1
    return int(code)
