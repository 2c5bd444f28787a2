"""The fork server from outside: it is started once for many runs, and makes a kernel in a tenth of a second."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.running.kernels.processes import BETWEEN
from scrapdb.running.kernels.processes import Ended
from scrapdb.running.kernels.walls import Wall
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import program

_GONE = 5.0  # seconds in which a server that is told to end does


def _numbers_of(pid: int) -> list[int]:
    """Return the numbers of a process in its namespaces, from the outermost (proc(5), NSpid)."""
    if not sys.platform.startswith("linux"):
        return [pid]
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return next([int(number) for number in line.split()[1:]] for line in status.splitlines() if line[:5] == "NSpid")


class ServerLostError(ScrapdbError):
    """The fork server is gone."""


class ForkedKernel:
    """A kernel that the server has forked, as `processes.Kernel` and `Popen` have it."""

    stdin = stdout = stderr = None

    def __init__(self, server: ForkServer, run: str) -> None:
        self._server, self._run = server, run
        self._over = threading.Event()
        self.pid = self._outside = 0
        self.ended: Ended | None = None

    def told(self, answer: Mapping[str, Any]) -> None:
        """Take down what the server tells of it."""
        if "keeper" in answer:
            self.pid = answer["keeper"]  # as the server counts
        elif "code" in answer:
            self.ended = Ended.told(answer["code"], answer["peak"], answer["cpu"])
        else:
            self.ended = self.ended or Ended.of(answer["gone"])._replace(lost=True)
            self._over.set()

    def lost(self) -> None:
        """Take down that the server is gone, and with it the kernel."""
        if not self._over.is_set():
            self.ended = (self.ended or Ended(signal.SIGKILL.name))._replace(lost=True)
            self._over.set()

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        if not self._over.is_set() or not self.ended:
            return None
        name = self.ended.signal
        return -signal.Signals[name] if name else self.ended.code

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its exit code once it has ended."""
        self._over.wait(timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, or end everything if that is meant."""
        import psutil

        if number == signal.SIGKILL:
            self.kill()
        for root in self.roots():
            with suppress(psutil.Error):  # it has ended just now
                for process in psutil.Process(root).children():
                    if process.name() not in BETWEEN:
                        process.send_signal(number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel and all that it has started."""
        self._server.ask(kill=self._run)

    def roots(self) -> list[int]:
        """Return the process that keeps it; the wall and the kernel are below that."""
        if self.pid and not self._outside:
            self._outside = self._server.outside(self.pid)
        return [self._outside] if self._outside else []


class ForkServer:
    """A process that has imported some modules.

    Args:
        python: the interpreter.
        modules: what is to be imported.
        place: where it runs; its `private` is above those of all its kernels.
        wall: what is around its kernels, and perhaps around itself.
    """

    def __init__(self, python: str, modules: Sequence[str], place: Place, wall: Wall) -> None:
        self.place, self._wall = place, wall
        self._kernels: dict[str, ForkedKernel] = {}
        self._lock = threading.Lock()
        command = [*program(python, "server"), *modules]
        with Path(place.private, "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own
                wall.serve(place, command),
                env=place.env,
                cwd=place.directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._requests = self._process.stdin.fileno() if self._process.stdin else -1
        self.refused: dict[str, str] = {}
        try:
            self._await_ready()
        except BaseException:
            self._process.kill()
            with self._process:  # which closes what is open of it
                raise
        threading.Thread(target=self._listen, daemon=True, name="fork server").start()

    def _await_ready(self) -> None:
        seconds = self.place.limits.start_timeout
        late = threading.Timer(seconds, self._process.kill)
        late.start()
        answer = self._answer()
        late.cancel()
        if answer is None and late.finished.is_set() and self._process.wait() == -signal.SIGKILL:
            raise ServerLostError(f"The fork server did not import everything in {seconds:g} s (--start-timeout).")
        if answer is None:
            log = Path(self.place.private, "server.log").read_text(encoding="utf-8", errors="replace").strip()
            last = log.splitlines()[-1] if log else f"it ended with {self._process.wait()}"
            raise ServerLostError(f"The fork server does not start: {last}")
        self.refused = answer["refused"]

    def _answer(self) -> dict[str, Any] | None:
        line = self._process.stdout.readline() if self._process.stdout else b""
        return json.loads(line) if line else None

    def _listen(self) -> None:
        while answer := self._answer():
            if kernel := self._kernels.get(answer["run"]):
                kernel.told(answer)
                if "gone" in answer:
                    self._kernels.pop(answer["run"], None)
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()
        for kernel in [*self._kernels.values()]:
            kernel.lost()

    @property
    def alive(self) -> bool:
        """Whether it can be asked for kernels."""
        return self._process.poll() is None

    def fork(self, run: str, place: Place, arguments: Sequence[str]) -> ForkedKernel:
        """Make a kernel.

        Args:
            run: tells it from others.
            place: where it is to run, below that of the server.
            arguments: of ipykernel.

        Raises:
            ServerLostError: the server is gone.
        """
        kernel = self._kernels[run] = ForkedKernel(self, run)
        self.ask(
            run=run,
            **self._wall.forked(place),
            env=place.env,
            arguments=list(arguments),
            log=str(Path(place.private, "kernel.log")),
        )
        return kernel

    def ask(self, **request: Any) -> None:
        """Send it a request.

        Raises:
            ServerLostError: the server is gone.
        """
        line = json.dumps(request).encode() + b"\n"
        try:
            with self._lock:
                os.write(self._requests, line)
        except OSError:
            if "kill" not in request:
                raise ServerLostError("The fork server is gone.") from None

    def outside(self, inside: int) -> int:
        """Return the number that a process of the server has out here; 0 if it is gone."""
        numbers = self._numbers()
        depth = len(next(iter(numbers.values()), ()))
        return next((pid for pid, inner in numbers.items() if len(inner) == depth and inner[-1] == inside), 0)

    def _numbers(self) -> dict[int, list[int]]:
        """Return the numbers of all processes that run the server's program, the server first, in each namespace."""
        import psutil

        found: dict[int, list[int]] = {}
        with suppress(psutil.Error):
            server = psutil.Process(self._process.pid)
            for process in (server, *server.children(recursive=True)):
                with suppress(psutil.Error, OSError):
                    if process.name() not in BETWEEN:
                        found[process.pid] = _numbers_of(process.pid)
        return found

    def close(self) -> None:
        """End it, and with it all its kernels."""
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(_GONE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
