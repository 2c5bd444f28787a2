"""Batches on a real cluster of this machine: a scheduler and two worker processes, some of which are killed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.facts import Execution
from scrapdb.running.batches import cluster
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.retries import Retries
from scrapdb.running.batches.runs import Runs
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.task import Confines
from scrapdb.running.task import Task
from tests import notebook_builder as nb
from tests.clusters import running_scheduler
from tests.clusters import scheduling
from tests.clusters import worker
from tests.clusters import workers
from tests.running.pretending import request
from tests.stores import query

# A worker that only pretends to execute, and writes down each run that it begins.
PRETENDING = """
import pathlib
from scrapdb.running.kernels import execute
from tests.running.pretending import pretended
def noted(task, watch, stop):
    with (pathlib.Path(task.output).parent.parent / "begun.log").open("a") as log:
        log.write(f"{task.output} {task.attempt}\\n")
    return pretended(task, watch, stop)
execute.execute = noted
"""
WITHOUT = "import sys; sys.modules['scrapdb'] = None\n"
BARE = """
from importlib import util
find = util.find_spec
util.find_spec = lambda name: None if name in ("papermill", "psutil") else find(name)
"""
BLIND = (
    "import pathlib; e = pathlib.Path.exists; pathlib.Path.exists = lambda p: 'scrapdb-run' not in p.name and e(p)\n"
)
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# As scrapbook does it, since the kernels need not have it, nor scrapdb.
GLUE = """
from IPython.display import display
scrap = {"name": "x", "data": x, "encoder": "json", "version": 1}
shown = {"scrapbook": {"name": "x", "data": True, "display": False}}
display({"application/scrapbook.scrap.json+json": scrap}, metadata=shown, raw=True)
open("beside.txt").read()
"""
STATES = "SELECT notebook, attempt, state, reason FROM executions ORDER BY rowid"
RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from scrapdb.running.batches.batch import carry_out
from tests.running.pretending import request
carry_out(request(Path(sys.argv[2]), [{"takes": 60}, {"takes": 60}], scheduler=sys.argv[3]))
"""


class Listener(Audience):
    """Remembers what it is told, and does something with it."""

    def __init__(self, then: Callable[[Event], None] = lambda _: None) -> None:
        self.events: list[Event] = []
        self.warnings: list[str] = []
        self.jobs = 0
        self._then = then

    def began(self, tasks: Any, expected_seconds: float | None, jobs: int) -> None:
        del tasks, expected_seconds
        self.jobs = jobs

    def heard(self, event: Event) -> None:
        self.events.append(event)
        self._then(event)

    def warned(self, sentence: str) -> None:
        self.warnings.append(sentence)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with running_scheduler() as address:
        yield address


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "begun.log"


@pytest.fixture(scope="module")
def pair() -> Iterator[str]:
    """A scheduler with two workers that survive."""
    with running_scheduler() as address, workers(address, 2, PRETENDING):
        yield address


def begun(log: Path) -> list[str]:
    """Name the runs that were begun, with their attempts, in order."""
    return sorted(line.rpartition("/")[2] for line in log.read_text().splitlines())


def states(runs: Runs) -> list[str]:
    return [run.state for run in runs]


def test_real_runs_on_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by relative paths; with files kept, events, and a secret that is nowhere afterwards."""
    monkeypatch.chdir(tmp_path)
    cells = (
        nb.code("x = 0", count=None, tags=("parameters",)),
        nb.code("print(key[::-1], key); open('kept.txt', 'w').write(str(x))", count=None),
        nb.code(GLUE, count=None),
    )
    nb.write(Path("source.ipynb"), nb.notebook(*({**cell, "id": str(n)} for n, cell in enumerate(cells)), **PYTHON))
    Path("beside.txt").write_text("beside")
    listener = Listener()
    with scheduling() as (address, scheduler), workers(address, 2) as processes:
        asked = request(Path(), [{"x": n + 1} for n in range(3)], scheduler=address, keep_files=("*.txt",))
        asked = replace(asked, secrets={"key": "hunter2-hunter2"}, confines=Confines(beside=("beside.txt",)))
        runs = carry_out(asked, listener)
        logs = ""
        for process in (scheduler, *processes):
            process.kill()
            logs += process.stderr.read() if process.stderr else ""
    assert states(runs) == ["completed"] * 3, [run.reason for run in runs]
    assert (listener.jobs, [run.scraps["x"] for run in runs]) == (2, [1, 2, 3])
    assert [Path(f"out/{n}.files/kept.txt").read_text() for n in range(3)] == ["1", "2", "3"]
    kinds = {event.kind for event in listener.events}
    assert kinds == {"started", "cell", "output"}
    assert {event.cells for event in listener.events} == {4}
    assert any(event.text.startswith("2retnuh-2retnuh [secret]\n") for event in listener.events)  # the kernel had it
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"hunter2-hunter2" not in path.read_bytes()
    assert "hunter2-hunter2" not in logs
    assert query(Path("scraps.db"), "SELECT notebook, state, cell, cells FROM executions ORDER BY notebook")[0][:2] == (
        "out/0.ipynb",
        "completed",
    )


def test_what_a_killed_worker_had_is_lost_and_executed_again_if_that_is_wanted(
    scheduler: str, tmp_path: Path, log: Path
) -> None:
    rows = [{"takes": 1}, {"takes": 1}, {}, {}, {}]
    with workers(scheduler, 2, PRETENDING) as processes:

        def kill(event: Event) -> None:
            if event.kind == "cell" and len(processes) == 2:
                processes.pop().kill()

        runs = carry_out(request(tmp_path, rows, scheduler=scheduler, retries=Retries(most=1)), Listener(kill))
    assert states(runs) == ["completed"] * 5
    ((path, attempt, reason),) = query(
        tmp_path / "scraps.db", "SELECT notebook, attempt, reason FROM executions WHERE state = 'lost'"
    )
    assert path in {"out/0.ipynb", "out/1.ipynb"}
    assert attempt == 1
    assert re.fullmatch(r"its worker tcp://127\.0\.0\.1:\d+ was gone before it ended", reason)
    assert begun(log) == sorted([*(f"{n}.ipynb 1" for n in range(5)), f"{path[4:]} 2"])


def test_when_no_worker_is_left_what_waits_is_lost(
    scheduler: str, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_DESERTED", 0.5)
    with ExitStack() as stack:
        processes = stack.enter_context(workers(scheduler, 2, PRETENDING))

        def kill(event: Event) -> None:
            until(lambda: len(begun(log)) == 2)
            while event.kind == "cell" and processes:
                processes.pop().kill()

        runs = carry_out(request(tmp_path, [{"takes": 60}] * 2 + [{}], scheduler=scheduler), Listener(kill))
    assert states(runs) == ["lost"] * 3
    assert runs[2].reason == "no worker of the scheduler was left"
    for n in range(2):  # what they had written says so, too, and is in the store
        record = json.loads((tmp_path / f"out/{n}.ipynb").read_bytes())["metadata"]["scrapdb"]["run"]
        assert record["reason"] == runs[n].reason
    assert query(tmp_path / "scraps.db", "SELECT status FROM notebooks") == [("lost",)] * 2
    assert begun(log) == ["0.ipynb 1", "1.ipynb 1"]


def test_when_the_scheduler_is_gone_all_is_lost(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_DESERTED", 0.5)
    monkeypatch.setattr(cluster, "_ANSWER", 1.0)
    with ExitStack() as stack:
        address, process = stack.enter_context(scheduling())
        stack.enter_context(workers(address, 2, PRETENDING))
        asked = request(tmp_path, [{"takes": 60}] * 3, scheduler=address)
        runs = carry_out(asked, Listener(lambda event: process.kill() if event.kind == "cell" else None))
    assert states(runs) == ["lost"] * 3
    assert begun(log) == ["0.ipynb 1", "1.ipynb 1"]


def test_stopping_reaches_the_workers(pair: str, tmp_path: Path, log: Path) -> None:
    stop = Stop()
    asked = request(tmp_path, [{"takes": 60}] * 3, scheduler=pair)
    began = time.monotonic()
    runs = carry_out(asked, Listener(lambda event: stop.interrupt() if event.kind == "cell" else None), stop)
    assert time.monotonic() - began < 20
    assert states(runs) == ["cancelled"] * 3
    assert runs[2].reason == "it had not begun when the batch was stopped"
    assert begun(log) == ["0.ipynb 1", "1.ipynb 1"]


def test_nothing_begins_after_a_failure_that_is_to_be_the_last(pair: str, tmp_path: Path, log: Path) -> None:
    rows: list[dict[str, Any]] = [{"takes": 2}, {"ends": "failed", "takes": 0.5}, {}, {}]
    runs = carry_out(request(tmp_path, rows, scheduler=pair, fail_fast=True))
    assert states(runs) == ["completed", "failed", "cancelled", "cancelled"]
    assert begun(log) == ["0.ipynb 1", "1.ipynb 1"]


def test_what_nobody_waits_for_any_more_ends(pair: str, tmp_path: Path, log: Path) -> None:
    """The runner is killed; its runs end on the workers, and the next runner finds them lost."""
    command = [sys.executable, "-c", RUN, str(Path(__file__).parent.parent.parent), str(tmp_path), pair]
    with subprocess.Popen(command) as runner:
        until(lambda: log.exists() and len(begun(log)) == 2)
        runner.kill()

    def ended() -> bool:
        records = [json.loads((tmp_path / f"out/{n}.ipynb").read_bytes())["metadata"]["scrapdb"] for n in range(2)]
        return all(record["run"]["state"] == "cancelled" for record in records)

    until(ended)
    runs = carry_out(request(tmp_path, [{}, {}], scheduler=pair, resume=True))
    assert states(runs) == ["completed"] * 2
    assert [row[2] for row in query(tmp_path / "scraps.db", STATES)] == ["cancelled"] * 2 + ["completed"] * 2


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_that_comes_later_is_used_if_it_can_be(scheduler: str, tmp_path: Path, log: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(worker(scheduler, PRETENDING))
        stop, started = Stop(), set()

        def come(event: Event) -> None:
            started.add(event.task.id)
            if event.kind == "cell" and len(started) == 1:
                stack.enter_context(worker(scheduler, BARE))
                stack.enter_context(worker(scheduler, PRETENDING))
            elif len(started) == 2:
                stop.interrupt()

        listener = Listener(come)
        runs = carry_out(request(tmp_path, [{"takes": 60}] * 2, scheduler=scheduler), listener, stop)
    assert states(runs) == ["cancelled"] * 2
    assert begun(log) == ["0.ipynb 1", "1.ipynb 1"]  # both at the same time
    (warning,) = listener.warnings
    assert "cannot run notebooks: papermill, psutil is missing. Install scrapdb[run]" in warning
    assert warning.endswith("It is not used.")


def test_a_worker_at_an_address_that_another_one_had_does_not_do_its_runs_again(
    scheduler: str, tmp_path: Path, log: Path
) -> None:
    """As when one is started anew on the same port, before the runner has seen that the first is gone."""
    from distributed import Client

    from scrapdb.running.batches.worker import execute_here

    task = Task(id="id", batch="batch", notebook="in.ipynb", content=b"", output=str(tmp_path / "out.ipynb"))
    with worker(scheduler, PRETENDING), Client(scheduler, set_as_default=False) as client:
        execution: Execution = client.submit(execute_here, task, "key", "another", "topic").result()
    assert (execution.state, execution.reason) == ("lost", "its worker was started anew before it ended")
    assert not log.exists()


def test_what_keeps_workers_from_running_notebooks_is_a_sentence(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrapdb.indexing.cluster._SECONDS", 1)
    asked = request(tmp_path, [{}], scheduler=scheduler)
    with pytest.raises(ScrapdbError, match=r"has no workers\. Start one \(`dask worker .*`\) and run again\.$"):
        carry_out(asked)
    with (
        worker(scheduler, WITHOUT),
        pytest.raises(ScrapdbError, match=r"cannot run notebooks: .*scrapdb.*\. Install scrapdb\[run\] .* there\."),
    ):
        carry_out(asked)
    with (
        worker(scheduler, BARE),
        pytest.raises(
            ScrapdbError,
            match=r"cannot run notebooks: papermill, psutil is missing\. Install scrapdb\[run\] .* there\.",
        ),
    ):
        carry_out(asked)
    with (
        worker(scheduler, BLIND),
        pytest.raises(ScrapdbError, match=r"does not see .*/out/\.scrapdb-run\.lock; workers"),
    ):
        carry_out(asked)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'scrapdb\[distributed\]'"):
        carry_out(asked)
    assert query(tmp_path / "scraps.db", "SELECT count(*) FROM executions") == [(0,)]
    assert not (tmp_path / "out/.scrapdb-run.lock").exists()


def test_a_scheduler_without_scrapdb(tmp_path: Path) -> None:
    with running_scheduler(WITHOUT) as address, worker(address, PRETENDING):
        runs = carry_out(request(tmp_path, [{}], scheduler=address))
    assert states(runs) == ["completed"], runs[0].reason
