"""`scrapdb diff` of files: what it prints for people and for programs, and what it ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import notebook_builder as nb
from tests import sessions

LONG = "the loss was 0.5 after a hundred steps, which is a lot"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two notebooks, and a third that is the first."""
    nb.write(tmp_path / "a.ipynb", nb.gluing(loss=0.5, steps=100, note=LONG, conf={"deep": {"er": [1, 2]}}, old=None))
    nb.write(tmp_path / "b.ipynb", nb.gluing(loss=0.25, steps="100", note=LONG[:-5], conf={"deep": {"er": [1, 3]}}))
    nb.write(
        tmp_path / "same.ipynb", nb.gluing(loss=0.5, steps=100, note=LONG, conf={"deep": {"er": [1, 2]}}, old=None)
    )
    return tmp_path


def printed(arguments: str, directory: Path, code: int) -> dict[str, Any]:
    ran = sessions.run(f"scrapdb diff {arguments} --json", directory)
    assert (ran.code, ran.stderr) == (code, "")
    found: dict[str, Any] = json.loads(ran.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    return found


def test_json_tells_kind_values_and_difference_of_each_name(directory: Path) -> None:
    found = printed("a.ipynb b.ipynb", directory, 1)
    assert (found["notebooks"], found["differs"], found["left_out"]) == (["a.ipynb", "b.ipynb"], True, 0)
    scraps = found["differences"]["scraps"]
    assert scraps["loss"] == {
        "kind": "number",
        "values": [0.5, 0.25],
        "differences": [{"difference": -0.25, "ratio": 0.5}],
    }
    assert scraps["steps"] == {"kind": "mixed", "values": [100, "100"], "differences": [{}]}
    assert scraps["old"] == {"kind": "null", "values": [None, None], "missing": [1], "differences": [{}]}
    assert scraps["conf"] == {
        "kind": "json",
        "paths": {
            ".deep.er[1]": {
                "kind": "number",
                "values": [2, 3],
                "differences": [{"difference": 1, "ratio": 1.5}],
            }
        },
    }
    pieces = scraps["note"]["differences"][0]["pieces"]
    assert "".join(text for kind, text in pieces if kind != "added") == LONG
    assert "".join(text for kind, text in pieces if kind != "removed") == LONG[:-5]


def test_markdown_is_told_as_code_is(directory: Path) -> None:
    for name, text in (("one", "# Title\nold \x1b[31m"), ("two", "# Title\nnew")):
        nb.write(directory / f"{name}.ipynb", nb.notebook(nb.code("x = 1"), nb.markdown(text)))
    found = printed("one.ipynb two.ipynb", directory, 1)["differences"]
    lines = ["@@ -1,2 +1,2 @@", " # Title", "-old \x1b[31m", "+new"]
    assert found == {
        "markdown": {
            "markdown": {
                "kind": "markdown",
                "values": [{"cells": 1}, {"cells": 1}],
                "differences": [{"cells": [{"before": 1, "after": 1, "lines": lines}]}],
            }
        }
    }
    told = sessions.run("scrapdb diff one.ipynb two.ipynb", directory).stdout
    escaped = [line.replace("\x1b", "\\x1b") for line in lines]
    assert told.splitlines()[3:] == ["markdown", "  cell 1", *(f"    {line}" for line in escaped)]


def test_json_of_equal_ones_and_of_three(directory: Path) -> None:
    assert printed("a.ipynb same.ipynb", directory, 0)["differences"] == {}
    loss = printed("a.ipynb same.ipynb b.ipynb", directory, 1)["differences"]["scraps"]["loss"]
    assert loss["values"] == [0.5, 0.5, 0.25]
    assert loss["differences"] == [None, {"difference": -0.25, "ratio": 0.5}]


def test_what_json_has_no_word_for_is_null(directory: Path) -> None:
    nb.write(directory / "nan.ipynb", nb.gluing(loss=float("nan"), conf=[float("inf")]))
    scraps = printed("a.ipynb nan.ipynb", directory, 1)["differences"]["scraps"]
    assert scraps["loss"] == {"kind": "number", "values": [0.5, None], "differences": [{}]}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("a.ipynb same.ipynb", 0),
        ("a.ipynb b.ipynb", 1),
        ("a.ipynb same.ipynb b.ipynb", 1),
        ("a.ipynb b.ipynb --only loss --tolerance 0.5", 0),
        ("a.ipynb b.ipynb --only loss --tolerance 0.4", 1),
        ("a.ipynb b.ipynb --ignore 'loss,steps,note,conf*,old'", 0),
        ("a.ipynb", 2),
        ("", 2),
        ("a.ipynb a.ipynb", 2),
        ("a.ipynb missing.ipynb", 2),
        ("a.ipynb b.ipynb --only lsos", 2),
        ("a.ipynb b.ipynb --tolerance nan", 2),
        ("a.ipynb b.ipynb --tolerance -1", 2),
        ("a.ipynb b.ipynb --db missing.db", 2),
    ],
)
def test_exit_codes(arguments: str, code: int, directory: Path) -> None:
    ran = sessions.run(f"scrapdb diff {arguments}", directory)
    assert ran.code == code, ran
    assert "Traceback" not in ran.stderr
    assert (ran.stdout != "") == (code == 1)


def test_nothing_moves_a_cursor_and_lines_are_narrow(directory: Path) -> None:
    evil = "\x1b[31m\x1b]0;title\x07\u202e"
    values: dict[str, Any] = {
        f"k{evil}": 1,
        "text": evil,
        "huge": 10**100,
        "long": f"{LONG} {evil} " * 9,
        "conf": {evil: [evil]},
    }
    nb.write(directory / f"{evil}.ipynb", nb.notebook(nb.code(f"x = '{evil}'\ty"), *nb.gluing(**values)["cells"]))
    other = {name: [value] if name == "conf" else f"{value} {LONG}" for name, value in values.items()}
    nb.write(directory / "other.ipynb", nb.gluing(**other))
    for columns, third in ((None, ""), (60, ""), (60, "a.ipynb")):
        ran = sessions.run(f"scrapdb diff ./*title*.ipynb other.ipynb {third}", directory, columns)
        assert ran.code == 1
        assert set(ran.stdout) & set(evil) - set("[31m]0;title") == set()
        code = ran.stdout.partition("\ncode\n")[2].partition("\nscraps\n")[0]
        rest = ran.stdout.replace(code, "").partition("\n\n")[2].splitlines()
        assert max(map(len, rest)) <= (columns or 80)
