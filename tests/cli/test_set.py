"""`scrapdb set` and `scrapdb unset`: what values are, and several editors at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import scrapdb as sb
from scrapdb.cli.app import main
from scrapdb.cli.commands.set import _value
from tests import sessions
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import write

OLD = "gro\u0308\u00dfe"
FRAME = pd.DataFrame({"n": [1, 2], "t": ["a", "b"]})


@pytest.fixture
def scrapdb(ticker_store: Path, tmp_path: Path) -> Callable[[str], sessions.Ran]:
    """Run the command beside a copy of the store of the tickers, by bash."""
    directory = tmp_path / "here"
    shutil.copytree(ticker_store.parent, directory)
    return lambda command: sessions.run(command, directory)


def value(directory: Path, name: str = "x") -> Any:
    return sb.read_notebook(directory / "tickers" / "BCD.ipynb").scraps[name].data


@pytest.mark.parametrize(
    ("text", "encoder", "wanted"),
    [
        ("-1e-3", None, -0.001),
        ("true", None, True),
        ("null", None, None),
        ('[1, {"a": 2}]', None, [1, {"a": 2}]),
        ('"7"', None, "7"),
        ("007", None, "007"),
        ("two words", None, "two words"),
        ("[" * 100_000, None, "[" * 100_000),
        ("7", "text", "7"),
        ("@alice", "text", "@alice"),
        ("{}", "json", {}),
        ('"seven"', "json", '"seven"'),  # as `glue` wants it
        ("@value.json", None, {"a": [1]}),
    ],
)
def test_values_are_json_or_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, encoder: str | None, wanted: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("value.json").write_text('{"a": [1]}')
    assert _value(text, encoder) == wanted
    assert type(_value(text, encoder)) is type(wanted)


def test_values_may_be_negative(scrapdb: Callable[[str], sessions.Ran], tmp_path: Path) -> None:
    ran = scrapdb("scrapdb set BCD x -0.5 --new")
    assert (ran.stdout, ran.stderr, ran.code) == ("", "tickers/BCD.ipynb and scraps.db are written.\n", 0)
    assert value(tmp_path / "here") == -0.5
    assert scrapdb("scrapdb set BCD x --encoder json '\"seven\"'").code == 0
    assert value(tmp_path / "here") == "seven"


def test_frames_come_from_files(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_parquet(tmp_path / "a.PARQUET")
    assert_frame_equal(_value(f"@{tmp_path}/a.csv", None), FRAME)
    assert_frame_equal(_value(f"@{tmp_path}/a.PARQUET", "pandas"), FRAME)


def test_the_store_follows_and_the_next_index_has_nothing_to_do(
    scrapdb: Callable[[str], sessions.Ran], tmp_path: Path
) -> None:
    db = sb.open(tmp_path / "here" / "scraps.db")
    assert scrapdb("scrapdb set BCD distance 77").code == 0
    assert [run["symbol"] for run in db.query("distance = 77", "symbol")] == ["BCD"]
    assert scrapdb("scrapdb unset BCD distance").code == 0
    assert [run["symbol"] for run in db.query("distance is null", "symbol")] == ["BCD"]
    summary = db.index(tmp_path / "here" / "tickers")
    assert (summary.unchanged, summary.changed, summary.added) == (12, 0, 0)


@pytest.fixture(scope="module")
def mistaken(ticker_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and its notebooks, and what is none."""
    here = tmp_path_factory.mktemp("mistaken") / "here"
    shutil.copytree(ticker_store.parent, here)
    os.mkfifo(here / "fifo.ipynb")
    for name in ("csv", "parquet", "json", "ipynb"):
        (here / f"broken.{name}").write_text("" if name == "csv" else "{")
    write(here / "markdown.ipynb", {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return here


@pytest.fixture
def told(
    mistaken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, str]]:
    """Run the command in this process, and give its exit code and what it says."""
    monkeypatch.chdir(mistaken)

    def run(arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["scrapdb", *arguments.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(str(ended.value.code)), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("set BCD distance", 2, "Missing argument 'VALUE'"),
        ("set BCD distance --encodr text 1", 2, "unexpected extra argument"),
        ("set BCD distance seven --encoder json", 2, "VALUE is not JSON"),
        ("set BCD distance 7 --encoder pandas", 2, "VALUE is no DataFrame"),
        ("set BCD distance 7 --encoder nope", 1, "No encoder is called 'nope'"),
        ("set BCD distance 7 --encoder display", 1, "would only be shown"),
        ("set BCD distance @scraps.db", 2, "--encoder text"),
        ("set BCD distance @broken.csv", 1, "broken.csv cannot be read as csv"),
        ("set BCD distance @broken.parquet", 1, "broken.parquet cannot be read as parquet"),
        ("set BCD distance @broken.json", 1, "broken.json cannot be read as json"),
        ("set BCD distance 7 --cell 0", 2, "cell 0 is no code cell"),
        ("set BCD distance 7 --cell 3", 1, "no scrap 'distance' in cell 3"),
        ("set BCD distanse 7", 1, "did you mean distance? To add a new one, say --new."),
        ("unset BCD distanse", 1, "did you mean distance?"),
        ("set nowhere x 1", 1, "No notebook is called 'nowhere'"),
        ("set tickers/BCD.ipynb distance 7 --db none.db", 1, "There is no store none.db"),
        ("set fifo.ipynb x 1", 1, "fifo.ipynb is not a file"),
        ("set /dev/null x 1", 1, "/dev/null is not a file"),
        ("set broken.json x 1", 1, "does not end in .ipynb"),
        ("set broken.ipynb x 1", 1, "half-written"),
        ("set markdown.ipynb x 1 --new", 1, "no code cell"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_changes_nothing(
    told: Callable[[str], tuple[int, str]], mistaken: Path, arguments: str, code: int, message: str
) -> None:
    before = (mistaken / "tickers" / "BCD.ipynb").read_bytes()
    ended, said = told(arguments)
    assert ended == code, said
    assert message in said
    assert (mistaken / "tickers" / "BCD.ipynb").read_bytes() == before


def test_what_is_set_is_never_printed(scrapdb: Callable[[str], sessions.Ran]) -> None:
    for arguments in (
        "BCD token hunter2 --new",
        "BCD token hunter2",
        "BCD tokn hunter2",
        "BCD token hunter2 --encoder json",
    ):
        ran = scrapdb(f"scrapdb -v set {arguments}")
        assert ran.stderr
        assert "hunter2" not in ran.stdout + ran.stderr


def test_a_store_that_an_earlier_edit_did_not_reach_follows(
    scrapdb: Callable[[str], sessions.Ran], tmp_path: Path
) -> None:
    nb = sb.read_notebook(tmp_path / "here" / "tickers" / "BCD.ipynb")
    nb.set("distance", 77)
    nb.save()
    assert scrapdb("scrapdb set BCD distance 77").stderr == "tickers/BCD.ipynb is as it was.\n"
    assert sb.open(tmp_path / "here" / "scraps.db").count("distance = 77") == 1


def test_without_a_store_the_file_is_written(tmp_path: Path) -> None:
    directory = tmp_path / "here"
    write(directory / "a.ipynb", gluing(x=1))
    assert sessions.run("scrapdb set a.ipynb x 2", directory).stderr == "a.ipynb is written.\n"
    assert sessions.run("scrapdb set a.ipynb x 2", directory).stderr == "a.ipynb is as it was.\n"
    assert sb.read_notebook(directory / "a.ipynb").scraps["x"].data == 2
    assert [path.name for path in directory.iterdir()] == ["a.ipynb"]


def test_a_store_does_not_learn_of_a_notebook_by_an_edit(
    scrapdb: Callable[[str], sessions.Ran], tmp_path: Path
) -> None:
    write(tmp_path / "here" / "new.ipynb", gluing(x=1))
    assert scrapdb("scrapdb set new.ipynb x 2").stderr == "new.ipynb is written; scraps.db does not know it.\n"
    assert scrapdb("scrapdb query --count").stdout == "12\n"


EDITOR = """
import sys
from scrapdb import read_notebook
from scrapdb.errors import NotebookChangedError

notebook = read_notebook(sys.argv[1])
notebook.set(sys.argv[2], 1)
print("ready", flush=True)
sys.stdin.readline()
try:
    notebook.save()
except NotebookChangedError as error:
    print("refused")
else:
    print("saved")
"""


def test_of_two_editors_at_once_one_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    for round_ in range(3):
        path = write(tmp_path / f"{round_}.ipynb", gluing(x=[0] * 100_000))
        editors = [
            subprocess.Popen(
                [sys.executable, "-c", EDITOR, str(path), name],
                cwd=sessions.ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("a", "b")
        ]
        for editor in editors:
            assert editor.stdout is not None
            assert editor.stdout.readline() == "ready\n"
        for editor in editors:
            assert editor.stdin is not None
            editor.stdin.write("go\n")
            editor.stdin.flush()
        ended = {name: editor.communicate()[0].strip() for name, editor in zip("ab", editors, strict=True)}
        assert sorted(ended.values()) == ["refused", "saved"]
        saved = next(name for name, end in ended.items() if end == "saved")
        assert sb.read_notebook(path).scraps.keys() == {"x", saved}


def test_what_many_editors_set_one_after_the_other_is_all_there(
    scrapdb: Callable[[str], sessions.Ran], tmp_path: Path
) -> None:
    names = [f"by{number}" for number in range(4)]
    ran = scrapdb(
        "\n".join(f"(until scrapdb -q set BCD {name} 1 --new 2>> errors; do :; done) &" for name in names) + "\nwait"
    )
    assert ran.code == 0
    assert names == sorted(sb.read_notebook(tmp_path / "here/tickers/BCD.ipynb").scraps.keys() & set(names))
    assert scrapdb(f"scrapdb query '{' = 1 and '.join(names)} = 1' -c symbol").stdout == "symbol\nBCD\n"
    errors = (tmp_path / "here" / "errors").read_text().splitlines()
    assert all("another process" in line or "since it was read" in line or "being changed" in line for line in errors)


@pytest.mark.parametrize("name", ["gr\u00f6\u00dfe", OLD])
def test_a_name_stays_as_the_notebook_spells_it(
    scrapdb: Callable[[str], sessions.Ran], tmp_path: Path, name: str
) -> None:
    file = write(tmp_path / "here" / "tickers" / "size.ipynb", gluing(**{OLD: 1}))
    scrapdb("scrapdb index tickers -q")
    assert scrapdb(f"scrapdb set size {name} 2 -q && scrapdb show size {name}").stdout.endswith("2\n")
    assert file.read_bytes() == content(gluing(**{OLD: 2}))
    assert sb.read_notebook(file).scraps[name].data == 2
    assert scrapdb(f"scrapdb query '{name} > 1' -c '`{name}`' --csv").stdout == "gr\u00f6\u00dfe\n2\n"
    scrapdb(f"scrapdb unset size {name} -q")
    assert not sb.read_notebook(file).scraps
