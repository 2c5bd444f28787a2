"""However a run ends: its state and reason, what it had glued till then, and nothing that stays behind.

Expectations: what the system does (signals, limits), what ipykernel replies, and papermill's metadata where it is true.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import NamedTuple

import nbformat
import psutil
import pytest

from scrapdb.database import Database
from scrapdb.facts import Execution
from scrapdb.indexing.loop import index
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.kernels import redaction
from scrapdb.running.kernels import servers
from scrapdb.running.kernels.execute import execute
from scrapdb.running.kernels.walls import bubblewrap
from scrapdb.running.task import Confines
from scrapdb.running.task import Limits
from scrapdb.running.task import Task
from tests import sessions

GLUE = "import scrapdb\nscrapdb.glue('x', 1)"
MB = 1_000_000
ENV = (("PYTHONPATH", str(sessions.ROOT)),)


class Way(NamedTuple):
    """How kernels are started."""

    name: str
    fresh: bool
    wall: str


WAYS = (Way("warm", False, "bubblewrap"), Way("fresh", True, "bubblewrap"), Way("limits", True, "limits"))  # noqa: FBT003


class End(NamedTuple):
    """Cells that follow one that glues, and how they end."""

    cells: tuple[Any, ...]
    state: str
    reason: str | None = None
    limits: dict[str, Any] | None = None
    ways: tuple[str, ...] = ("warm",)
    ran: int | None = None  # how many of the cells were begun; by default all but the last


ALL = ("warm", "fresh", "limits")
BOTH = ("warm", "fresh")
QUICK = {"cell_timeout": 0.7, "grace": 0.5}
LIMIT = r"the cell took longer than 0.7 s \(--cell-timeout\) in cell 1"
CHILDREN = """import subprocess, sys, time
for _ in range(3): subprocess.Popen([sys.executable, '-c', 'import time; a = bytearray(200_000_000); time.sleep(60)'])
time.sleep(60)"""
BUSY_CHILDREN = """import subprocess, sys
while True: subprocess.run([sys.executable, '-c', 'sum(range(10_000_000))'])"""
SHARED = """import mmap, time
m = mmap.mmap(-1, 2_000_000_000)
for i in range(100):
  m[i * 20_000_000:(i + 1) * 20_000_000] = b'x' * 20_000_000; time.sleep(0.02)"""
BUSY_THREADS = """import hashlib, threading, time
def f():
  while True: hashlib.sha256(b'x' * 1_000_000)
for _ in range(3): threading.Thread(target=f).start()
time.sleep(60)"""
THREADS = """import threading, time
for _ in range(200): threading.Thread(target=time.sleep, args=(1,), daemon=True).start()"""
CALLBACK = """manager = get_ipython().kernel.comm_manager
manager.register_target('t', lambda comm, message: 1 / 0)
manager.comm_open(None, None, {'content': {'comm_id': 'a', 'target_name': 't', 'data': {}}})"""
BYTES = """import os, sys
os.write(1, bytes(range(256)))
print('\\x00\\x1b[31m\\x7f')"""
FILL = "import time\nwith open({!r}, 'wb') as f:\n  while True: f.write(b'x' * 20_000_000); f.flush(); time.sleep(0.02)"

IN_MEMORY = """import time
for name in ('/dev/shm/x', '/tmp/x'):
  with open(name, 'wb') as f: f.write(b'x' * 200_000_000)
time.sleep(60)"""

UNSAID = {"%unknown", "surrogates"}  # of which ipykernel sends no trace

ENDS = {
    "exception": End(("1 / 0", "2"), "failed", "ZeroDivisionError: division by zero in cell 1", ways=ALL),
    "endless": End(("while True: pass", "2"), "timed out", LIMIT, QUICK, ALL),
    "endless in all": End(
        ("while True: pass", "2"), "timed out", r"it took longer than 2 s \(--timeout\) in cell 1", {"timeout": 2.0}
    ),
    "heedless": End(
        ("import time\nwhile True:\n  try: time.sleep(9)\n  except KeyboardInterrupt: pass", "2"),
        "timed out",
        LIMIT,
        QUICK,
        BOTH,
    ),
    "interrupted, and on": End(
        ("import time\ntry: time.sleep(9)\nexcept KeyboardInterrupt: pass", "2"), "timed out", LIMIT, QUICK
    ),
    "in C": End(("import re\nre.match('(a+)+$', 'a' * 40 + 'b')", "2"), "timed out", LIMIT, QUICK),
    "asleep": End(("import time\ntime.sleep(60)", "2"), "timed out", LIMIT, QUICK),
    "memory by leaps": End(
        ("import time\na = []\nwhile True: a.append(b'x' * 100_000_000); time.sleep(0.02)", "2"),
        "killed",
        r"memory: 0\.\d of 0\.4 GB(, when more was asked for)? in cell 1",
        {"memory": 400 * MB},
        BOTH,
    ),
    "memory at a stroke": End(
        ("bytearray(10_000_000_000)", "2"),
        "killed",
        r"memory: 0\.\d+ of 0\.4 GB, when more was asked for in cell 1",
        {"memory": 400 * MB},
    ),
    "memory of children": End(
        (CHILDREN, "2"),
        "killed",
        r"memory: 0\.[4-9] of 0\.4 GB in cell 1",
        {"memory": 400 * MB},
        ALL,
    ),
    "files in memory": End(
        (IN_MEMORY, "2"), "killed", r"memory: 0\.\d of 0\.3 GB in cell 1", {"memory": 300 * MB, "timeout": 20.0}
    ),
    "temporary files": End(
        ("with open('/tmp/x', 'wb') as f:\n  while True: f.write(b'x' * 20_000_000)", "2"),
        "failed|killed",  # whichever is noticed first
        r"(OSError: .*No space left on device \(files in memory: no more than|memory: 0\.2 of) 0\.2 GB\)? in cell 1",
        {"memory": 200 * MB, "timeout": 20.0},
    ),
    "shared memory": End(
        (SHARED, "2"),
        "killed",
        r"memory: [01]\.\d of 0\.3 GB in cell 1",
        {"memory": 300 * MB},
    ),
    "processor": End(("while True: pass", "2"), "killed", r"processor: [1-3]\.?\d* of 1 s in cell 1", {"cpu": 1}, ALL),
    "processor in threads": End(
        (BUSY_THREADS, "2"),
        "killed",
        r"processor: [1-4]\.?\d* of 1 s in cell 1",
        {"cpu": 1},
    ),
    "processor in children": End(
        (BUSY_CHILDREN, "2"),
        "killed",
        r"processor: [1-4]\.\d of 1 s in cell 1",
        {"cpu": 1},
        BOTH,
    ),
    "fork bomb": End(
        ("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", "2"),
        "timed out",
        None,
        {"processes": 30, "timeout": 3.0, "grace": 0.3},
        BOTH,
    ),
    "too many threads": End(
        (THREADS, "2"),
        "failed",
        r"RuntimeError: can't start new thread \(no more than 30 processes and threads\) in cell 1",
        {"processes": 30, "grace": 0.5},
    ),
    "disk, one file": End(
        (FILL.format("x"), "2"),
        "killed",
        r"disk: .*0\.050 of 0\.050 GB in cell 1|disk: 0\.\d+ of 0\.050 GB in cell 1",
        {"disk": 50 * MB},
        BOTH,
    ),
    "disk, many files": End(
        ("import time\nfor i in range(1000): open(f'{i}', 'wb').write(b'x' * 1_000_000); time.sleep(0.01)", "2"),
        "killed",
        r"disk: 0\.\d+ of 0\.050 GB in cell 1",
        {"disk": 50 * MB},
        ALL,
    ),
    "disk, temporary": End(
        ("for i in range(1000): open(f'/tmp/{i}', 'wb').write(b'x' * 1_000_000)", "2"),
        "killed",
        r"disk: 0\.050 of 0\.050 GB, or all of the disk in cell 1",
        {"disk": 50 * MB},
    ),
    "_exit 0": End(("import os\nos._exit(0)", "2"), "failed", "the kernel ended by itself with code 0 in cell 1"),
    "_exit 3": End(
        ("import os\nos._exit(3)", "2"), "failed", "the kernel ended by itself with code 3 in cell 1", ways=ALL
    ),
    "sys.exit": End(("import sys\nsys.exit()", "2"), "completed"),
    "sys.exit 0": End(("import sys\nsys.exit(0)", "2"), "completed"),
    "sys.exit 3": End(("import sys\nsys.exit(3)", "2"), "failed", "SystemExit: 3 in cell 1"),
    "exit": End(("exit()", "import time\ntime.sleep(1)"), "completed"),
    "quit": End(("quit()", "2"), "completed"),
    "segmentation fault": End(
        ("import ctypes\nctypes.string_at(0)", "2"),
        "killed",
        "signal: the kernel was ended by SIGSEGV in cell 1",
        ways=ALL,
    ),
    "kill -9": End(
        ("import os\nos.kill(os.getpid(), 9)", "2"),
        "killed",
        "signal: the kernel was ended by SIGKILL in cell 1",
        ways=BOTH,
    ),
    "abort": End(("import os\nos.abort()", "2"), "killed", "signal: the kernel was ended by SIGABRT in cell 1"),
    "input": End(("input('? ')", "2"), "failed", "StdinNotImplementedError: .* in cell 1"),
    "%run": End(("%run nothing.py", "2"), "failed", "Exception: File `'nothing.py'` not found. in cell 1"),
    "%%bash": End(("%%bash\nexit 3", "2"), "failed", "CalledProcessError: .* exit status 3. in cell 1"),
    "%unknown": End(("%unknown", "2"), "failed", "UsageError: Line magic function `%unknown` not found. in cell 1"),
    "skip": End(("scrapdb.skip('no new data')", "2"), "skipped", "no new data", ways=BOTH),
    "surrogates": End(("raise ValueError('\\ud800 bad')", "2"), "failed", None),
    "raises-exception": End((("1 / 0", "raises-exception"), "2"), "completed", ran=2),
    "skip-execution": End((("1 / 0", "skip-execution"), "2"), "completed", ran=2),
    "#NOEXECUTE": End(("#NOEXECUTE\n1 / 0", "2"), "completed", ran=2),
    "thread": End(
        ("import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()", "2"), "completed", ran=2
    ),
    "callback": End(
        (CALLBACK, "2"),
        "completed",
        ran=2,
    ),
    "bytes": End(
        (BYTES, "2"),
        "completed",
        ran=2,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _own_temporary_directory() -> Iterator[None]:
    """Let all directories of runs be in one; its path is short, as sockets in them need it."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="sdb") as tempfile.tempdir:
        Path(tempfile.tempdir).chmod(0o755)
        yield
        servers.close()
    tempfile.tempdir = before


class Ended(NamedTuple):
    """What became of the notebooks in a directory, by way and name, and what is indexed of them, by path."""

    directory: Path
    executions: dict[tuple[str, str], Execution]
    indexed: dict[str, tuple[str, float]]


@pytest.fixture(scope="module")
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Let all notebooks that tests ask for run, three at once, and index what they leave."""
    directory = tmp_path_factory.mktemp("endings")
    asked = [item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")]
    wanted = [(way, name) for way in WAYS for name in ENDS if (way.name, name) in asked and _has(way.wall)]
    with ThreadPoolExecutor(3) as pool:
        done = pool.map(lambda each: _ended(directory, *each), wanted)
        results = {(way.name, name): execution for (way, name), execution in zip(wanted, done, strict=True)}
    index(directory / "scraps.db", [str(directory)])
    table = Database(directory / "scraps.db").query(columns=["nb.path", "nb.status", "x"])
    indexed = {path: (state, value) for path, state, value in table.to_pandas().itertuples(index=False)}
    return Ended(directory, results, indexed)


def _has(wall: str) -> bool:
    return wall != "bubblewrap" or bubblewrap.missing() is None


def _ended(directory: Path, way: Way, name: str) -> Execution:
    end = ENDS[name]
    output = directory / way.name / f"{name}.ipynb"
    return _execute(output, _notebook(GLUE, *end.cells), way, limits=Limits(**{"grace": 3.0, **(end.limits or {})}))


def _notebook(*cells: Any, **metadata: Any) -> bytes:
    made = [_cell(*cell) if isinstance(cell, tuple) else _cell(cell) for cell in cells]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=made, metadata=metadata or spec))
    return text.encode()


def _cell(source: str, *tags: str) -> Any:
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def _execute(
    output: Path,
    content: bytes,
    way: Way = WAYS[0],
    watch: Callable[[Event], None] = lambda _: None,
    stop: Stop | None = None,
    **more: Any,
) -> Execution:
    if not _has(way.wall):
        pytest.skip("needs bubblewrap")
    confines = Confines(wall=way.wall, env=ENV)
    task = Task(
        id="1",
        batch="2",
        notebook="source.ipynb",
        content=content,
        output=str(output),
        **{"confines": confines, "fresh": way.fresh, **more},
    )
    return execute(task, watch, stop)


def _read(output: Path) -> Any:
    return nbformat.read(output, as_version=4)


def _text(node: Any) -> str:
    return "".join(out.get("text", "") for cell in node.cells for out in cell.get("outputs", []))


def _is_glued(node: Any) -> bool:
    outs = [out for cell in node.cells for out in cell.get("outputs", [])]
    return any("application/scrapbook.scrap.json+json" in out.get("data", {}) for out in outs)


@pytest.mark.parametrize("case", [(way, name) for name, end in ENDS.items() for way in end.ways], ids="-".join)
def test_each_end_is_told_as_it_was(case: tuple[str, str], ended: Ended) -> None:
    if case not in ended.executions:
        pytest.skip("needs bubblewrap")
    (way, name), execution, end = case, ended.executions[case], ENDS[case[1]]
    node = _read(ended.directory / way / f"{name}.ipynb")

    assert execution.state in end.state.split("|"), execution.reason
    assert end.reason is None or re.fullmatch(end.reason, execution.reason or ""), execution.reason
    well = execution.state in {"completed", "skipped"}
    assert (execution.reason is None) == (execution.state == "completed")
    assert node.metadata.scrapdb.run.state == execution.state
    assert node.metadata.scrapdb.run.get("reason") == execution.reason

    cells = [cell for cell in node.cells if "papermill-error-cell-tag" not in cell.metadata.tags]
    ran = end.ran if end.ran is not None else len(end.cells) - 1
    statuses = [cell.metadata.papermill.status for cell in cells]
    assert all(status != "pending" for status in statuses[: ran + 1])
    assert all(status == "pending" for status in statuses[ran + 1 :])
    if not well:
        assert node.metadata.papermill.exception is True
        assert any(output.output_type == "error" for output in cells[ran].outputs) or name in UNSAID
    assert ended.indexed[f"{way}/{name}.ipynb"] == (execution.state, 1)


def test_nothing_stays_behind(ended: Ended) -> None:
    assert ended
    servers.close()
    deadline = time.monotonic() + 5
    while (left := _left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    assert not list(Path(tempfile.gettempdir()).glob("scrapdb-*"))


def _left() -> list[str]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if process.name() in {"bwrap", "sleep"} or "inside" in line or "ipykernel" in line:
            found.append(line)
    return found


@pytest.mark.parametrize("way", WAYS[:2], ids=[way.name for way in WAYS[:2]])
@pytest.mark.parametrize("victim", ["kernel", "keeper", "server"])
def test_who_is_killed_from_outside_takes_no_other_run_along(victim: str, way: Way, tmp_path: Path) -> None:
    if victim == "server" and way.fresh:
        pytest.skip("has none")
    content = _notebook(GLUE, "import time\nfor i in range(100):\n  time.sleep(0.01)", "2")
    begun = threading.Barrier(4, timeout=30)

    def watch(event: Event) -> None:
        if event.kind == "cell" and event.cell == 2:
            begun.wait()

    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(_execute, tmp_path / f"{i}.ipynb", content, way, watch) for i in range(3)]
        begun.wait()
        time.sleep(0.3)
        process = _victim(victim, way)
        assert process
        process.kill()
        executions = [run.result() for run in runs]
    after = _execute(tmp_path / "after.ipynb", content, way)

    states = sorted(execution.state for execution in executions)
    lost = "killed" if victim == "kernel" else "lost"
    assert states == (["lost"] * 3 if victim == "server" else sorted(["completed", "completed", lost]))
    assert (after.state, after.warm) == ("completed", not way.fresh)
    for number in range(3):
        assert _is_glued(_read(tmp_path / f"{number}.ipynb"))


def _victim(kind: str, way: Way) -> psutil.Process | None:
    lines = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended just now
            lines[process] = process.cmdline()
    if way.fresh:
        kernel = next(
            each for each, line in lines.items() if "ipykernel_launcher" in line and "launch.main" not in " ".join(line)
        )
        return kernel if kind == "kernel" else kernel.parent()
    servers = [each for each, line in lines.items() if line[-1:] == ["time"] and each.name() != "bwrap"]
    keeper = next(each for each in servers if any(child.name() == "bwrap" for child in each.children()))
    kernel = next(child for child in keeper.children() if child.name() != "bwrap")
    return {"kernel": kernel, "keeper": keeper, "server": keeper.parent()}[kind]


@pytest.mark.parametrize("way", WAYS[:2], ids=[way.name for way in WAYS[:2]])
def test_of_much_text_head_and_tail_are_kept_and_the_record_tells(way: Way, tmp_path: Path) -> None:
    output = tmp_path / "x.ipynb"
    code = "for i in range(100): print(f'{i:03}' + 'x' * 1_000_000)"
    execution = _execute(output, _notebook(code, GLUE), way, limits=Limits(cell_output=4 * MB))
    text = _text(_read(output))

    assert execution.state == "completed"
    assert text.startswith("000xxx")
    assert text.rstrip("\n").endswith("x" * 1000)
    assert "\n099x" in text
    assert 4 * MB <= len(text) < 4 * MB + 200
    left_out = f"{(100_000_400 - 4 * MB) / 2**20:.1f} MiB of output are left out"
    assert left_out in text
    assert any(left_out in warning for warning in execution.warnings)
    assert _is_glued(_read(output))


@pytest.mark.parametrize("way", WAYS[:2], ids=[way.name for way in WAYS[:2]])
def test_of_many_little_pieces_none_is_lost(way: Way, tmp_path: Path) -> None:
    output = tmp_path / "x.ipynb"
    code = "import sys\nfor i in range(3000):\n  print(i); sys.stdout.flush()"
    execution = _execute(output, _notebook(code, GLUE), way)

    assert execution.state == "completed"
    assert _text(_read(output)) == "".join(f"{i}\n" for i in range(3000))


def test_what_has_no_room_is_not_shown_but_what_is_glued_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "x.ipynb"
    code = """from IPython.display import HTML, display, update_display
import scrapdb
for i in range(8): display(HTML(str(i) + 'x' * 500_000))
scrapdb.glue('large', 'y' * 3_000_000)
handle = display('small', display_id='a')"""
    more = "update_display('z' * 3_000_000, display_id='a'); print('a' * 3_000_000)"
    limits = Limits(cell_output=2 * MB, output=3 * MB)
    execution = _execute(output, _notebook(code, more, "1 / 0"), limits=limits)
    node = _read(output)
    outs = [out for cell in node.cells for out in cell.get("outputs", [])]
    shown = [out for out in outs if "text/html" in out.get("data", {})]

    assert len(shown) == 3
    assert any("application/scrapbook.scrap.text+json" in out.get("data", {}) for out in outs)
    assert any(out.get("data", {}).get("text/plain") == "'small'" for out in outs)
    assert len(_text(node)) < 1.5 * MB + 500
    assert execution.warnings
    assert node.cells[-1].outputs[-1].ename == "ZeroDivisionError"


def test_what_is_cleared_makes_room(tmp_path: Path) -> None:
    output = tmp_path / "x.ipynb"
    code = """from IPython.display import clear_output
for i in range(20):
  print(i, 'x' * 500_000, flush=True)
  clear_output(wait=i % 2 == 0)
print('end')"""
    execution = _execute(output, _notebook(code), limits=Limits(cell_output=MB))

    assert (execution.state, execution.warnings) == ("completed", ())
    assert _text(_read(output)) == "end\n"


CLEAN = """import atexit, signal, time
def wrote(name):
  with open(name, 'w') as f: f.write(name)
atexit.register(wrote, 'atexit')
signal.signal(signal.SIGTERM, lambda *_: (wrote('sigterm'), exit()))
try:
  time.sleep(30)
finally:
  time.sleep(0.3); wrote('finally')
"""
HEEDLESS = CLEAN.replace(
    "  time.sleep(30)", "  while True:\n    try: time.sleep(30)\n    except KeyboardInterrupt: pass"
)


@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
@pytest.mark.parametrize(
    ("code", "how", "kept"),
    [(CLEAN, "interrupt", ["atexit", "finally"]), (HEEDLESS, "interrupt", ["sigterm"]), (CLEAN, "kill", [])],
    ids=["interrupted", "heedless", "killed"],
)
def test_who_is_cancelled_may_clean_up(code: str, how: str, kept: list[str], way: Way, tmp_path: Path) -> None:
    stop = Stop()

    def watch(event: Event) -> None:
        if event.kind == "cell" and event.cell == 2:
            threading.Timer(0.5, getattr(stop, how)).start()

    limits = Limits(grace=0.5 if code == HEEDLESS else 9)
    content = _notebook(GLUE, code, "2")
    execution = _execute(tmp_path / "x.ipynb", content, way, watch, stop, keep_files=("*",), limits=limits)

    assert (execution.state, execution.reason) == ("cancelled", "it was asked to stop in cell 1")
    names = [file.path for file in execution.files]
    assert [name for name in names if name in kept] == kept
    assert bool(names) == bool(kept)
    assert _read(tmp_path / "x.ipynb").cells[-1].metadata.papermill.status == "pending"


def test_who_is_cancelled_before_it_begins_executes_nothing(tmp_path: Path) -> None:
    stop = Stop()
    stop.interrupt()
    execution = _execute(tmp_path / "x.ipynb", _notebook(GLUE), stop=stop)

    assert (execution.state, execution.cell) == ("cancelled", None)
    assert not _read(tmp_path / "x.ipynb").cells[0].outputs


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["python", "-c", "print('good bye'); raise SystemExit(4)"], "not ready: .*ended before.*good bye.*code 4.*"),
        (["python", "-c", "import time; time.sleep(60)"], r"not ready: .*not ready in 0.5 s \(--start-timeout\)"),
        (["/nowhere/python"], "the kernel odd is to be started by /nowhere/python, which is not there"),
        ([], "the kernel odd is to be started by nothing, which is not there"),
        (None, "the kernel odd is not installed; .*"),
    ],
    ids=["dies", "silent", "no program", "no words", "missing"],
)
def test_a_kernel_that_cannot_be_had(
    argv: list[str] | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if argv is not None:
        spec = tmp_path / "kernels/odd/kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps({"argv": argv, "display_name": "Odd", "language": "python"}))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    limits = Limits(start_timeout=0.5 if "0.5 s" in reason else 30)
    execution = _execute(tmp_path / "x.ipynb", _notebook(GLUE), kernel="odd", limits=limits)
    node = _read(tmp_path / "x.ipynb")

    assert execution.state == "failed"
    assert re.fullmatch(reason, execution.reason or "")
    assert any("started once more" in warning for warning in execution.warnings) == reason.startswith("not ready")
    assert node.metadata.papermill.exception is True
    assert [cell.metadata.papermill.status for cell in node.cells] == ["pending"]


NO_NOTEBOOKS = rb"""
{
[]
null
{}
{"nbformat": 4}
{"nbformat": 9, "cells": [], "metadata": {}}
{"nbformat": 3, "worksheets": 3}
{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}
{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}
""".splitlines()


@pytest.mark.parametrize("content", [*NO_NOTEBOOKS, b"\xff\xfe"])
def test_what_is_no_notebook_fails_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    execution = _execute(tmp_path / "x.ipynb", content)

    assert execution.state == "failed"
    assert (execution.reason or "").startswith("source.ipynb cannot be read as a notebook: ")
    assert len((execution.reason or "").splitlines()) == 1


def test_notebooks_of_old_formats_and_without_code(tmp_path: Path) -> None:
    old = nbformat.v3.new_code_cell(input="print(1)")
    third = nbformat.v3.writes_json(nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[old])]))
    fourth = {**json.loads(_notebook("print(1)")), "nbformat_minor": 0}
    for cell in fourth["cells"]:
        del cell["id"]
    text = json.loads(_notebook())
    text["cells"] = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "x"}]
    for number, content in enumerate([third, json.dumps(fourth), json.dumps(text), _notebook().decode()]):
        output = tmp_path / f"{number}.ipynb"
        assert _execute(output, content.encode(), kernel="python3").state == "completed"
        assert _text(_read(output)) == ("1\n" if number < 2 else "")


def test_half_a_character_stays_what_it_is(tmp_path: Path) -> None:
    content = json.loads(_notebook("print(1)"))
    content["cells"].insert(0, {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "\ud800"})
    assert _execute(tmp_path / "x.ipynb", json.dumps(content).encode()).state == "completed"
    assert json.loads((tmp_path / "x.ipynb").read_bytes())["cells"][0]["source"] == ["\ud800"]


def test_an_import_that_does_not_end_keeps_nobody(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(60)\n")
    for number in range(2):
        confines = Confines(env=(("PYTHONPATH", f"{sessions.ROOT}:{tmp_path}"),), read=(str(tmp_path),))
        content = _notebook(GLUE, "import endless")
        limits = Limits(start_timeout=5, cell_timeout=1, grace=1)
        execution = _execute(tmp_path / f"{number}.ipynb", content, confines=confines, limits=limits)
        assert (execution.state, execution.warm) == ("timed out", False)
        assert any("(--start-timeout)" in warning for warning in execution.warnings)


def test_an_output_that_cannot_be_written_is_no_reason_to_begin(tmp_path: Path) -> None:
    (tmp_path / "directory.ipynb").mkdir()
    (tmp_path / "file").write_text("")
    told: list[str] = []
    for output in (tmp_path / "directory.ipynb", tmp_path / "file/x.ipynb"):
        execution = _execute(output, _notebook(GLUE), watch=lambda event: told.append(event.kind))
        assert execution.state == "failed"
        assert "cannot be written" in (execution.reason or "")
    assert "cell" not in told


@pytest.mark.parametrize("for_good", [True, False])
def test_an_output_that_cannot_be_written_in_the_middle(for_good: bool, tmp_path: Path) -> None:
    where = tmp_path / "out"

    def watch(event: Event) -> None:
        if event.kind == "cell" and event.cell == 2:
            where.rename(tmp_path / "away")
            where.write_text("")
        if event.kind == "cell" and event.cell == 4 and not for_good:
            where.unlink()

    content = _notebook(GLUE, "import time; time.sleep(1.1)", "3", "4")
    execution = _execute(where / "x.ipynb", content, watch=watch)

    assert execution.state == ("failed" if for_good else "completed")
    if for_good:
        assert re.fullmatch("The output .* cannot be written: .*", execution.reason or "")


def test_if_there_is_no_room_for_all_what_was_glued_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "x.ipynb"
    original = Path.write_bytes

    def write_bytes(self: Path, data: bytes) -> int:
        if len(data) > MB:
            raise OSError(28, "No space left on device")
        return original(self, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    execution = _execute(output, _notebook(GLUE, "print('x' * 2_000_000)"))
    node = _read(output)

    assert execution.state == node.metadata.scrapdb.run.state == "failed"
    assert "No space left" in (execution.reason or "")
    assert node.metadata.papermill.exception is True
    assert _is_glued(node)
    assert not _text(node)


FILES = """import os, socket
os.makedirs('sub/deep')
for name in ('a.csv', 'sub/deep/b.csv', 'sub/c.txt', b'\\xff.csv', 'new\\nline.csv'):
  with open(name, 'w') as f: f.write('1')
os.symlink('/etc/passwd', 'link.csv'); os.symlink('/etc', 'etc'); os.mkfifo('fifo.csv')
socket.socket(socket.AF_UNIX).bind('socket.csv')
still_open = open('open.csv', 'w'); still_open.write('1'); still_open.flush()
1 / 0"""
CSV = ["a.csv", "new\nline.csv", "open.csv", "sub/deep/b.csv", "\\udcff.csv"]


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        (("*.csv",), CSV),
        (("**/*.csv", "*.csv"), CSV),
        (("sub/",), ["sub/c.txt", "sub/deep/b.csv"]),
        (("sub/*.txt",), ["sub/c.txt"]),
        (("nothing",), []),
    ],
)
def test_files_are_kept_and_nothing_else(patterns: tuple[str, ...], kept: list[str], tmp_path: Path) -> None:
    earlier = tmp_path / "x.files/earlier.txt"
    earlier.parent.mkdir()
    earlier.write_text("")
    seen: list[bool] = []
    execution = _execute(
        tmp_path / "x.ipynb", _notebook(FILES), watch=lambda _: seen.append(earlier.exists()), keep_files=patterns
    )

    assert execution.state == "failed"
    assert all(seen)
    assert not earlier.exists()
    assert [file.path for file in execution.files] == kept
    there = [path for path in (tmp_path / "x.files").rglob("*") if path.is_file()]
    assert len(there) == len(kept)
    assert not any(path.is_symlink() for path in there)
    assert sorted(path.name for path in tmp_path.iterdir()) == (["x.files", "x.ipynb"] if kept else ["x.ipynb"])
    assert _read(tmp_path / "x.ipynb").metadata.scrapdb.run.get("files", []) == [
        {"path": file.path, "bytes": 1, "sha256": file.sha256} for file in execution.files
    ]


SECRET = "s3cr3t+/\u00c4\"x'y\\z"  # noqa: S105 - it is none
TELLING = (
    """import scrapdb, sys, base64, urllib.parse, time, os
scrapdb.glue('length', len(token)); scrapdb.glue('it', token)""",
    """print(token); print(repr(token)); sys.stderr.write(token)
print(token[:5], end='', flush=True); time.sleep(0.4); print(token[5:], flush=True)""",
    """for i in range(3): print(base64.b64encode(('a' * i + token + 'bcd').encode()).decode())
print(urllib.parse.quote(token), urllib.parse.quote_plus(token)); {token: [token]}""",
    """import pandas as pd
scrapdb.glue('frame', pd.DataFrame({'a': [token] * 50})); pd.DataFrame({'a': [token]})""",
    """os.write(2, token.encode()); open('well.txt', 'w').write('')
open('told.txt', 'w').write('x' * 2_000_000 + token)
open(token.replace('/', '') + '.txt', 'w').write('')""",
    "raise ValueError(token)",
)


@pytest.mark.parametrize("way", WAYS[:2], ids=[way.name for way in WAYS[:2]])
def test_a_secret_reaches_the_kernel_and_is_seen_nowhere(way: Way, tmp_path: Path) -> None:
    output = tmp_path / "x.ipynb"
    told: list[str] = []
    seen: list[bytes] = []

    def watch(event: Event) -> None:
        told.append(event.text)
        seen.append(output.read_bytes() if output.exists() else b"")

    execution = _execute(output, _notebook(*TELLING), way, watch, secrets={"token": SECRET}, keep_files=("*.txt",))
    index(tmp_path / "scraps.db", [str(tmp_path)])

    forms = {form.encode() for form in redaction.forms([SECRET])}
    forms |= {SECRET.encode(), base64.b64encode(SECRET.encode())[:-4], json.dumps(SECRET)[1:-1].encode()}
    places = [*seen, "".join(told).encode(), repr(execution).encode()]
    places += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    places += [str(path).encode() for path in tmp_path.rglob("*")]
    assert not [form for form in forms for place in places if form in place]
    assert execution.reason == "ValueError: [secret] in cell 5"
    assert [file.path for file in execution.files][-1] == "well.txt"
    assert "told.txt holds a secret, and is not kept." in execution.warnings
    scraps = Database(tmp_path / "scraps.db").notebook("x.ipynb").scraps
    assert scraps["length"].data == len(SECRET)
    assert "frame" not in scraps
    assert "frame is left out here" in _text(_read(output))


def test_a_secret_that_looks_like_a_notebook_leaves_one(tmp_path: Path) -> None:
    execution = _execute(tmp_path / "x.ipynb", _notebook("print(token)"), secrets={"token": "cells"})

    assert execution.state == "completed"
    assert _text(_read(tmp_path / "x.ipynb")) == "[secret]\n"
