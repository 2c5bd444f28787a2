"""Reading notebooks on a cluster: a scheduler of dask.distributed, with the face of a local pool of processes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from concurrent.futures import CancelledError
from concurrent.futures import Executor
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.version import VERSION

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")
_SECONDS = 10  # to wait for the scheduler, and for its first worker


@contextmanager
def connected(address: str, file: str | None) -> Iterator[Executor]:
    """Connect to a scheduler, whose workers have to be able to read what this process asks them to.

    A chunk of files that no worker survives ends with `BrokenExecutor`, as with a local pool; one whose worker is lost
    goes to another worker.

    Args:
        address: of the scheduler: tcp://host:8786.
        file: a file that every worker must see, if there is one on this machine to be read.

    Raises:
        UsageError: distributed is not installed.
        ScrapdbError: the scheduler cannot be reached, or its workers cannot do it.
    """
    try:
        from distributed import Client
    except ImportError:
        wanted = "which is not installed: `pip install 'scrapdb[distributed]'`"
        raise UsageError(f"The scheduler {address} is reached with distributed, {wanted}.") from None
    try:
        client = Client(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise ScrapdbError(f"The scheduler {address} cannot be reached: {reason}.") from error
    with client:
        _check_workers(client, address, file)
        yield _Cluster(client)


class _Cluster(Executor):
    """What submits to a scheduler."""

    def __init__(self, client: Client) -> None:
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        self._lost = (KilledWorker, CommClosedError, CancelledError)
        self._executor = client.get_executor(pure=False)
        self._max_workers = sum(client.nthreads().values())  # by the name that concurrent.futures has for it

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        future: Future[Result] = Future()
        self._executor.submit(fn, *args, **kwargs).add_done_callback(partial(self._hand_on, future))
        return future

    def _hand_on(self, future: Future[Result], done: Future[Result]) -> None:
        """Hand a result on; if there will be none, for no fault of what was called, the pool is broken."""
        try:
            future.set_result(done.result())
        except self._lost as error:
            future.set_exception(BrokenExecutor(str(error)))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the one who waits
            future.set_exception(error)


def look(file: str | None) -> tuple[str, bool]:
    """Tell the version of scrapdb, and whether a file can be seen. This is what workers are asked first."""
    return VERSION, file is None or Path(file).exists()


def _check_workers(client: Client, address: str, file: str | None) -> None:
    try:
        client.wait_for_workers(1, timeout=_SECONDS)
    except TimeoutError:
        raise ScrapdbError(f"The scheduler {address} has no workers.") from None
    for worker, answer in client.run(look, file, on_error="return").items():
        if isinstance(answer, BaseException):
            raise ScrapdbError(f"The worker {worker} cannot read notebooks: {answer}. Install scrapdb {VERSION} there.")
        version, sees = answer
        if version != VERSION:
            raise ScrapdbError(f"The worker {worker} has scrapdb {version}; install {VERSION}, as here.")
        if not sees:
            raise ScrapdbError(f"The worker {worker} does not see {file}; workers need the same disk, or a URL.")
