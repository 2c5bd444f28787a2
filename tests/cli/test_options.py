from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shlex import quote

import pytest

from scrapdb.errors import StoreNotFoundError
from scrapdb.store.connection import find
from tests import notebook_builder as nb
from tests import sessions


@pytest.mark.parametrize(
    "command",
    [
        "scrapdb --db STORE query --count",
        "scrapdb query --db STORE --count",
        "scrapdb query --count --db STORE",
        "scrapdb --db nowhere.db query --count --db STORE",
        "SCRAPDB_DB=STORE scrapdb query --count",
        "SCRAPDB_DB=nowhere.db scrapdb --db STORE query --count",
        "HOME=$(dirname STORE) scrapdb --db '~/scraps.db' query --count",
        "HOME=$(dirname STORE) SCRAPDB_DB='~/scraps.db' scrapdb query --count",
        "cd $(dirname STORE) && scrapdb query --count",
        "cd $(dirname STORE)/tickers && scrapdb query --count",
    ],
)
def test_where_the_store_is(ticker_store: Path, tmp_path: Path, command: str) -> None:
    ran = sessions.run(f"HOME=/nowhere; {command.replace('STORE', str(ticker_store))}", tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "12\n", "")


def test_index_makes_its_store_here_or_where_it_is_told(tmp_path: Path) -> None:
    nb.write(tmp_path / "a" / "b" / "x.ipynb", nb.gluing(x=1))
    assert sessions.run("scrapdb index a", tmp_path).stderr.endswith("→ scraps.db\n")
    assert sessions.run("cd a && scrapdb index b", tmp_path).stderr.endswith("→ scraps.db\n")
    assert sessions.run("SCRAPDB_DB=other.db scrapdb index a", tmp_path).stderr.endswith("→ other.db\n")
    assert {path.name for path in tmp_path.rglob("*.db")} == {"scraps.db", "other.db"}
    assert (tmp_path / "a" / "scraps.db").exists()


@pytest.fixture
def deep(ticker_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory below a home, with a store above the home."""
    home = tmp_path / "home"
    deep = home / "a" / "b"
    deep.mkdir(parents=True)
    shutil.copy(ticker_store, tmp_path)
    monkeypatch.setenv("HOME", str(home))
    return deep


def test_the_search_goes_up(ticker_store: Path, deep: Path) -> None:
    near = Path(shutil.copy(ticker_store, deep.parent))
    assert find(deep) == near
    at_home = Path(shutil.copy(ticker_store, deep.parent.parent))
    assert find(deep) == near
    near.unlink()
    assert find(deep) == at_home


def test_the_search_ends_at_home(deep: Path) -> None:
    with pytest.raises(StoreNotFoundError, match="There is no store here; run `scrapdb index DIR`"):
        find(deep)


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_the_search_ends_at_a_file_that_is_no_store(ticker_store: Path, deep: Path, content: bytes) -> None:
    shutil.copy(ticker_store, deep.parent.parent)
    (deep.parent / "scraps.db").write_bytes(content)
    with pytest.raises(StoreNotFoundError):
        find(deep)


def test_the_search_ends_at_another_database(ticker_store: Path, deep: Path) -> None:
    shutil.copy(ticker_store, deep.parent.parent)
    with closing(sqlite3.connect(deep.parent / "scraps.db")) as connection:
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(StoreNotFoundError):
        find(deep)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_search_ends_at_a_store_of_somebody_else(ticker_store: Path, deep: Path) -> None:
    store = Path(shutil.copy(ticker_store, deep.parent))
    assert find(deep) == store
    os.chown(store, 65534, 65534)
    with pytest.raises(StoreNotFoundError):
        find(deep)


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


def test_a_home_that_nobody_has_is_no_store(tmp_path: Path) -> None:
    ran = sessions.run("scrapdb --db '~nobody at all/scraps.db' query", tmp_path)
    assert (ran.code, ran.stderr) == (
        1,
        "Error: There is no store ~nobody at all/scraps.db; make one with `scrapdb index DIR`.\n",
    )


def test_a_table_on_a_terminal_and_csv_in_a_pipe(ticker_store: Path, tmp_path: Path) -> None:
    ask = f"scrapdb query 'distance < 0.1' -c symbol,length --db {ticker_store}"
    assert sessions.run(ask, tmp_path, columns=80).stdout.splitlines()[0] == "symbol  length"
    assert sessions.run(f"{ask} | cat", tmp_path).stdout.splitlines()[0] == "symbol,length"


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_table_fits_the_terminal(ticker_store: Path, tmp_path: Path, columns: int) -> None:
    ran = sessions.run(f"scrapdb query -c symbol,message --db {ticker_store}", tmp_path, columns)
    assert max(map(len, ran.stdout.splitlines())) <= columns
    assert ("…" in ran.stdout) == (columns < 40)


@pytest.fixture
def complete(ticker_store: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """Press tab at the end of a line, in the shell that the script of `completion` makes."""

    def press(line: str) -> list[str]:
        words = line.split(" ")
        ran = sessions.run(
            f"export SCRAPDB_DB={ticker_store}; source <(scrapdb completion bash)\n"
            f"COMP_WORDS=({' '.join(map(quoted, words))}) COMP_CWORD={len(words) - 1}\n"
            "_scrapdb_completion scrapdb\n"
            'printf "%s\\n" "${COMPREPLY[@]}"',
            tmp_path,
        )
        assert (ran.code, ran.stderr) == (0, "")
        return ran.stdout.split()

    return press


def quoted(word: str) -> str:
    return f"'{word}'"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("scrapdb qu", ["query"]),
        ("scrapdb query dis", ["distance"]),
        ("scrapdb query nb.sta", ["nb.status", "nb.started_at"]),
        ("scrapdb query -c symbol,dis", ["symbol,distance"]),
        ("scrapdb query distance<0.1&clo", ["distance<0.1&close_to_ath"]),
        ("scrapdb check dis", ["distance"]),
        ("scrapdb frame pri", ["prices"]),
        ("scrapdb query --form", ["--format"]),
        ("scrapdb query --format js", ["json", "jsonl"]),
        ("scrapdb completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_completion_in_bash(complete: Callable[[str], list[str]], line: str, expected: list[str]) -> None:
    assert complete(line) == expected


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("scrapdb qu", ["query\tShow the notebooks for which an expression holds."]),
        ("scrapdb query 'length > 1 and dis", ["length > 1 and distance"]),
        ("scrapdb query -c symbol,dis", ["symbol,distance"]),
        ("scrapdb query --lim", ["--limit\tShow no more than so many."]),
        ("scrapdb index te", ["tests/"]),
    ],
)
def test_completion_in_fish(ticker_store: Path, tmp_path: Path, line: str, expected: list[str]) -> None:
    (tmp_path / "tests").mkdir()
    press = "scrapdb completion fish | source; complete -C $argv[1]"
    ran = sessions.run(f"SCRAPDB_DB={ticker_store} fish -c {quote(press)} -- {quote(line)}", tmp_path)
    assert (ran.stdout.splitlines(), ran.stderr) == (expected, "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_can_read_its_script(tmp_path: Path) -> None:
    ran = sessions.run("zsh -fc 'compdef() { print $@ }; eval \"$(scrapdb completion zsh)\"'", tmp_path)
    assert (ran.stdout, ran.stderr) == ("_scrapdb_completion scrapdb\n", "")


def test_completion_without_a_store_is_silent(tmp_path: Path) -> None:
    asked = "COMP_WORDS='scrapdb query dis' COMP_CWORD=2 _SCRAPDB_COMPLETE=bash scrapdb"
    ran = sessions.run(asked, tmp_path)
    assert (ran.stdout.strip(), ran.stderr) == ("", "")


def test_completion_offers_no_name_that_a_shell_would_run(tmp_path: Path) -> None:
    names = ["good", "g$(touch owned)", "g`touch owned`", "g;touch owned", "g h", "g\nh", "g\x1b[31m"]
    nb.write(tmp_path / "runs" / "a.ipynb", nb.notebook(nb.code("glue()", *(nb.scrap(name, 1) for name in names))))
    assert sessions.run("scrapdb index runs", tmp_path).code == 0
    asked = "COMP_WORDS='scrapdb query g' COMP_CWORD=2 _SCRAPDB_COMPLETE=bash scrapdb"
    assert sessions.run(asked, tmp_path).stdout == "good\n"
