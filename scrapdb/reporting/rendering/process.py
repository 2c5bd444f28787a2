"""A process behind a wall that is given one thing to render, may ask for more, and answers once."""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from typing import NamedTuple

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.running.events import Stop
from scrapdb.running.kernels import directory
from scrapdb.running.kernels import walls
from scrapdb.running.kernels.processes import FreshKernel
from scrapdb.running.kernels.walls.place import Place
from scrapdb.running.kernels.walls.place import environment
from scrapdb.running.kernels.walls.place import python_paths
from scrapdb.running.task import Limits
from scrapdb.text import valid_text

Answers = Mapping[str, Callable[..., Any]]
_SCRAPDB = Path(__file__).parents[2]
# scrapdb is found by its file, since not every wall lets it look through the directory that it is in.
_START = """
import sys
from importlib import util
sys.path[:0] = sys.argv[3:]
found = util.spec_from_file_location("scrapdb", sys.argv[2])
sys.modules["scrapdb"] = util.module_from_spec(found)
found.loader.exec_module(sys.modules["scrapdb"])
from scrapdb.reporting.rendering.inside.{0} import main
main()
"""
_DISK = 2**28  # bytes that it may write, of which it needs few
_ASKED = 2**26  # bytes of a question
_ANSWERING = 120.0  # seconds that answers may take together
_OFTEN = 0.2  # seconds after which it is looked whether all is to end
_QUICK = 2.0  # seconds in which a process that was ended is gone
_SAID = 300  # characters of what a process said before it ended
_read: Callable[[bytes], frames.Ask | frames.Done | frames.Wrong] = frames.decoder(
    frames.Ask | frames.Done | frames.Wrong
)


class Bounds(NamedTuple):
    """What rendering may use: seconds, bytes of memory, bytes of what comes of it, and further threads."""

    seconds: float
    memory: int
    size: int
    threads: int = 0


def render(
    module: str,
    task: msgspec.Struct,
    bounds: Bounds,
    *,
    needs: Sequence[str],
    answers: Answers | None = None,
    wall: str | None = None,
    stop: Stop | None = None,
) -> frames.Done:
    """Have a module of `inside` render something behind a wall.

    Args:
        module: its name.
        task: what it is told first.
        bounds: what it may use.
        needs: packages that it imports.
        answers: what it may ask for, by name.
        wall: the one that is demanded.
        stop: ends it early, if all is to end at once.

    Raises:
        TemplateError: it cannot be rendered, or uses more than it may.
        ScrapdbError: the wall cannot be had.
    """
    chosen = walls.choose(wall)
    read, paths = _seen(needs)
    user = chosen.user(read)
    with directory.private(user) as private:
        files = Path(private, "files")
        files.mkdir()
        directory.give(files, user)
        env = {**directory.make(chosen.own(private), private, user), **environment(sys.executable)}
        limits = Limits(memory=bounds.memory, cpu=int(bounds.seconds) + 1, disk=_DISK, processes=bounds.threads)
        place = Place(private=private, directory=str(files), read=read, env=env, limits=limits, user=user)
        ours, theirs = socket.socketpair()
        with ours, theirs, Path(private, "log").open("w+b") as log:
            scrapdb = str(_SCRAPDB / "__init__.py")
            inner = [sys.executable, "-I", "-c", _START.format(module), str(theirs.fileno()), scrapdb, *paths]
            process = FreshKernel(chosen.command(place, inner), env, str(files), log, [theirs.fileno()])
            theirs.close()
            try:
                return _Talk(ours, bounds, answers or {}, stop or Stop()).hold(frames.encoded(task))
            except _EndedError as error:
                raise TemplateError(_why(error, process, log)) from None
            finally:
                _end(process, ours)


def _seen(needs: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the process has to see, and where it finds what it imports.

    Raises:
        ScrapdbError: a package is not installed.
    """
    paths = []
    for name in needs:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            what, extra = ("PDFs", "pdf") if name == "weasyprint" else ("Reports", "report")
            raise ScrapdbError(f"{what} need {name}, which is not installed: pip install 'scrapdb[{extra}]'")
        paths.append(str(Path(spec.origin).parents[1]))
    read = dict.fromkeys([*python_paths(sys.executable), str(_SCRAPDB), *paths])
    return tuple(read), tuple(dict.fromkeys(paths))


class _EndedError(Exception):
    """The conversation is over without a result; the sentence says why, if it is known."""


class _Talk:
    """The conversation with the process."""

    def __init__(self, ours: socket.socket, bounds: Bounds, answers: Answers, stop: Stop) -> None:
        self._ours, self._bounds, self._answers, self._stop = ours, bounds, answers, stop
        self._deadline = time.monotonic() + bounds.seconds + 1  # it stops itself before, and knows where it was
        self._answered = 0.0

    def hold(self, task: bytes) -> frames.Done:
        """Tell the task, answer questions, and return the result."""
        self._send(task)
        while True:
            message = self._receive()
            if isinstance(message, frames.Done):
                return message
            if isinstance(message, frames.Wrong):
                raise TemplateError(valid_text(message.message), message.file, message.line)
            began = time.monotonic()
            answer = _answer(message, self._answers)
            self._answered += time.monotonic() - began
            if self._answered > _ANSWERING:
                raise _EndedError("What the template asks for takes too long; ask for less.")
            self._deadline += time.monotonic() - began
            self._send(answer)

    def _send(self, content: bytes) -> None:
        self._wait()
        try:
            self._ours.sendall(frames.HEAD.pack(len(content)) + content)
        except TimeoutError:
            raise self._late() from None
        except OSError:
            raise _EndedError from None

    def _receive(self) -> frames.Ask | frames.Done | frames.Wrong:
        (size,) = frames.HEAD.unpack(self._exactly(frames.HEAD.size))
        if size > max(self._bounds.size, _ASKED) + 2**20:
            raise _EndedError(f"It becomes larger than {self._bounds.size / 1e6:.0f} MB.")
        try:
            return _read(self._exactly(size))
        except (msgspec.DecodeError, ValueError):
            raise _EndedError("The process that renders answers with something else than a page.") from None

    def _exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            self._wait(_OFTEN)
            try:
                chunk = self._ours.recv(min(size - len(content), 2**20))
            except TimeoutError:
                continue
            except OSError:
                chunk = b""
            if not chunk:
                raise _EndedError
            content += chunk
        return bytes(content)

    def _wait(self, most: float = math.inf) -> None:
        """Let the socket wait no longer than there is time."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        if self._stop.killed:
            raise _EndedError("It was stopped.")
        self._ours.settimeout(min(left, most))

    def _late(self) -> _EndedError:
        return _EndedError(f"Rendering takes longer than {self._bounds.seconds:g} s; does a loop never end?")


def _answer(ask: frames.Ask, answers: Answers) -> bytes:
    """Return the answer to a question; what is refused is a sentence."""
    answer = answers.get(ask.name)
    if answer is None:
        return frames.encoded(frames.Answer(error=f"Nobody here answers {ask.name!r}."))
    try:
        return frames.encoded(frames.Answer(value=frames.packed(answer(*ask.args, **ask.kwargs))))
    except ScrapdbError as error:
        return frames.encoded(frames.Answer(error=str(error)))
    except TypeError as error:  # of arguments that it does not have
        return frames.encoded(frames.Answer(error=f"{ask.name}: {error}."))


def _why(error: _EndedError, process: FreshKernel, log: Any) -> str:
    """Return why the conversation ended."""
    if error.args:
        return str(error)
    _gone(process)
    ended = process.ended
    how = f"was ended by {ended.signal}" if ended and ended.signal else f"ended with {ended.code if ended else '?'}"
    log.seek(0)
    said = log.read()[-_SAID:].decode(errors="replace").strip().splitlines()
    return f"The process that renders {how}{f': {said[-1]}' if said else ''}."


def _end(process: FreshKernel, ours: socket.socket) -> None:
    """End what is left of the process, and return when nothing is."""
    process.kill()
    ours.settimeout(_QUICK)
    with suppress(OSError):
        while ours.recv(2**16):  # until the last that has the other end is gone
            pass
    _gone(process)


def _gone(process: FreshKernel) -> None:
    deadline = time.monotonic() + _QUICK
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
