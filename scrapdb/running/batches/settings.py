"""How runs are to be executed, as people say it: in Python, on a command line, in a batch file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import msgspec

from scrapdb.errors import UsageError
from scrapdb.running.batches import previous
from scrapdb.running.batches.retries import DEFAULT_CAUSES
from scrapdb.running.batches.retries import Retries
from scrapdb.running.batches.retries import causes
from scrapdb.running.kernels.walls import choose
from scrapdb.running.rows.units import duration
from scrapdb.running.rows.units import size
from scrapdb.running.task import Confines
from scrapdb.running.task import Limits

_DEFAULT = Limits()
Amount = float | str | None  # seconds or bytes, or a text such as 5m and 2GB


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but what runs and where to. `scrapdb.run` tells what each means."""

    name: str | None = None
    allow: tuple[str, ...] = ()
    jobs: int | None = None
    scheduler: str | None = None
    kernel: str | None = None
    fresh: bool = False
    resume: bool = False
    rerun: str | Iterable[str] = ()
    retries: int = 0
    retry_on: str | Iterable[str] = DEFAULT_CAUSES
    fail_fast: bool = False
    timeout: Amount = None
    cell_timeout: Amount = None
    start_timeout: float | str = _DEFAULT.start_timeout
    grace: float | str = _DEFAULT.grace
    memory: Amount = None
    cpu: Amount = None
    disk: Amount = None
    max_output: Amount = _DEFAULT.output
    wall: str | None = None
    network: bool = False
    read: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    keep_files: tuple[str, ...] = ()

    def for_request(self) -> dict[str, Any]:
        """Return what of a `Request` they say.

        Raises:
            UsageError: one of them is wrong, or two contradict each other.
            NoWallError: the wall that is demanded cannot be had on this machine.
        """
        rerun = previous.states(self.rerun)
        if self.resume and rerun:
            raise UsageError("--resume runs what has not ended well anyway, --rerun nothing else. Name one.")
        if self.retries < 0 or (self.jobs is not None and self.jobs < 1):
            raise UsageError("There is at least one run at once, and no fewer than 0 retries.")
        if self.wall is not None and self.scheduler is None:
            choose(self.wall)
        return {
            "limits": self._limits(),
            "confines": self._confines(),
            "kernel": self.kernel,
            "fresh": self.fresh,
            "keep_files": self.keep_files,
            "jobs": self.jobs,
            "scheduler": self.scheduler,
            "resume": self.resume,
            "rerun": rerun,
            "retries": Retries(self.retries, causes(self.retry_on)),
            "fail_fast": self.fail_fast,
        }

    def _limits(self) -> Limits:
        cpu = _seconds(self.cpu)
        return Limits(
            memory=_bytes(self.memory),
            cpu=None if cpu is None else max(int(cpu), 1),
            disk=_bytes(self.disk),
            timeout=_seconds(self.timeout),
            cell_timeout=_seconds(self.cell_timeout),
            start_timeout=duration(self.start_timeout),
            grace=duration(self.grace),
            cell_output=_least(_DEFAULT.cell_output, _bytes(self.max_output)),
            output=_bytes(self.max_output),
        )

    def _confines(self) -> Confines:
        missing = [name for name in self.env if name not in os.environ]
        if missing:
            raise UsageError(f"There is no environment variable {' or '.join(missing)} to hand on.")
        env = tuple((name, os.environ[name]) for name in self.env)
        return Confines(wall=self.wall, network=self.network, read=self.read, beside=self.beside, env=env)


def _seconds(amount: Amount) -> float | None:
    return None if amount is None else duration(amount)


def _bytes(amount: Amount) -> int | None:
    return None if amount is None else size(amount)


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
