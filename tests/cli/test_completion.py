from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Literal

import pytest

from tests import notebook_builder as nb
from tests import sessions


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
        ("scrapdb query --by symbol,clo", ["symbol,close_to_ath"]),
        ("scrapdb query --having mean(dis", ["mean(distance"]),
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


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("gr\u00f6", "gr\u00f6\u00dfe"), ("b<gr\u00f6", "b<gr\u00f6\u00dfe"), ("gr\u00e4", None)],
)
def test_completion_knows_a_name_in_both_spellings(
    tmp_path: Path, form: Literal["NFC", "NFD"], typed: str, offered: str | None
) -> None:
    nb.write(
        tmp_path / "runs" / "a.ipynb", nb.notebook(nb.code("glue()", nb.scrap("gr\u00f6\u00dfe", 1), nb.scrap("b", 1)))
    )
    assert sessions.run("scrapdb index runs", tmp_path).code == 0
    asked = quote(f"scrapdb query {unicodedata.normalize(form, typed)}")
    ran = sessions.run(f"COMP_WORDS={asked} COMP_CWORD=2 _SCRAPDB_COMPLETE=bash scrapdb", tmp_path)
    assert [unicodedata.normalize("NFC", line) for line in ran.stdout.splitlines()] == ([offered] if offered else [])
