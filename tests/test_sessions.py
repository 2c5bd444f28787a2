from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.sessions import Ran
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


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
WAYS = {"forked": "", "alone": "unset LANG; export LC_ALL=C.UTF-8; "}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("scrapdb --version", 0),
        ("mkdir a; cd a; scrapdb index .", 0),
        ("scrapdb query nowhere --db scraps.db", 2),
        ("echo 'SELECT 1 AS x' | scrapdb sql - --db scraps.db", 0),
        ("SCRAPDB_DB=no.db scrapdb fields", 1),
        ("scrapdb index . --db new.db > out; scrapdb fields --db new.db >> out; cat out; umask 077; ls", 0),
        (f"timeout --preserve-status 0.5 scrapdb sql '{ENDLESS}' --db scraps.db", 143),
        (f"timeout -s KILL 0.5 scrapdb sql '{ENDLESS}' --db scraps.db", -9),
    ],
)
def test_scrapdb_is_forked_and_does_what_an_interpreter_of_its_own_does(
    tmp_path: Path, command: str, code: int
) -> None:
    forked, alone = (_ran(f"{way}{command}", tmp_path / name) for name, way in WAYS.items())
    assert forked == alone
    assert forked.code == code


def _ran(command: str, directory: Path) -> Ran:
    directory.mkdir()
    (directory / "here").mkdir()
    run("scrapdb index .", directory / "here")
    ran = run(command, directory / "here")
    return ran._replace(stderr=re.sub(r"[0-9.]+ s", "S", ran.stderr))
