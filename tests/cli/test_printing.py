from __future__ import annotations

import json
from pathlib import Path

import pytest

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
