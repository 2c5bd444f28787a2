from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from scrapdb.formats.table import display_width
from tests import notebook_builder as nb
from tests import sessions


@pytest.mark.parametrize(
    ("option", "first"),
    [
        ("", "symbol,distance"),
        ("-f csv", "symbol,distance"),
        ("--csv", "symbol,distance"),
        ("--tsv", "symbol\tdistance"),
        ("--md", "| symbol | distance |"),
        ("-f table", "symbol    distance"),
        ("--format=table", "symbol    distance"),
        ("-o out.md; cat out.md", "| symbol | distance |"),
        ("-o out.tsv; cat out.tsv", "symbol\tdistance"),
        ("-o OUT.TSV; cat OUT.TSV", "symbol\tdistance"),
        ("-o out.txt; cat out.txt", "symbol,distance"),
        ("-o out.md --csv; cat out.md", "symbol,distance"),
        ("-o /dev/stdout", "symbol,distance"),
        ("-o /dev/stderr 2>&1 >/dev/null", "symbol,distance"),
    ],
)
def test_formats(ticker_store: Path, tmp_path: Path, option: str, first: str) -> None:
    ran = sessions.run(f"scrapdb query --db {ticker_store} -c symbol,distance --sort symbol {option}", tmp_path)
    assert (ran.code, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == first
    assert "AAA" in lines[2 if first.startswith("|") else 1]


def test_json_and_json_lines_say_the_same(ticker_store: Path, tmp_path: Path) -> None:
    ask = f"scrapdb query --db {ticker_store} -c symbol,dj,close_to_ath"
    rows = json.loads(sessions.run(f"{ask} --json", tmp_path).stdout)
    lines = sessions.run(f"{ask} --jsonl", tmp_path).stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert (rows[0]["dj"], rows[0]["close_to_ath"]) == ({"a": 1, "b": 2}, False)


@pytest.mark.parametrize("option", ["--count", "--explain"])
def test_what_is_no_row_goes_into_a_file_too(ticker_store: Path, tmp_path: Path, option: str) -> None:
    ask = f"scrapdb query 'distance < 0.1' {option} --db {ticker_store}"
    shown = sessions.run(ask, tmp_path).stdout
    assert sessions.run(f"{ask} -o answer.txt", tmp_path).stdout == ""
    assert (tmp_path / "answer.txt").read_text() == shown != ""


def test_a_table_on_a_terminal_and_csv_in_a_pipe(ticker_store: Path, tmp_path: Path) -> None:
    ask = f"scrapdb query 'distance < 0.1' -c symbol,length --db {ticker_store}"
    assert sessions.run(ask, tmp_path, columns=80).stdout.splitlines()[0] == "symbol  length"
    assert sessions.run(f"{ask} | cat", tmp_path).stdout.splitlines()[0] == "symbol,length"


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_table_fits_the_terminal(ticker_store: Path, tmp_path: Path, columns: int) -> None:
    ran = sessions.run(f"scrapdb query -c symbol,message --db {ticker_store}", tmp_path, columns)
    assert max(map(len, ran.stdout.splitlines())) <= columns
    assert ("…" in ran.stdout) == (columns < 40)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three kinds of notebooks, each with 31 parameters of its own that differ, one of them very long."""
    directory = tmp_path_factory.mktemp("mixed")
    for kind in ("a", "b", "日本"):
        for run in range(3):
            values = {f"{kind}{number:02}": run + 0.5 for number in range(30)} | {f"{kind}_long": f"{run}" * 300}
            made = nb.notebook(nb.code("1", nb.scrap("kind", kind, "text")), papermill={"parameters": values})
            nb.write(directory / f"{kind}/with-a-name-of-some-length/{run}.ipynb", made)
    assert sessions.run("scrapdb -q index .", directory).code == 0
    return directory


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "question", ["", "\"kind = 'a'\"", "\"kind = '日本'\"", "\"kind = 'b'\" --limit 1", "'b00 > 1' --sort -b00"]
)
def test_as_many_parameters_as_a_terminal_holds_and_no_more(mixed: Path, question: str, columns: int) -> None:
    ran = sessions.run(f"scrapdb query {question}", mixed, columns)
    header, *lines = ran.stdout.splitlines()
    assert max(map(display_width, [header, *lines])) <= columns
    asked = [name for name in ("kind", "b00") if name in question]
    assert header.split()[: len(asked) + 1] == ["notebook", *asked]
    assert all(line.split()[0].endswith(".ipynb") for line in lines)
    piped = sessions.run(f"scrapdb query {question}", mixed)
    assert piped.stderr == ""
    everything = piped.stdout.splitlines()[0].split(",")
    missing = len(everything) - len(header.split())
    assert ran.stderr == (
        f"{missing} more parameters differ here; `scrapdb query -c '*'` shows every field.\n" if missing else ""
    )
    assert sessions.run(f"scrapdb query {question} -q", mixed, columns).stderr == ""
    differing = 0 if "limit" in question else 30 if "b00" in question else 31 if question else 93
    assert len(everything) == 1 + len(asked) + differing
    assert (missing > 0) is (differing > 0)


def test_numbers_that_grow_late_leave_a_table_a_table(tmp_path: Path) -> None:
    for run in range(1100):
        values = dict.fromkeys("abc", run if run < 1050 else run * 10**12)
        nb.write(tmp_path / f"runs/{run:04}.ipynb", nb.notebook(nb.code(), papermill={"parameters": values}))
    assert sessions.run("scrapdb -q index runs", tmp_path).code == 0
    header, *lines = sessions.run("scrapdb query", tmp_path, 40).stdout.splitlines()
    assert (header.split(), len(lines)) == (["notebook", "a"], 1100)
    assert lines[-1].split() == ["runs/1099.ipynb", "1099000000000000"]


def test_one_notebook_shows_its_path_and_what_was_asked_for(mixed: Path) -> None:
    ask = "scrapdb query \"nb.path like 'a/%' and a00 < 1\""
    assert sessions.run(ask, mixed).stdout.splitlines() == ["notebook,a00", "a/with-a-name-of-some-length/0.ipynb,0.5"]
    ran = sessions.run(ask, mixed, 80)
    assert (ran.stdout.split()[:2], ran.stderr) == (["notebook", "a00"], "")


def test_formats_for_programs_have_all_parameters_that_differ_also_on_a_terminal(mixed: Path) -> None:
    ask = "scrapdb query \"kind = 'a'\""
    (row, *_) = json.loads(sessions.run(f"{ask} --json", mixed, 80).stdout)
    assert list(row) == ["notebook", "kind", *sorted(name for name in row if name.startswith("a"))]
    assert len(row) == 2 + 31
    for form in ("csv", "tsv", "md", "jsonl"):
        ran = sessions.run(f"{ask} -f {form}", mixed, 80)
        assert ran.stderr == ""
        assert all(name in ran.stdout for name in row)
    assert sessions.run(f"{ask} -o rows.parquet", mixed, 80).stderr == ""
    assert pd.read_parquet(mixed / "rows.parquet").columns.tolist() == [*row]


def test_every_field_stands_in_a_terminal(mixed: Path) -> None:
    ran = sessions.run("scrapdb query \"kind = '日本'\" -c '*'", mixed, 80)
    rows = ran.stdout.split("\n\n")
    assert len(rows) == 3
    assert max(map(display_width, ran.stdout.splitlines())) <= 80
    assert re.search(r"^日本29 +2\.5$", rows[2], re.MULTILINE)
    assert "a00" not in ran.stdout


def test_offenders_fit_the_terminal_too(mixed: Path) -> None:
    ran = sessions.run("scrapdb check \"kind = 'a'\"", mixed, 80)
    assert ran.code == 1
    assert max(map(display_width, ran.stdout.splitlines())) <= 80
    assert re.match(r"\d+ more parameters differ here; `scrapdb query -c '\*'` shows every field\.\n", ran.stderr)


def test_names_of_fields_can_be_told_apart_in_a_terminal(mixed: Path) -> None:
    lines = sessions.run("scrapdb fields", mixed, 80).stdout.splitlines()
    assert max(map(display_width, lines)) <= 80
    assert {line.split()[0] for line in lines} >= {"name", "kind", "a00", "日本29", "a_long"}
    assert {line.split()[4] for line in lines if line.startswith("a29")} == {"0.5"}


def test_problems_are_told_in_full_on_a_terminal(tmp_path: Path) -> None:
    again = nb.notebook(nb.code("1", nb.scrap("a\x1b[31m", 1), nb.scrap("a\x1b[31m", 2)))
    nb.write(tmp_path / f"runs/{'long' * 30}.ipynb", again)
    nb.write(tmp_path / "runs/half.ipynb", b'{"cells": [')
    sessions.run("scrapdb index runs", tmp_path)
    rows = json.loads(sessions.run("scrapdb problems --json", tmp_path, 80).stdout)
    assert sessions.run("scrapdb problems", tmp_path, 80).stdout.splitlines() == [
        "runs/half.ipynb",
        f"  truncated: {rows[0]['message']}",
        f"runs/{'long' * 30}.ipynb",
        f"  repeated (cell 0, output 1, name a\\x1b[31m): {rows[1]['message']}",
    ]
    sessions.run("scrapdb index runs --exclude '*' --db none.db", tmp_path)
    ran = sessions.run("scrapdb problems --db none.db", tmp_path, 80)
    assert (ran.stdout, ran.stderr, ran.code) == ("", "There are no problems.\n", 0)
    assert "kind" in sessions.run("scrapdb problems -f table", tmp_path, 80).stdout.splitlines()[0]
    assert sessions.run("scrapdb problems", tmp_path).stdout.splitlines()[0] == "notebook,cell,output,name,kind,message"


@pytest.mark.parametrize(
    ("options", "expected"),
    [("", 9), ("--limit 2", 2), ("--offset 8", 1), ("--offset 7 --limit 5", 2), ("--offset 100", 0), ("--limit 0", 0)],
)
def test_a_count_is_that_of_the_rows(mixed: Path, options: str, expected: int) -> None:
    counted = sessions.run(f"scrapdb query --count -c a00 --sort -a00 {options}", mixed)
    rows = json.loads(sessions.run(f"scrapdb query -c a00 --sort -a00 {options} --json", mixed).stdout)
    assert (int(counted.stdout), len(rows)) == (expected, expected)
    assert sessions.run(f"scrapdb query -c a00 {options} -e", mixed).code == (not expected)


@pytest.mark.parametrize("option", ["-c nothing", "--sort nothing"])
def test_a_count_does_not_pass_over_mistakes(mixed: Path, option: str) -> None:
    ran = sessions.run(f"scrapdb query --count {option}", mixed)
    assert (ran.code, ran.stdout) == (2, "")
    assert "No notebook has a field `nothing`" in ran.stderr
