"""`scrapdb show NOTEBOOK NAME -o FILE` of what was shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scrapdb as sb
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from tests import notebook_builder as nb
from tests import sessions

CHART = {"data": [{"type": "scatter", "x": [1, 2]}]}
HTML = "<div>chart</div>"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    bundle = {"application/vnd.plotly.v1+json": CHART, "text/html": HTML, "text/plain": "Figure()"}
    outputs = [nb.display("chart", bundle), nb.display("nothing", {}), nb.display("plain", {"text/plain": ""})]
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", *outputs)))
    sb.open(tmp_path / "scraps.db").index(tmp_path)
    return tmp_path


def test_json_asks_for_any_type_that_is_json(directory: Path) -> None:
    assert sessions.run("scrapdb show a chart -o chart.json", directory) == sessions.Ran("", "", 0)
    assert json.loads((directory / "chart.json").read_text(encoding="utf-8")) == CHART


def test_other_suffixes_ask_for_their_type(directory: Path) -> None:
    assert sessions.run("scrapdb show a chart -o chart.html", directory).code == 0
    assert (directory / "chart.html").read_text(encoding="utf-8") == HTML
    assert sessions.run("scrapdb show a chart -o chart.png", directory).code == 2


@pytest.mark.parametrize("options", ["", "-o chart.json", "-o chart.png", "-o chart", "--json"])
def test_a_display_of_nothing_is_an_error(options: str, directory: Path) -> None:
    ran = sessions.run(f"scrapdb show a nothing {options}", directory)
    assert (ran.stdout, ran.code) == ("", 1)
    assert ran.stderr == "Error: Nothing was shown of nothing when it was glued, so there is nothing to write.\n"
    assert sorted(path.name for path in directory.iterdir() if path.name.startswith("chart")) == []


def test_an_empty_text_is_something(directory: Path) -> None:
    assert sessions.run("scrapdb show a plain -o plain.txt", directory).code == 0
    assert (directory / "plain.txt").read_bytes() == b""


RECORD = {
    "version": 1,
    "state": "killed",
    "reason": "memory: 2.0 of 2.0 GB in cell 1",
    "wall": "bubblewrap",
    "warm": True,
    "limits": {"memory": 2 * 2**30, "timeout": 60.0, "network": False},
    "peak_memory": 2 * 2**30,
    "cpu_seconds": 1.25,
    "signal": "SIGKILL",
    "attempt": 2,
    "host": "box\x1b[31m",
    "files": [{"path": "out.csv", "bytes": 12000}],
    "warnings": ["It had\nthreads."],
}
SHOWN = r"""
  reason      memory: 2.0 of 2.0 GB in cell 1
  wall        bubblewrap, warm
  limits      memory 2.0 GB, timeout 60 seconds, network false
  memory      2.0 GB at most
  processor   1.25 seconds
  kernel end  SIGKILL
  attempt     2 on box\x1b[31m
  kept file   out.csv (12.0 kB)
  warning     It had\nthreads.
"""


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A killed run, a failed one, and a batch of which one is under way and one waits."""
    nb.write(tmp_path / "killed.ipynb", nb.notebook(nb.code("1"), scrapdb={"run": RECORD}))
    traceback = ["\x1b[0;31mKeyError\x1b[0m  Traceback\n\tline\x1b]0;title\x07", "KeyError: 'x'"]
    nb.write(tmp_path / "failed.ipynb", nb.notebook(nb.code("1", nb.error(traceback=traceback))))
    sb.open(tmp_path / "scraps.db").index(tmp_path)
    with Executions(tmp_path / "scraps.db") as executions:
        executions.queue(
            [
                Attempt("1", "b", "failed.ipynb", attempt=2, cells=8),
                Attempt("2", "b", "sub/new.ipynb", parameters='{"x":1}', expected_seconds=12.5),
            ]
        )
        executions.change("1", "running", cell=3)
    return tmp_path


def test_the_record_is_shown(ran: Path) -> None:
    shown = sessions.run("scrapdb show killed -f table", ran).stdout
    assert shown.startswith("killed.ipynb\n  status      killed\n")
    assert shown.endswith(SHOWN)


def test_an_error_is_said_once(tmp_path: Path) -> None:
    record = {"run": {"state": "failed", "reason": "KeyError: 'x' in cell 0", "wall": "limits"}}
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", nb.error()), scrapdb=record))
    sb.open(tmp_path / "scraps.db").index(tmp_path)
    shown = sessions.run("scrapdb show a -f table", tmp_path).stdout
    assert shown == "a.ipynb\n  status      failed\n  error       KeyError: 'x' (cell 0)\n  wall        limits\n"


def test_a_run_under_way_tells_how_far_it_is(ran: Path) -> None:
    assert "  now         running, cell 3 of 8, attempt 2\n" in sessions.run("scrapdb show failed -f table", ran).stdout
    waiting = sessions.run("scrapdb show new", ran)
    assert waiting.stdout == 'sub/new.ipynb\n  now         queued, 12.5 seconds expected\n  parameters  {"x":1}\n'
    assert waiting.stderr == "The store has no notebook of this run yet.\n"
    for arguments in ("new x", "new --json", "nowhere"):
        assert sessions.run(f"scrapdb show {arguments}", ran).stderr.startswith("Error: No notebook is called")


def test_the_trace_is_printed_whole_and_moves_no_cursor(ran: Path) -> None:
    expected = "KeyError  Traceback\n\tline\\x1b]0;title\\x07\nKeyError: 'x'\n"
    assert sessions.run("scrapdb show failed --trace", ran) == sessions.Ran(expected, "", 0)
    assert sessions.run("scrapdb show failed --trace -o trace.txt", ran).code == 0
    assert (ran / "trace.txt").read_text(encoding="utf-8") == expected
    without = sessions.run("scrapdb show killed --trace", ran)
    told = "Error: killed.ipynb has no traceback: its status is killed (memory: 2.0 of 2.0 GB in cell 1).\n"
    assert without == sessions.Ran("", told, 1)
