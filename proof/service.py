"""A service of reports gets more to do than it can, while it and its workers are killed: each report is made once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests.reporting.service.bundles import write

_REQUESTS, _AT_ONCE = 200, 2
_SHORTEST, _LONGEST = 2.0, 20.0  # seconds between two kills
_PATIENCE = 900.0  # seconds without a kill in which all has to be made
_PORT = 8799
_CODE = "import time\ntime.sleep(0.2)\nscrapdb.glue('total', times)"


def prove(trial: Trial) -> Iterator[Counts]:
    """Ask for all at once, kill at any moment, and look at what was made in the end."""
    write(trial.directory / "bundles" / "sales", _CODE)
    (trial.directory / "service.yaml").write_text(f"rate: 100000\neach: {_AT_ONCE}\n", encoding="utf-8")
    temporary = trial.part("t")  # with a short path, since sockets are below it
    service = _start(trial.directory)
    try:
        ids = [_ask(number) for number in range(_REQUESTS)]
        yield Counter({"requests": len(ids)})
        for _ in trial.rounds():
            time.sleep(trial.random.uniform(_SHORTEST, _LONGEST))
            service = _kill(trial, service)
            yield Counter({"kills": 1})
            if _open(trial.directory) == 0:
                break
        slowest = _wait(trial.directory)
        yield Counter({"milliseconds of the slowest answer": round(1000 * slowest)})
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(60)
    yield _look(trial.directory, ids)
    left = [path.name for path in temporary.iterdir()]
    claim(not left, f"In the directory for temporary files are left: {', '.join(left)}")
    claim(not _processes(trial.directory), "Processes are left.")


def _start(directory: Path) -> subprocess.Popen[bytes]:
    words = ["report", "serve", "bundles", "-o", "reports", "--db", "scraps.db", "--port", str(_PORT)]
    words += ["--config", "service.yaml", "-j", str(_AT_ONCE)]
    with (directory / "log.txt").open("ab") as log:
        env = {**os.environ, "TMPDIR": str(directory / "t")}
        command = [sys.executable, "-m", "scrapdb", *words]
        service = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log, env=env)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError):
            _answer("/health")
            return service
        time.sleep(0.1)
    claim(False, "The service does not begin.")  # noqa: FBT003
    raise AssertionError


def _answer(path: str, said: Any = None, **headers: str) -> Any:
    body = None if said is None else json.dumps(said).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    request = urllib.request.Request(f"http://127.0.0.1:{_PORT}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def _ask(number: int) -> str:
    """Ask twice, as a client does that has lost the answer."""
    said = {"bundle": "sales", "parameters": {"times": number}}
    first, second = (_answer("/reports", said, **{"Idempotency-Key": str(number)})["id"] for _ in range(2))
    claim(first == second, f"One key stands for {first} and {second}.")
    return str(first)


def _kill(trial: Trial, service: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Kill the service or its worker; return the service that is there then."""
    if trial.random.random() < 1 / 2:
        workers = [each for each in psutil.Process(service.pid).children() if "work" in each.cmdline()]
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        return service
    service.kill()
    service.wait()
    return _start(trial.directory)


def _wait(directory: Path) -> float:
    """Wait until all is made, and return the seconds of the slowest answer meanwhile."""
    slowest, end = 0.0, time.monotonic() + _PATIENCE
    while _open(directory):
        claim(time.monotonic() < end, f"{_open(directory)} reports are not made in {_PATIENCE:.0f} s.")
        began = time.monotonic()
        _answer("/reports")
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(1)
    return slowest


def _rows(database: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(statement).fetchall()


def _open(directory: Path) -> int:
    ledger = directory / "reports" / ".scrapdb-service.db"
    return int(_rows(ledger, "SELECT count(*) FROM requests WHERE ended_at IS NULL")[0][0])


def _look(directory: Path, ids: list[str]) -> Counts:
    """Compare what was asked for, what stands in the ledger, and what was made."""
    ledger = directory / "reports" / ".scrapdb-service.db"
    states = dict(_rows(ledger, "SELECT id, state FROM requests"))
    claim(sorted(states) == sorted(ids), "The ledger has other reports than were asked for.")
    made = Counter(json.loads(report)["id"] for (report,) in _completed(directory))
    for id_, state in states.items():
        reasons = _rows(ledger, f"SELECT reason FROM requests WHERE id = '{id_}'")
        claim(state == "completed" or reasons[0][0], f"{id_} is {state}, and nothing says why.")
        if state == "completed":
            claim(made[id_] == 1, f"{id_} was made {made[id_]} times.")
            claim((directory / "reports" / id_ / "report.html").exists(), f"{id_} has no page.")
    return Counter(f"reports {state}" for state in states.values())


def _completed(directory: Path) -> list[tuple[Any, ...]]:
    return _rows(directory / "scraps.db", "SELECT report FROM executions WHERE state = 'completed'")


def _processes(directory: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cmdline", "cwd"]) if each.info["cwd"] == str(directory)]
