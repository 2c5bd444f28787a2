from __future__ import annotations

from pathlib import Path

import pytest

from tests.sessions import Step
from tests.sessions import matches
from tests.sessions import run
from tests.sessions import shown
from tests.sessions import steps


def test_a_session_is_commands_and_their_output() -> None:
    lines = ["$ one", "$ two \\", "> more", "out", "> out", "$ three", ""]
    assert list(steps(lines)) == [Step("one", []), Step("two \\\nmore", ["out", "> out"]), Step("three", [""])]


@pytest.mark.parametrize(
    ("expected", "actual", "alike"),
    [
        ("", "", True),
        ("a", "a", True),
        ("a", "b", False),
        ("a", "a|", False),
        ("a.c", "abc", False),
        ("in … s", "in 0.1 s", True),
        ("in … s", "in 0.1| s", False),
        ("a|…|d", "a|b|c|d", True),
        ("a|…|d", "a|d", True),
        ("a|…|d", "a|b|c", False),
        ("…", "a|b", True),
    ],
)
def test_an_ellipsis_stands_for_what_differs(expected: str, actual: str, *, alike: bool) -> None:
    assert matches(expected.split("|"), actual.split("|")) is alike


def test_what_matches_keeps_its_ellipsis() -> None:
    assert shown("c", ["took … s", "2 rows"], ["took 1 s", "2 rows"]) == ["$ c", "took … s", "2 rows"]
    assert shown("c", ["took … s", "2 rows"], ["took 1 s", "3 rows"]) == ["$ c", "took … s", "3 rows"]
    assert shown("c\nd", [], ["new"]) == ["$ c", "> d", "new"]


def test_output_errors_and_exit_code_are_told_apart(tmp_path: Path) -> None:
    directory = tmp_path / "here"
    directory.mkdir()
    assert run("echo out; echo err >&2; exit 3", directory) == ("out\n", "err\n", 3)


def test_a_terminal_is_one(tmp_path: Path) -> None:
    directory = tmp_path / "here"
    directory.mkdir()
    command = 'test -t 1 && echo yes; python -c "import os; print(os.get_terminal_size(1).columns)"'
    assert run(command, directory, 77) == ("yes\n77\n", "", 0)
    assert run("test -t 1 || echo no", directory).stdout == "no\n"
