"""What a terminal is told while a batch is under way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scrapdb.cli.batches import Teller
from scrapdb.running.batches.runs import Run
from scrapdb.running.events import Event
from scrapdb.running.task import Task

if TYPE_CHECKING:
    import pytest


def task(name: str) -> Task:
    return Task(id=name, batch="b", notebook="source.ipynb", content=b"", output=f"out/{name}.ipynb")


def ended(name: str, state: str = "completed", **more: object) -> Run:
    return Run(path=f"out/{name}.ipynb", state=state, id=name, store=Path("scraps.db"), **more)  # type: ignore[arg-type]


def test_each_run_has_a_line_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller("out/", live=False)
    teller.began([task("deep/A"), task("LONG"), task("C")], None, 2)
    teller.ended(ended("deep/A", seconds=1.25), None)
    teller.ended(ended("LONG", "timed out", seconds=61, reason="60 of 60 s in cell 3"), 2.0)
    teller.ended(ended("LONG", "failed", seconds=0.04, reason="ValueError: \x1b[2J\n"), None)
    teller.ended(ended("C", "cancelled", reason="it had not begun when the batch was stopped"), None)
    teller.ticked()
    teller.closed()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "deep/A  completed      1.2 s",
        "LONG    timed out     61.0 s  60 of 60 s in cell 3  again in 2 s",
        "LONG    failed         0.0 s  ValueError: \\x1b[2J",
        "C       cancelled             it had not begun when the batch was stopped",
    ]


def test_a_remark_that_many_runs_have_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller("out", live=False)
    for name in ("A", "B"):
        teller.ended(ended(name, warnings=("The output of cell 2 was cut.",)), None)
    assert capsys.readouterr().err.count("Warning: A: The output of cell 2 was cut.\n") == 1


def test_the_live_line_says_what_runs_and_how_long_it_takes() -> None:
    teller = Teller("out", live=False)
    tasks = [task(name) for name in "ABCDEF"]
    teller.began(tasks, 60.0, 4)
    assert teller.live_line() == "6 left, about 1 min 30 s: "
    for each in tasks[:5]:
        teller.heard(Event(each, "started", cells=9))
    teller.heard(Event(tasks[1], "cell", 4, 9))
    assert teller.live_line() == "6 left, about 1 min 30 s: A, B (cell 4 of 9), C and 2 more"
    teller.ended(ended("A", "lost"), 1.0)
    assert teller.live_line().startswith("6 left, about 1 min 30 s: B (cell 4 of 9), C, D and 1 more")
    for each in tasks:
        teller.ended(ended(each.id, "failed"), None)
    assert teller.live_line() == ""


def test_what_is_followed_has_its_run_and_cell_in_front(capsys: pytest.CaptureFixture[str]) -> None:
    for follow in (True, False):
        teller = Teller("out", follow=follow, live=False)
        teller.heard(Event(task("A"), "output", 2, 3, "one\n\ttwo\x07\n"))
    assert capsys.readouterr().err == "A [2] one\nA [2] \ttwo\\x07\n"


def test_on_a_terminal_the_live_line_gives_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    teller = Teller("out", live=True)
    teller.began([task("A" * 30)], None, 1)
    teller.heard(Event(task("A" * 30), "started"))
    teller.ticked()
    teller.warned("nothing")
    assert capsys.readouterr().err == f"\r\x1b[K{'1 left: ' + 'A' * 11}\r\x1b[KWarning: nothing\n"
