"""`scrapdb run` and `scrapdb prune` as they are typed, with real kernels."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.running.batches import composing
from tests import notebook_builder as nb
from tests import sessions
from tests.stores import query

GLUE = """\
import time
from IPython.display import display

def glue(name, data):
    shown = {"application/scrapbook.scrap.json+json": {"name": name, "data": data, "encoder": "json", "version": 1}}
    display(shown, raw=True)

print(f"looking at {symbol}")
glue("length", len(symbol))"""
SOURCE = nb.notebook(
    {**nb.code('symbol = "XYZ"\nends = ""\ntakes = 0.0', count=None, tags=("parameters",)), "id": "parameters"},
    {**nb.code(GLUE, count=None), "id": "glue"},
    {**nb.code("time.sleep(takes)\nif ends:\n    raise ValueError(ends)", count=None), "id": "end"},
    kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "source.ipynb").write_text(json.dumps(SOURCE))
    return tmp_path


def run(directory: Path, command: str) -> sessions.Ran:
    return sessions.run(command, directory)


def rows(directory: Path, columns: str) -> list[tuple[Any, ...]]:
    table = Database(directory / "scraps.db").query(columns=columns, sort="nb.path")
    return [tuple(row) for row in table.rows()]


def test_a_grid_is_executed_and_indexed_and_what_fails_can_be_repeated(directory: Path) -> None:
    ran = run(directory, "scrapdb run source.ipynb -o out -p symbol='A,\"B,C\",D' -p ends=,'bad luck' --json")
    assert ran.code == 1
    told = json.loads(ran.stdout)
    keys = ("notebook", "state", "reason", "parameters", "attempt")
    expected = [
        ("out/A-.ipynb", "A", ""),
        ("out/A-bad luck.ipynb", "A", "bad luck"),
        ("out/B,C-.ipynb", "B,C", ""),
        ("out/B,C-bad luck.ipynb", "B,C", "bad luck"),
        ("out/D-.ipynb", "D", ""),
        ("out/D-bad luck.ipynb", "D", "bad luck"),
    ]
    why = "ValueError: bad luck in cell 3"
    assert [tuple(row[key] for key in keys) for row in told] == [
        (path, "failed" if ends else "completed", why if ends else None, {"symbol": symbol, "ends": ends}, 1)
        for path, symbol, ends in expected
    ]
    (wall,) = {row["wall"] for row in told}
    assert rows(directory, "nb.path, length, nb.status, exec.wall") == [
        (path, len(symbol), "failed" if ends else "completed", wall) for path, symbol, ends in expected
    ]
    assert re.search(
        rf"^6 runs: 3 completed, 3 failed in .* s, behind {wall} → out, scraps.db$", ran.stderr, re.MULTILINE
    )
    assert f"\nout/D-bad luck.ipynb: failed, {why}\n" in ran.stderr
    again = re.findall(r"^  (scrapdb run .*)$", ran.stderr, re.MULTILINE)
    assert shlex.split(again[1])[-6:] == ["-p", 'symbol="B,C"', "-p", 'ends="bad luck"', "--name", "B,C-bad luck.ipynb"]
    before = {path.name: path.stat().st_mtime_ns for path in (directory / "out").iterdir()}
    repeated = run(directory, again[1])
    assert repeated.code == 1
    changed = {path.name for path in (directory / "out").iterdir() if path.stat().st_mtime_ns != before[path.name]}
    assert changed == {"B,C-bad luck.ipynb"}


def test_a_batch_in_a_file_gives_way_to_what_is_typed(directory: Path) -> None:
    (directory / "work").mkdir()
    (directory / "work/batch.yaml").write_text(
        "notebook: ../source.ipynb\n"
        "output: out\n"
        "db: ../scraps.db\n"
        "rows:\n"
        "- {symbol: A}\n"
        "- {symbol: BB, ends: no}\n"
        "secrets: [HIDDEN]\n"
        "limits: {timeout: 1m}\n"
    )
    ran = run(directory, "scrapdb run work/batch.yaml")
    assert (ran.code, ran.stderr) == (2, "Error: There is no environment variable HIDDEN to take the secret from.\n")
    source = json.loads((directory / "source.ipynb").read_text())
    source["cells"][0]["source"].append("\nHIDDEN = ''")
    source["cells"][1]["source"].append("\nglue('hidden', len(HIDDEN))")
    (directory / "source.ipynb").write_text(json.dumps(source))
    ran = run(directory, "HIDDEN=hush-hush scrapdb run work/batch.yaml")
    assert ran.code == 1
    assert rows(directory, "nb.path, param.ends, hidden, nb.status") == [
        ("work/out/A-.ipynb", "", 9, "completed"),
        ("work/out/BB-no.ipynb", "no", 9, "failed"),
    ]
    again = re.findall(r"^  (scrapdb run .*)$", ran.stderr, re.MULTILINE)
    assert again == ["scrapdb run work/batch.yaml -p symbol=BB -p 'ends=\"no\"' --name BB-no.ipynb"]
    mended = run(directory, "HIDDEN=whisper scrapdb run work/batch.yaml -p symbol=BB -p ends= --name BB-no.ipynb")
    assert (mended.code, mended.stderr.splitlines()[0]) == (
        0,
        "Warning: 1 row is the same as an earlier one: run once.",
    )
    assert rows(directory, "nb.path, hidden") == [("work/out/A-.ipynb", 9), ("work/out/BB-no.ipynb", 7)]
    everything = [path for path in directory.rglob("*") if path.is_file()]
    assert not [path for path in everything if b"hush-hush" in path.read_bytes()]


def test_what_runs_is_followed(directory: Path) -> None:
    ran = run(directory, "scrapdb run source.ipynb -o out -p symbol=A,B --follow")
    assert ran.code == 0
    lines = ran.stderr.splitlines()
    assert {"A [3] looking at A", "B [3] looking at B"} <= set(
        lines
    )  # of the executed notebook, with what was injected
    assert [line for line in lines if re.fullmatch(r"A  completed +[\d.]+ s", line)]
    assert ran.stdout == ""
    quiet = run(directory, "scrapdb -q run source.ipynb -o out -p symbol=A --follow")
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "", "")


def kernels(process: subprocess.Popen[str]) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


@contextmanager
def closing_with(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a process when something goes wrong."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def wait_for(condition: Callable[[], Any]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 30
        time.sleep(0.05)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_the_batch(directory: Path, times: int) -> None:
    source = json.loads((directory / "source.ipynb").read_text())
    source["cells"][2]["source"] = "try:\n    time.sleep(takes)\nfinally:\n    " + (
        "time.sleep(30)" if times == 2 else "glue('cleaned', 1)"
    )
    (directory / "source.ipynb").write_text(json.dumps(source))
    words = ["run", "source.ipynb", "-o", "out", "-p", "symbol=A,B,C", "-p", "takes=60", "-j", "1", "--grace", "20"]
    environment = os.environ | {"PYTHONPATH": str(sessions.ROOT)}
    command = [sys.executable, "-m", "scrapdb", *words]
    with (
        subprocess.Popen(command, cwd=directory, env=environment, text=True, stderr=subprocess.PIPE) as process,
        closing_with(process),
    ):

        def reached() -> list[Any]:
            with suppress(Exception):
                return query(directory / "scraps.db", "SELECT 1 FROM executions WHERE cell = 4")
            return []

        wait_for(reached)
        family = kernels(process)
        assert family
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(1)
        _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 15
    assert process.returncode == 130
    assert re.search(r"^3 runs: 3 cancelled in ", errors, re.MULTILINE), errors
    states = query(directory / "scraps.db", "SELECT notebook, state FROM executions ORDER BY rowid")
    assert states == [(f"out/{name}.ipynb", "cancelled") for name in "ABC"]
    assert rows(directory, "nb.path, nb.status, length") == [("out/A.ipynb", "cancelled", 1)]
    if times == 1:
        assert rows(directory, "cleaned") == [(1,)]
    wait_for(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family))


def test_a_dry_run_writes_nothing(directory: Path) -> None:
    ran = run(directory, "scrapdb run source.ipynb -o out -p symbol=A,B --dry-run --json")
    assert ran.code == 0
    assert json.loads(ran.stdout) == [
        {"notebook": f"out/{symbol}.ipynb", "parameters": {"symbol": symbol}, "runs": True, "why": "new"}
        for symbol in ("A", "B")
    ]
    assert ran.stderr == "2 of 2 runs would begin; nothing was started or written.\n"
    assert [path.name for path in directory.iterdir()] == ["source.ipynb"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("source.ipynb -p symbol=A", 2, "Where do the executed notebooks go? Say -o DIR."),
        ("gone.ipynb -o out", 1, "There is no notebook gone.ipynb."),
        ("source.ipynb -o out -p symbl=A", 2, "The notebook takes no parameter symbl: did you mean symbol?"),
        (
            "source.ipynb -o out --wall limits --no-wall",
            2,
            "--wall demands a wall, and --no-wall wants none. Name one.",
        ),
        ("source.ipynb -o out --resume --rerun lost", 2, "--resume runs what has not ended well anyway, …"),
        ("source.ipynb -o out --rerun completed", 2, "No run ends as 'completed' here; …"),
        ("source.ipynb -o out --retry-on never", 2, "No run ends as 'never' here; …"),
        ("source.ipynb -o out -f a.csv --for-each true", 2, "Rows come from a file or from the store: …"),
        ("source.ipynb -o out --env NO_SUCH_NAME", 2, "There is no environment variable NO_SUCH_NAME to hand on."),
        ("source.ipynb -o out --memory lots", 2, "…"),
        ("source.ipynb -o out --wall bubblewarp", 2, "There is no wall 'bubblewarp'; did you mean bubblewrap?"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(
    directory: Path, arguments: str, code: int, sentence: str
) -> None:
    ran = run(directory, f"scrapdb run {arguments}")
    assert ran.code == code
    assert sessions.matches([f"Error: {sentence}"], ran.stderr.splitlines()), ran.stderr
    assert [path.name for path in directory.iterdir()] == ["source.ipynb"]


def test_what_is_not_installed_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "_NEEDED", ("json", "no_such_package"))
    with pytest.raises(ScrapdbError, match=r"needs no_such_package: pip install 'scrapdb\[run\]'"):
        composing.source(str(directory / "source.ipynb"))


def test_old_runs_are_removed(directory: Path) -> None:
    source = json.loads((directory / "source.ipynb").read_text())
    source["cells"][2]["source"] = "with open('note.txt', 'w') as file:\n    file.write(symbol)"
    (directory / "source.ipynb").write_text(json.dumps(source))
    assert run(directory, "scrapdb run source.ipynb -o out -p symbol=A,B,C -j 1 --keep-files '*.txt'").code == 0
    assert (directory / "out/A.files/note.txt").read_text() == "A"
    run(directory, "scrapdb index source.ipynb")
    shown = run(directory, "scrapdb prune --keep-last 1 --dry-run --csv")
    assert [line.split(",")[:2] for line in shown.stdout.splitlines()[1:]] == [
        ["out/B.ipynb", "completed"],
        ["out/A.ipynb", "completed"],
    ]
    assert re.fullmatch(r"2 runs \([\d,]+ bytes\) would be removed.\n", shown.stderr)
    assert len(rows(directory, "nb.path")) == 4
    assert re.fullmatch(r"Removed 2 runs \([\d,]+ bytes\).\n", run(directory, "scrapdb prune --keep-last 1 out").stderr)
    assert rows(directory, "nb.path") == [("out/C.ipynb",), ("source.ipynb",)]
    assert sorted(path.name for path in (directory / "out").iterdir()) == ["C.files", "C.ipynb"]
    assert run(directory, "scrapdb prune").code == 2
