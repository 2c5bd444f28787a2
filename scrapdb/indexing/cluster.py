"""A scheduler of dask.distributed and its workers, and reading notebooks there as in a pool of processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple
from typing import TypeVar

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

Argument = TypeVar("Argument")
Result = TypeVar("Result")
_SECONDS = 10  # to wait for the scheduler, and for its first worker
_LOGS = ("distributed", "distributed.client", "tornado.application")  # each has a level of its own
_DESERTED_SECONDS = 60  # without a worker, after which none is expected: one that is started again is back by then


class Work(NamedTuple):
    """What workers are wanted for: what they do, how to try again, what to install, and which packages it needs."""

    does: str = "read notebooks"
    again: str = "index again; what was read until now is in the store"
    extra: str = "scrapdb"
    packages: tuple[str, ...] = ()


@contextmanager
def connected(address: str, file: str | None) -> Iterator[Cluster]:
    """Connect to a scheduler, whose workers have to be able to read what this process asks them to.

    A chunk of files that no worker survives ends with `BrokenExecutor`, as with a local pool, and so does everything
    when the scheduler is lost; a chunk whose worker is lost goes to another worker.

    Args:
        address: of the scheduler: tcp://host:8786.
        file: a file that every worker must see, if there is one on this machine to be read.

    Raises:
        UsageError: distributed is not installed.
        ScrapdbError: the scheduler cannot be reached, or its workers cannot do it.
    """
    with connection(address, file, Work()) as client:
        yield Cluster(client)


@contextmanager
def connection(address: str, file: str | None, work: Work) -> Iterator[Client]:
    """Connect to a scheduler that has workers, all of which can do some work. Arguments and errors are as above."""
    check_installed(address)
    from distributed import Client

    with _quiet(), ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address, timeout=_SECONDS, set_as_default=False))
            _check_workers(client, address, file, work)
        except (OSError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise ScrapdbError(
                f"The scheduler {address} cannot be reached: {reason}. Start it and {work.again}."
            ) from error
        yield client


def check_installed(address: str) -> None:
    """Refuse a scheduler that cannot be reached since distributed is not installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        wanted = "which is not installed: `pip install 'scrapdb[distributed]'`"
        raise UsageError(f"The scheduler {address} is reached with distributed, {wanted}.") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the client log no tracebacks of a scheduler that is lost."""
    logs = [logging.getLogger(name) for name in _LOGS]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


class Cluster:
    """What submits to a scheduler."""

    def __init__(self, client: Client) -> None:
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        # distributed's executor raises ValueError for a result whose worker is lost while it is handed on.
        self._lost = (KilledWorker, CommClosedError, futures.CancelledError, ValueError)
        self._client = client
        self._deserted_since: float | None = None
        self._executor = client.get_executor(pure=False)
        self.size = sum(client.nthreads().values()) or 1

    def submit(self, called: Callable[[Argument], Result], argument: Argument, /) -> futures.Future[Result]:
        """Have something called by a worker."""
        if self._is_closed():
            raise futures.BrokenExecutor
        future: futures.Future[Result] = futures.Future()
        self._executor.submit(called, argument).add_done_callback(partial(self._hand_on, future))
        return future

    def _hand_on(self, future: futures.Future[Result], done: futures.Future[Result]) -> None:
        """Hand a result on; if there will be none, for no fault of what was called, the pool is broken."""
        self._deserted_since = None
        try:
            future.set_result(done.result())
        except self._lost as error:
            future.set_exception(futures.BrokenExecutor(str(error)))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the one who waits
            future.set_exception(error)

    def is_lost(self) -> bool:
        """Return whether there has been no worker for so long that what was submitted would wait for ever."""
        with suppress(Exception):  # a client that loses its scheduler meanwhile fails in many ways
            if self._client.nthreads(callback_timeout=_SECONDS):
                self._deserted_since = None
                return False
        now = time.monotonic()
        self._deserted_since = self._deserted_since or now
        return self._is_closed() or now - self._deserted_since > _DESERTED_SECONDS

    def _is_closed(self) -> bool:
        """Return whether the client has closed itself, as it does when its scheduler does not come back."""
        return self._client.status not in {"running", "connecting"}


def installed() -> str:
    """Return the version of scrapdb that is installed here."""
    from importlib.metadata import version

    return version("scrapdb")


def look(file: str | None, packages: Sequence[str] = ()) -> tuple[str, bool, list[str]]:
    """Return the version of scrapdb, whether a file can be seen, and which packages are missing.

    This is what workers are asked first.
    """
    missing = [package for package in packages if find_spec(package) is None]
    return installed(), file is None or Path(file).exists(), missing


def problems(client: Client, file: str | None, work: Work, workers: list[str] | None = None) -> dict[str, str]:
    """Ask workers whether they can do some work; return by address a sentence about what is wrong, or nothing.

    Args:
        client: of their scheduler.
        file: a file that they must see.
        work: what they are wanted for.
        workers: their addresses; by default all are asked.
    """
    answers = client.run(look, file, work.packages, workers=workers, on_error="return")
    return {worker: _problem(f"The worker {worker}", answer, file, work) for worker, answer in answers.items()}


def _problem(who: str, answer: tuple[str, bool, list[str]] | BaseException, file: str | None, work: Work) -> str:
    if isinstance(answer, BaseException):
        return f"{who} cannot {work.does}: {answer}. Install {work.extra} {installed()} there."
    version, sees, missing = answer
    if version != installed():
        return f"{who} has scrapdb {version}; install {installed()}, as here."
    if missing:
        return f"{who} cannot {work.does}: {', '.join(missing)} is missing. Install {work.extra} {installed()} there."
    return "" if sees else f"{who} does not see {file}; workers need the same disk, or a URL."


def _check_workers(client: Client, address: str, file: str | None, work: Work) -> None:
    try:
        client.wait_for_workers(1, timeout=_SECONDS)
    except TimeoutError:
        wanted = f"Start one (`dask worker {address}`) and {work.again}."
        raise ScrapdbError(f"The scheduler {address} has no workers. {wanted}") from None
    if found := next(filter(None, problems(client, file, work).values()), None):
        raise ScrapdbError(found)
