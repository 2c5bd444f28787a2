"""A batch under way: what begins, what is tried again, what is stopped, and what the store says of it meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.lock import NAME
from scrapdb.running.batches.retries import Retries
from scrapdb.running.batches.runs import Run
from scrapdb.running.batches.runs import Runs
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.task import Task
from tests import sessions
from tests.running.pretending import pretended
from tests.running.pretending import request
from tests.stores import query

REFUSE = (
    "CREATE TRIGGER IF NOT EXISTS refuse BEFORE INSERT ON notebooks BEGIN SELECT RAISE(ABORT, 'nothing today'); END"
)
ATTEMPTS = "SELECT notebook, attempt, state FROM executions ORDER BY rowid"


class Listener(Audience):
    """Remembers what it is told, and does something when it is told of a run."""

    def __init__(self, then: Callable[[str], None] = lambda _: None) -> None:
        self.lines: list[str] = []
        self.threads = {threading.get_ident()}
        self._then = then

    def heard(self, event: Event) -> None:
        self._hear(f"{event.kind} {event.cell}/{event.cells} {event.text}".strip())

    def ended(self, run: Run, again_in: float | None) -> None:
        self._hear(f"{run.state} {again_in or ''}".strip())

    def warned(self, sentence: str) -> None:
        self._hear(sentence)

    def _hear(self, line: str) -> None:
        self.threads.add(threading.get_ident())
        self.lines.append(line)
        self._then(line)


def states(runs: Runs) -> list[str]:
    return [run.state for run in runs]


def test_runs_are_executed_and_in_the_store_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"x": 1, "takes": 0.3}, {"x": 2, "ends": "failed"}, {"x": 3, "ends": "skipped"}]
    listener = Listener()
    runs = carry_out(request(tmp_path, rows), listener, execute=pretended)
    assert states(runs) == ["completed", "failed", "skipped"]
    assert [run.parameters["x"] for run in runs] == [1, 2, 3]
    assert [run.path for run in runs.failed] == [str(tmp_path / "out/1.ipynb")]
    assert str(runs).startswith("3 runs: 1 completed, 1 skipped, 1 failed in ")
    assert str(runs).endswith(f" s, without a wall → {tmp_path}/out, {tmp_path}/scraps.db")
    found = Database(tmp_path / "scraps.db").query(columns="nb.path, nb.status, param.x", sort="nb.path")
    assert list(found.rows()) == [
        ("out/0.ipynb", "completed", 1),
        ("out/1.ipynb", "failed", 2),
        ("out/2.ipynb", "skipped", 3),
    ]
    assert Counter(listener.lines)["cell 1/2"] == 3
    assert listener.threads == {threading.get_ident()}
    assert not (tmp_path / "out" / NAME).exists()


def test_while_it_runs_the_store_says_so(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    seen: list[Any] = []

    def look(line: str) -> None:
        if line.startswith("cell"):
            seen.extend(query(store, "SELECT notebook, state, runner, source FROM executions ORDER BY rowid"))

    carry_out(request(tmp_path, [{"x": 1}, {"x": 2}], jobs=1), Listener(look), execute=pretended)
    runner, source = str(tmp_path / "out" / NAME), str(tmp_path / "source.ipynb")
    assert seen[:2] == [("out/0.ipynb", "running", runner, source), ("out/1.ipynb", "queued", runner, source)]


def test_a_run_is_in_the_store_before_the_others_are_through(tmp_path: Path) -> None:
    found: list[float] = []

    def look() -> None:
        began = time.monotonic()
        while not found and time.monotonic() - began < 20:
            with suppress(ScrapdbError):
                if Database(tmp_path / "scraps.db").count("nb.status = 'completed'"):
                    found.append(time.monotonic() - began)
            time.sleep(0.02)
        stop.interrupt()

    stop, watcher = Stop(), threading.Thread(target=look)
    watcher.start()
    runs = carry_out(request(tmp_path, [{"x": 1}, {"x": 2, "takes": 30}]), stop=stop, execute=pretended)
    watcher.join()
    assert found
    assert states(runs) == ["completed", "cancelled"]


def test_what_is_lost_is_tried_again_as_a_row_of_its_own(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"x": 1, "ends": "lost", "well_from": 3},
        {"x": 2, "ends": "failed"},
        {"x": 3, "ends": "timed out"},
    ]
    listener = Listener()
    seen: list[Any] = []

    def look(line: str) -> None:
        if line == "lost 2.0":  # which is told before the next attempt is written
            seen.extend(query(tmp_path / "scraps.db", "SELECT state FROM executions WHERE notebook = 'out/0.ipynb'"))

    listener._then = look
    runs = carry_out(request(tmp_path, rows, retries=Retries(2, ("lost",)), jobs=3), listener, execute=pretended)
    assert [(run.state, run.attempt) for run in runs] == [("completed", 3), ("failed", 1), ("timed out", 1)]
    assert [line for line in listener.lines if line.startswith("lost")] == ["lost 1.0", "lost 2.0"]
    assert seen == [("lost",), ("lost",)]
    assert query(tmp_path / "scraps.db", ATTEMPTS) == [
        ("out/0.ipynb", 1, "lost"),
        ("out/1.ipynb", 1, "failed"),
        ("out/2.ipynb", 1, "timed out"),
        ("out/0.ipynb", 2, "lost"),
        ("out/0.ipynb", 3, "completed"),
    ]


def test_while_it_waits_for_another_attempt_it_is_retrying(tmp_path: Path) -> None:
    stop, seen = Stop(), []

    class Looker(Audience):
        def ticked(self) -> None:
            seen.append(tuple(query(tmp_path / "scraps.db", "SELECT attempt, state FROM executions")))
            if len(seen[-1]) == 2:
                stop.interrupt()

    asked = request(tmp_path, [{"ends": "lost"}], retries=Retries(1))
    runs = carry_out(asked, Looker(), stop, execute=pretended)
    assert ((1, "lost"), (2, "retrying")) in seen
    assert states(runs) == ["lost"]
    assert query(tmp_path / "scraps.db", "SELECT attempt, state, reason FROM executions") == [
        (1, "lost", "as it was told"),
        (2, "cancelled", "it had not been tried again when the batch was stopped"),
    ]


def test_fail_fast_begins_no_more_and_lets_the_others_end(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"takes": 0.5}, {"ends": "failed"}, *({"x": x} for x in range(5))]
    runs = carry_out(request(tmp_path, rows, fail_fast=True, jobs=2), execute=pretended)
    assert states(runs)[:2] == ["completed", "failed"]
    assert set(states(runs)[2:]) <= {"completed", "cancelled"}
    assert states(runs)[2:] == ["cancelled"] * 5
    assert runs[-1].reason == f"it had not begun when {tmp_path}/out/1.ipynb did not end well"


def test_what_raises_is_a_result(tmp_path: Path) -> None:
    def execute(task: Task, watch: Callable[[Event], None], stop: Stop) -> Execution:
        if task.parameters["x"] == 1:
            raise PermissionError(13, "Permission denied", "out/0.ipynb")
        return pretended(task, watch, stop)

    runs = carry_out(request(tmp_path, [{"x": 1}, {"x": 2}]), execute=execute)
    assert [(run.state, run.reason) for run in runs] == [
        ("failed", "PermissionError: [Errno 13] Permission denied: 'out/0.ipynb'"),
        ("completed", None),
    ]


def test_the_source_is_what_it_was_when_the_batch_began(tmp_path: Path) -> None:
    asked = request(tmp_path, [{"x": 1}, {"x": 2}], jobs=1)

    def change(line: str) -> None:
        if line == "completed":
            Path(asked.notebook).write_text("{}")

    listener = Listener(change)
    runs = carry_out(asked, listener, execute=pretended)
    assert states(runs) == ["completed"] * 2
    assert runs.warnings == (
        f"{tmp_path}/source.ipynb was changed meanwhile; all runs executed it as it was at the beginning.",
    )
    assert listener.lines[-1] == runs.warnings[0]


def test_an_index_that_fails_is_told_tried_again_and_fails_no_run(tmp_path: Path) -> None:
    def say(line: str) -> None:
        with closing(sqlite3.connect(tmp_path / "scraps.db", timeout=30)) as connection:
            if line.startswith("started"):
                connection.execute(REFUSE)
            elif "not in the store yet" in line:
                connection.execute("DROP TRIGGER IF EXISTS refuse")

    listener = Listener(say)
    runs = carry_out(request(tmp_path, [{"x": 1}, {"x": 2, "takes": 1.5}]), listener, execute=pretended)
    assert states(runs) == ["completed"] * 2
    (warning,) = runs.warnings
    assert warning.startswith("1 finished run is not in the store yet: ")
    assert warning.endswith("nothing today. It is tried again.")
    assert Database(tmp_path / "scraps.db").count() == 2


def test_an_index_that_fails_to_the_end_says_what_to_do(tmp_path: Path) -> None:
    def say(line: str) -> None:
        if line.startswith("started"):
            with closing(sqlite3.connect(tmp_path / "scraps.db", timeout=30)) as connection:
                connection.execute(REFUSE)

    runs = carry_out(request(tmp_path, [{"x": 1}]), Listener(say), execute=pretended)
    assert states(runs) == ["completed"]
    assert runs.warnings[-1].endswith("`scrapdb index` brings in what is missing.")


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Let signals be heard that are ignored below `nohup`, and in the background of a shell."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


SCRIPT = """
import sys
from pathlib import Path
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.events import Stop
from tests.running.pretending import pretended, request
stop = Stop()
rows = [{"x": x, "takes": float(sys.argv[2])} for x in range(50)]
asked = request(Path(sys.argv[1]), rows, out=sys.argv[3], resume=True, jobs=4)
runs = carry_out(asked, stop=stop, execute=pretended)
print(runs, runs.warnings, flush=True)
sys.exit(130 if stop.interrupted else 0)
"""


def started(directory: Path, takes: float = 0.1, out: str = "out") -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(sessions.ROOT)}
    words = [sys.executable, "-c", SCRIPT, str(directory), str(takes), out]
    return subprocess.Popen(words, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 30
        time.sleep(0.02)


def records(directory: Path) -> dict[str, dict[str, Any]]:
    """Read the records of all outputs, by their names."""
    outputs = directory.glob("out/*.ipynb")
    return {path.name: json.loads(path.read_text())["metadata"]["scrapdb"]["run"] for path in outputs}


def completed(directory: Path) -> dict[str, str]:
    """Find the outputs that are complete, and the attempt that each is of."""
    return {name: record["id"] for name, record in records(directory).items() if record["state"] == "completed"}


def test_after_kill_9_what_is_missing_runs_and_nothing_else(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with started(tmp_path) as first:
        wait_for(lambda: len(completed(tmp_path)) >= 20)
        with pytest.raises(ScrapdbError, match="Another `scrapdb run` is writing"):
            carry_out(request(tmp_path, [{"x": 1}]), execute=pretended)
        first.kill()
        first.wait()
    before = completed(tmp_path)
    half_made = records(tmp_path).keys() - before.keys()
    assert half_made
    with started(tmp_path) as second:
        out, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert out.startswith(f"50 runs: {50 - len(before)} completed, {len(before)} passed over in "), out
    after = completed(tmp_path)
    assert len(after) == 50
    assert {name for name, id_ in after.items() if before.get(name) == id_} == before.keys()
    assert Database(store).count("nb.status = 'completed'") == 50
    batches = Counter(batch for (batch,) in query(store, "SELECT batch FROM executions"))
    assert sorted(batches.values()) == sorted([50, 50 - len(before)])
    lost = query(store, "SELECT notebook, reason FROM executions WHERE state = 'lost'")
    assert {name for name, reason in lost if reason == "its runner was gone before it ended"} >= {
        f"out/{name}" for name in half_made
    }
    assert {reason for _, reason in lost} > {"its runner was gone before it began"}
    assert not query(store, "SELECT 1 FROM executions WHERE state IN ('queued', 'running', 'retrying')")


def test_many_runners_share_a_store(tmp_path: Path) -> None:
    processes = [started(tmp_path, 0.1, f"out{number}") for number in range(3)]
    told = [process.communicate(timeout=60) for process in processes]
    assert [(process.returncode, errors) for process, (_, errors) in zip(processes, told, strict=True)] == [(0, "")] * 3
    for out, _ in told:
        assert re.fullmatch(r"50 runs: 50 completed in .*\(\)\n", out), out
    store = tmp_path / "scraps.db"
    assert query(store, "PRAGMA integrity_check") == [("ok",)]
    assert query(store, "SELECT state, count(*) FROM executions GROUP BY state") == [("completed", 150)]
    assert Database(store).count("nb.status = 'completed'") == 150


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_what_runs_and_cancels_the_rest(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, 30) as process:
        wait_for(lambda: len(list(tmp_path.glob("out/*.ipynb"))) == 4)
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
    assert out.startswith("50 runs: 50 cancelled in ")
    reasons = Counter(query(tmp_path / "scraps.db", "SELECT state, reason FROM executions"))
    assert reasons == {
        ("cancelled", "as it was told"): 4,
        ("cancelled", "it had not begun when the batch was stopped"): 46,
    }


def test_what_is_ignored_stays_so(tmp_path: Path) -> None:
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def hang_up(line: str) -> None:
        if line.startswith("started"):
            os.kill(os.getpid(), signal.SIGHUP)

    try:
        assert states(carry_out(request(tmp_path, [{}]), Listener(hang_up), execute=pretended)) == ["completed"]
    finally:
        signal.signal(signal.SIGHUP, ignored)


def test_an_interrupt_said_twice_kills(tmp_path: Path) -> None:
    stop, seen = Stop(), []

    def execute(task: Task, watch: Callable[[Event], None], stop: Stop) -> Execution:
        watch(Event(task, "started"))
        wait_for(lambda: stop.interrupted)
        seen.append(stop.killed)
        os.kill(os.getpid(), signal.SIGINT)
        wait_for(lambda: stop.killed)
        return Execution(state="cancelled")

    def interrupt(line: str) -> None:
        if line.startswith("started"):
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    runs = carry_out(request(tmp_path, [{}]), Listener(interrupt), stop, execute=execute)
    assert (states(runs), seen) == (["cancelled"], [False])
    assert signal.getsignal(signal.SIGINT) == handler


def test_who_listens_badly_leaves_nothing_running(tmp_path: Path) -> None:
    def fail(line: str) -> None:
        raise ZeroDivisionError(line)

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        carry_out(request(tmp_path, [{"takes": 30}] * 3), Listener(fail), execute=pretended)
    assert time.monotonic() - began < 20
    assert carry_out(request(tmp_path, [{"x": 1}] * 3), execute=pretended).failed == []


def test_a_batch_in_a_thread_leaves_signals_alone(tmp_path: Path) -> None:
    results: list[Runs] = []
    handler = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: results.append(carry_out(request(tmp_path, [{}]), execute=pretended)))
    thread.start()
    thread.join()
    assert states(results[0]) == ["completed"]
    assert signal.getsignal(signal.SIGINT) == handler
