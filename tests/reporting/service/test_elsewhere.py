"""Reports whose notebooks run on a cluster of this machine: a scheduler and two worker processes, one is killed."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scrapdb.reporting.making import batch
from scrapdb.reporting.making import record
from scrapdb.reporting.making.tokens import Wish as TokenWish
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.desk import ask
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.running.batches.settings import Settings
from tests.clusters import running_scheduler
from tests.clusters import scheduling
from tests.clusters import workers
from tests.reporting.service.bundles import write
from tests.reporting.service.test_work import until
from tests.reporting.service.test_work import words

YOU = Person("you")
# A worker that writes down each run that it begins, which is then a real one.
NOTING = """
import os, pathlib
from scrapdb.running.kernels import execute
real = execute.execute
def noted(task, watch, stop):
    with (pathlib.Path(task.output).parent.parent / "begun.log").open("a") as log:
        log.write(f"{os.getpid()} {pathlib.Path(task.output).parent.name}\\n")
    return real(task, watch, stop)
execute.execute = noted
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[str]:
    """A scheduler with two workers that survive."""
    with running_scheduler() as address, workers(address, 2, NOTING):
        yield address


@contextmanager
def working(desk: Desk, scheduler: str) -> Iterator[list[str]]:
    """Have a worker of the service at work, and yield what it tells, which is complete at the end."""
    told: list[str] = []
    command = words(desk, "--scheduler", scheduler, "-j", "8")
    worker = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield told
    finally:
        worker.terminate()
        told += worker.communicate(timeout=60)[1].splitlines()
        assert "Traceback" not in "\n".join(told)


def asked(desk: Desk, count: int) -> list[Request]:
    return [ask(desk, YOU, Wish(bundle="sales", parameters={"times": n}))[0] for n in range(count)]


def now(desk: Desk, asked: list[Request]) -> list[Request]:
    """Read requests as they are now."""
    found = [requests.get(desk.ledger, request.id) for request in asked]
    return [each for each in found if each]


def over(desk: Desk, asked: list[Request]) -> bool:
    return not any(each.is_open for each in now(desk, asked))


def begun(desk: Desk) -> list[tuple[str, str]]:
    """Return which worker process began which report, in order."""
    lines = (desk.reports / "begun.log").read_text().splitlines()
    return [(process, report) for process, _, report in (line.partition(" ") for line in lines)]


def test_notebooks_run_there_and_pages_are_made_here(desk: Desk, bundles: Path, pair: str) -> None:
    write(bundles / "waits", "import time\nprint(region.upper())\ntime.sleep(1)\nscrapdb.glue('total', 10 * times)")
    wanted = [ask(desk, YOU, Wish(bundle="waits", parameters={"times": n}))[0] for n in range(3)]
    with working(desk, pair):
        until(lambda: over(desk, wanted))
    assert [(each.state, each.attempt, each.reason) for each in now(desk, wanted)] == [("completed", 1, None)] * 3
    processes, reports = zip(*begun(desk), strict=True)
    assert (len(set(processes)), sorted(reports)) == (2, sorted(each.id for each in wanted))  # both had some
    for n, each in enumerate(wanted):
        directory = desk.reports / each.id
        assert f"<h1>Sales north</h1><p>{10 * n}</p>" in (directory / "report.html").read_text()
        lines = [line.partition("Z ")[2] or line for line in (directory / "log.txt").read_text().splitlines()]
        cells = [line for line in lines if line.startswith("Cell ")]
        assert cells == ["Cell 0 (1 of 3)", "Cell 1 (2 of 3)", "Cell 2 (3 of 3)"]  # papermill's own is the second
        assert lines[lines.index(cells[-1]) + 1] == "  NORTH"
        assert lines[-1] == "The report is completed"


def test_what_a_killed_worker_had_is_made_again(desk: Desk, bundles: Path) -> None:
    write(bundles / "waits", "import time\ntime.sleep(2)\nscrapdb.glue('total', times)")
    wanted = [ask(desk, YOU, Wish(bundle="waits", parameters={"times": n}))[0] for n in range(8)]
    with running_scheduler() as address, workers(address, 2, NOTING) as processes, working(desk, address) as told:
        until(lambda: sum(each.cell is not None and each.cell > 1 for each in now(desk, wanted)) == 2)
        processes.pop().kill()
        until(lambda: over(desk, wanted), 120)
    ended = now(desk, wanted)
    assert [each.state for each in ended] == ["completed"] * 8
    (again,) = [each for each in ended if each.attempt > 1]
    assert Counter(report for _, report in begun(desk)) == Counter({each.id: each.attempt for each in ended})
    assert any(f"{again.id} is tried again: its worker tcp://127.0.0.1:" in line for line in told)
    for n, each in enumerate(wanted):
        assert f"<p>{n}</p>" in (desk.reports / each.id / "report.html").read_text()
        assert record.read(desk.reports / each.id).state == "completed"


def test_what_is_asked_for_waits_while_there_is_no_scheduler(desk: Desk, bundles: Path) -> None:
    write(bundles / "slow", "import time\nif times: time.sleep(600)")
    with scheduling() as (address, process):
        port = address.rpartition(":")[2]
        with workers(address, 1, NOTING), working(desk, address) as told:
            slow, _ = ask(desk, YOU, Wish(bundle="slow"))
            until(lambda: now(desk, [slow])[0].cell == 3)
            process.kill()
            process.wait()
            until(lambda: now(desk, [slow])[0].state == "retrying", 120)
            requests.cancel(desk.ledger, slow.id, "you")
            wanted = asked(desk, 2)
            with scheduling(port=port) as (same, _), workers(same, 1, NOTING):
                until(lambda: over(desk, wanted), 120)
    assert [(each.state, each.attempt) for each in now(desk, wanted)] == [("completed", 1)] * 2, told
    assert sum("cannot be reached" in line for line in told) <= 1  # it is told once, if it was tried meanwhile


def test_what_is_cancelled_ends_there_and_what_is_interrupted_waits(desk: Desk, bundles: Path, pair: str) -> None:
    write(bundles / "slow", "import time\ntime.sleep(600)")
    with working(desk, pair):
        first, second = (ask(desk, YOU, Wish(bundle="slow", parameters={"times": n}))[0] for n in range(2))
        until(lambda: all(each.cell == 3 for each in now(desk, [first, second])))
        requests.cancel(desk.ledger, first.id, "ben")
        until(lambda: over(desk, [first]))
    assert [(each.state, each.reason) for each in now(desk, [first, second])] == [
        ("cancelled", "ben cancelled it"),
        ("queued", None),
    ]


class Issuer:
    """Issues one token, and remembers which ones it was asked to revoke."""

    def __init__(self) -> None:
        self.revoked: list[str] = []

    def issue(self, wish: TokenWish) -> str:
        del wish
        return "hunter2-hunter2"

    def revoke(self, token: str) -> None:
        self.revoked.append(token)


def test_a_token_reaches_the_notebook_and_nothing_else(desk: Desk, bundles: Path, pair: str) -> None:
    code = "print(TOKEN[::-1], TOKEN)\nscrapdb.glue('total', len(TOKEN))"
    where, issuer = write(bundles / "token", code), Issuer()
    notebook = where / "report.ipynb"
    notebook.write_text(notebook.read_text().replace("times = 1", "times = 1\\nTOKEN = ''"))
    host = batch.Host(desk.reports, desk.store, Settings(scheduler=pair), token=issuer)
    made = batch.build([batch.Entry(bundle=str(where))], host)
    assert [(each.state, each.reason) for each in made] == [("completed", None)]
    (directory,) = [each.directory for each in made]
    assert directory
    assert "<p>15</p>" in (directory / "report.html").read_text()
    assert "  2retnuh-2retnuh [secret]\n" in (directory / "log.txt").read_text()
    assert issuer.revoked == ["hunter2-hunter2"]
    for path in desk.reports.parent.rglob("*"):
        assert path.is_dir() or b"hunter2-hunter2" not in path.read_bytes()
