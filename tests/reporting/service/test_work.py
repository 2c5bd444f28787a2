"""Workers: real processes with real kernels, which are killed as well."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psutil
import pytest
from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.reporting.making import batch
from scrapdb.reporting.making import record
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.desk import ask
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.work import making
from scrapdb.running.events import Event
from scrapdb.running.task import Task
from tests.reporting.service.bundles import write

YOU = Person("you")


def words(desk: Desk, *more: str) -> list[str]:
    service = ["report", "work", desk.catalogue.where, "-o", str(desk.reports), "--db", str(desk.store)]
    return [sys.executable, "-m", "scrapdb", *service, *more]


@contextmanager
def working(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    worker = subprocess.Popen(words(desk), stderr=subprocess.PIPE)
    try:
        yield worker
    finally:
        worker.terminate()
        assert b"Traceback" not in worker.communicate(timeout=60)[1]


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def state(desk: Desk, request: Request) -> str:
    found = requests.get(desk.ledger, request.id)
    assert found
    return found.state


def test_a_worker_makes_what_is_asked_for(desk: Desk, bundles: Path) -> None:
    write(bundles / "wrong", "1 / 0")
    write(bundles / "slow", "import time\nopen('begun', 'w')\ntime.sleep(600)")
    well, _ = ask(desk, YOU, Wish(bundle="sales", parameters={"region": "south", "times": 2}, language="ca"))
    wrong, _ = ask(desk, YOU, Wish(bundle="wrong"))
    with working(desk):
        until(lambda: not any(each.is_open for each in requests.latest(desk.ledger)))
        assert (state(desk, well), state(desk, wrong)) == ("completed", "error")
        assert "<h1>Sales south</h1><p>10</p>" in (desk.reports / well.id / "report.html").read_text()
        failed = requests.get(desk.ledger, wrong.id)
        assert failed
        assert (failed.attempt, "division by zero" in str(failed.reason)) == (1, True)
        slow, _ = ask(desk, YOU, Wish(bundle="slow"))
        until(lambda: (requests.get(desk.ledger, slow.id) or slow).cell)
        requests.cancel(desk.ledger, slow.id, "ben")
        until(lambda: state(desk, slow) == "cancelled")
        cancelled = requests.get(desk.ledger, slow.id)
        assert cancelled
        assert cancelled.reason == "ben cancelled it"
        again, _ = ask(desk, YOU, Wish(bundle="slow"))
        until(lambda: state(desk, again) == "running")
    assert state(desk, again) == "queued"  # for the next worker
    assert list(desk.reports.glob("*.lock")) == []


def test_who_is_killed_leaves_it_to_the_next(desk: Desk, bundles: Path) -> None:
    write(bundles / "slow", "import time\ntime.sleep(600)")
    request, _ = ask(desk, YOU, Wish(bundle="slow"))
    worker = subprocess.Popen(words(desk), stderr=subprocess.DEVNULL)
    try:
        until(lambda: (requests.get(desk.ledger, request.id) or request).cell)
        children = psutil.Process(worker.pid).children(recursive=True)
    finally:
        worker.kill()
        worker.wait()
    psutil.wait_procs(children, timeout=20)
    assert [each for each in children if each.is_running()] == []
    (lock,) = desk.reports.glob("*.lock")
    assert [*ledger.temporary(str(lock)).iterdir()]
    with ledger.worker(desk.reports) as mine:
        assert making.recover(desk, mine) == 1
    found = requests.get(desk.ledger, request.id)
    assert found
    assert (found.state, found.attempt, found.reason) == ("retrying", 2, making.GONE)
    assert not ledger.temporary(str(lock)).exists()


def test_it_ends_with_its_parent(desk: Desk) -> None:
    with subprocess.Popen(words(desk, "--until-end-of-input"), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stdin
        assert worker.stderr
        assert b"worker began" in worker.stderr.readline()
        worker.stdin.close()
        assert worker.wait(30) == 0


@pytest.fixture
def mine(desk: Desk) -> Iterator[str]:
    with ledger.worker(desk.reports) as name:
        yield name


def claimed(desk: Desk, worker: str) -> Request:
    ask(desk, YOU, Wish(bundle="sales"))
    request = requests.claim(desk.ledger, worker, most=10)
    assert request
    return request


def test_what_was_made_before_the_end_is_not_made_again(desk: Desk, mine: str) -> None:
    with ledger.worker(desk.reports) as gone:
        request = claimed(desk, gone)
    order = batch.asked(
        batch.Entry(bundle=str(Path(desk.catalogue.where, "sales")), name=request.id),
        batch.Host(desk.reports, desk.store),
    ).orders[0]
    order.directory.mkdir()
    made = record.begun(order, Execution(state="completed"))
    record.write(order.directory, replace(made, made_at=ledger.now()))
    assert making.recover(desk, mine) == 1
    assert state(desk, request) == "completed"


def test_what_could_not_be_written_down_is_written_down_later(desk: Desk, mine: str) -> None:
    under_way, dropped = claimed(desk, mine), claimed(desk, mine)
    assert making.recover(desk, mine, [under_way.id]) == 1
    assert (state(desk, under_way), state(desk, dropped)) == ("running", "retrying")


def test_a_busy_ledger_breaks_no_report(desk: Desk, mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    request = claimed(desk, mine)
    watch = making.Watch(desk, request)
    watch.heard(Event(cast("Task", None), "cell", 2, 3))  # whose it is, is not looked at

    def busy(*_: object) -> None:
        raise ScrapdbError("The ledger failed: database is locked.")

    with monkeypatch.context() as patched:
        patched.setattr(requests, "reached", busy)
        watch.ticked()
    watch.ticked()
    found = requests.get(desk.ledger, request.id)
    assert found
    assert (found.cell, found.cells) == (2, 3)


@pytest.mark.parametrize(
    ("ended", "reason", "error", "again"),
    [
        ("timed out", "after 120 s", None, True),
        ("lost", None, None, True),
        ("error", "not ready in 60 s", None, True),
        ("error", "…", "ReadTimeout", True),
        ("error", "…", "ConnectionError", True),
        ("error", "…", "KeyError", False),
        ("killed", "memory 2.0 of 2.0 GB", None, False),
        ("skipped", "nothing new", None, False),
    ],
)
def test_what_may_pass_is_tried_again(  # noqa: PLR0917 - a row each
    desk: Desk, mine: str, ended: str, reason: str | None, error: str | None, again: bool
) -> None:
    request = claimed(desk, mine)
    if error:
        order = batch.asked(
            batch.Entry(bundle=str(Path(desk.catalogue.where, "sales")), name=request.id),
            batch.Host(desk.reports, desk.store),
        ).orders[0]
        order.directory.mkdir()
        begun = record.begun(order, Execution(state="failed"))
        trace = record.Trace(name=error, value="")
        record.write(order.directory, replace(begun, trace=trace))
    making.settle(desk, request, mine, ended, reason)
    assert state(desk, request) == ("retrying" if again else ended)


def test_there_is_an_end_to_trying(desk: Desk, mine: str) -> None:
    request = claimed(desk, mine)
    for _ in range(making.RETRIES):
        making.settle(desk, request, mine, "lost", "why")
        with desk.ledger.writing() as connection:
            connection.execute("UPDATE requests SET not_before = NULL")
        request = requests.claim(desk.ledger, mine, most=1) or request
    making.settle(desk, request, mine, "lost", "why")
    found = requests.get(desk.ledger, request.id)
    assert found
    assert (found.state, found.reason) == ("lost", "why (attempt 3)")
