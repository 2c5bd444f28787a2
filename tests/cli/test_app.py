"""Exit codes, signals, pipes and what reaches a terminal: the command as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import pytest

from tests import notebook_builder as nb
from tests import sessions
from tests.commands import COMMANDS

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
FORMATS = ["table", "json", "jsonl", "csv", "tsv", "md", "parquet", "xlsx"]


@pytest.fixture
def scrapdb(ticker_store: Path, tmp_path: Path) -> Callable[..., sessions.Ran]:
    """Run the command on the store of the tickers in an empty directory, by bash."""

    def run(command: str, columns: int | None = None) -> sessions.Ran:
        return sessions.run(f"export SCRAPDB_DB={ticker_store}; {command}", tmp_path, columns)

    return run


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--version", 0),
        ("--help", 0),
        ("query --help", 0),
        ("query", 0),
        ("query 'distance > 1000'", 0),
        ("query 'distance > 1000' --fail-if-empty", 1),
        ("query 'distance > 1000' --count --fail-if-empty", 1),
        ("query 'distance < 1000' --count -e", 0),
        ("check 'distance > 1000'", 1),
        ("check 'distance < 1000'", 0),
        ("check 'distance > 1000' --any", 1),
        ("show BCD", 0),
        ("show nowhere", 1),
        ("show BCD nothing", 1),
        ("show BCD chart -o /no/where.png", 1),
        ("show BCD chart -o chart.pdf", 2),
        ("show BCD symbol -o symbol.png", 2),
        ("frame nothing", 1),
        ("frame prices -c nothing", 2),
        ("sql 'SELECT 1'", 0),
        ("sql 'DELETE FROM scraps'", 2),
        ("sql 'SELEC'", 2),
        (f"sql '{ENDLESS}' --seconds 0.1", 1),
        ("fields > /dev/full", 1),
        ("query -o /dev/full", 1),
        ("--help > /dev/full", 1),
        ("--version > /dev/full", 1),
        ("query --db /tmp", 2),
        ("query --db nowhere.db", 1),
        ("query 'distance <'", 2),
        ("query 'distanse < 1'", 2),
        ("query --explain", 0),
        ("query --explain -c nothing", 2),
        ("query --explain --sort nothing", 2),
        ("query --explain --json", 2),
        ("query --explain --count", 2),
        ("query --json --csv", 2),
        ("query --limit -1", 2),
        ("query --nonsense", 2),
        ("nonsense", 2),
        ("", 2),
        ("index nowhere --db new.db", 2),
    ],
)
def test_exit_codes(scrapdb: Callable[..., sessions.Ran], arguments: str, code: int) -> None:
    ran = scrapdb(f"scrapdb {arguments}")
    assert ran.code == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert (code > 0) <= bool(ran.stderr or "empty" in arguments)


def test_a_failure_leaves_no_store(scrapdb: Callable[..., sessions.Ran], tmp_path: Path) -> None:
    for arguments in ("query --db new.db", "fields --db new.db", "sql --db new.db 'SELECT 1'", "gc --db new.db"):
        assert scrapdb(f"scrapdb {arguments}").code == 1
    assert [*tmp_path.iterdir()] == []


def interrupted(command: list[str], directory: Path) -> tuple[int, str, float]:
    """Start a command, press Ctrl-C after a second, and tell its exit code, its errors and how long it took then."""
    environment = os.environ | {"PYTHONPATH": str(sessions.ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapdb", *command],
        cwd=directory,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(1.5)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors, time.monotonic() - began


def test_a_long_statement_is_interrupted(ticker_store: Path, tmp_path: Path) -> None:
    code, errors, seconds = interrupted(["--db", str(ticker_store), "sql", ENDLESS], tmp_path)
    assert (code, errors.strip()) == (130, "")
    assert seconds < 10


def test_a_long_index_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    large = nb.content(nb.gluing(values=["x" * 50] * 40_000))
    for number in range(300):
        nb.write(tmp_path / "runs" / f"{number}.ipynb", large)
    code, errors, _ = interrupted(["index", "runs", "--workers", "2"], tmp_path)
    assert code == 130
    assert "Traceback" not in errors
    assert sessions.run("scrapdb -q sql 'PRAGMA integrity_check'", tmp_path).stdout == "integrity_check\nok\n"
    shutil.rmtree(tmp_path / "runs")
    nb.write(tmp_path / "runs" / "new.ipynb", nb.gluing(x=1))
    assert sessions.run("scrapdb index runs", tmp_path).code == 0


@pytest.mark.parametrize("format_", FORMATS)
def test_a_broken_pipe_is_silent(scrapdb: Callable[..., sessions.Ran], format_: str) -> None:
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 30000) SELECT x, x FROM n"
    ran = scrapdb(f"scrapdb sql '{many}' -f {format_} | head -c 20 > /dev/null; echo ${{PIPESTATUS[0]}}")
    assert (ran.stdout, ran.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    "command",
    ["frame prices", "fields", "query", "show BCD prices", "query --count", "--help", "--version", "query --help"],
)
def test_a_pipe_that_nobody_reads_is_silent(scrapdb: Callable[..., sessions.Ran], command: str) -> None:
    ran = scrapdb(f"scrapdb {command} | true; echo ${{PIPESTATUS[0]}}")
    assert (ran.stdout, ran.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("query >&-", 0, ""),
        ("--help >&-", 0, ""),
        ("query --count >&- 2>&- <&-", 0, ""),
        ("query nowhere 2>&-", 2, ""),
        ("sql - <&-", 2, "Error: The SQL is empty.\n"),
    ],
)
def test_streams_that_are_closed_are_empty(
    scrapdb: Callable[..., sessions.Ran], command: str, code: int, said: str
) -> None:
    ran = scrapdb(f"scrapdb {command}")
    assert (ran.code, ran.stderr) == (code, said)


def test_a_list_from_a_closed_stream_is_empty(tmp_path: Path) -> None:
    ran = sessions.run("scrapdb index - <&-", tmp_path)
    assert ran.code == 0
    assert ran.stderr.startswith("0 notebooks: ")


@pytest.mark.parametrize(
    "arguments",
    ["show $'\\xff'", "problems $'\\xff'", "show BCD $'\\xff'", "frame $'\\xff'", "query $'`\\xff`'", "sql $'\\xff'"],
)
def test_arguments_that_are_not_utf_8_are_not_found(scrapdb: Callable[..., sessions.Ran], arguments: str) -> None:
    ran = scrapdb(f"scrapdb {arguments}")
    assert ran.code > 0
    assert ran.stderr.startswith("Error: ")


def test_a_full_disk_is_told(scrapdb: Callable[..., sessions.Ran]) -> None:
    ran = scrapdb("scrapdb query > /dev/full")
    assert (ran.code, ran.stderr) == (1, "Error: No space left on device\n")


HOSTILE = "\x1b]0;owned\x07\x1b[31m\x9b5m\r\u202e"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of notebooks whose names, values and errors would take a terminal over."""
    directory = tmp_path_factory.mktemp("hostile")
    frame = {HOSTILE: HOSTILE, "x": [HOSTILE]}
    outputs = [nb.scrap(HOSTILE, HOSTILE), nb.scrap("x", frame), nb.scrap(HOSTILE, [HOSTILE])]
    failing = nb.code(HOSTILE, *outputs, nb.error(HOSTILE, HOSTILE, [HOSTILE]))
    parameters = nb.code(f"y = {HOSTILE!r}", tags=("parameters",))
    nb.write(directory / "runs" / f"a{HOSTILE}.ipynb", nb.notebook(parameters, failing))
    nb.write(directory / "runs" / f"b{HOSTILE}.ipynb", b"{" + HOSTILE.encode())
    assert sessions.run("scrapdb index runs", directory).code == 0
    return directory


@pytest.mark.parametrize(
    "command",
    [
        "index runs --force --strict 2> said; cat said",  # on a terminal it draws a bar
        "index runs --force -v 2> said; cat said",
        *(f"query -c '*' -f {format_}" for format_ in FORMATS[:-1]),
        "query",
        'query "x = 1"',
        "query owned",
        'query "own = 1" -v',
        "query --explain 'x is not null'",
        "fields",
        "fields --json",
        "problems",
        "problems --csv",
        "du --by notebook",
        "show a",
        'show "$NOTEBOOK"',
        'show "$NOTEBOOK" x',
        'show "$NOTEBOOK" "$NAME"',
        'show "$NOTEBOOK" nothing',
        "frame x",
        "sql 'SELECT * FROM scraps JOIN names ON id = name_id'",
        "sql 'SELECT * FROM notebooks' --md",
        "sql $'SELECT \"\\x1b[31m\"'",
        "check 'x = 1'",
        "nonsense$'\\x1b[31m'",
        "query 'x is not null' -o /dev/stdout",
    ],
)
def test_nothing_from_a_notebook_moves_the_cursor(hostile: Path, command: str) -> None:
    names = f"NOTEBOOK={quote(f'a{HOSTILE}')}; NAME={quote(HOSTILE)}"
    ran = sessions.run(f"{names}; scrapdb {command} 2>&1", hostile, columns=80)
    assert ran.stdout
    assert [char for char in ran.stdout if unicodedata.category(char) == "Cc" and char not in "\n\t"] == []
    assert "\u202e" not in ran.stdout


def test_quiet_silences_all_but_errors(scrapdb: Callable[..., sessions.Ran], tmp_path: Path) -> None:
    nb.write(tmp_path / "runs" / "broken.ipynb", b"{")
    assert scrapdb("scrapdb index runs --db new.db").stderr
    for command in ("scrapdb -q index runs --db new.db", "scrapdb du -q", "scrapdb check 'length > 0' --quiet"):
        ran = scrapdb(command)
        assert (ran.code, ran.stderr) == (0, "")
    assert scrapdb("scrapdb -q query 'nowhere = 1'").stderr.startswith("Error: ")


def test_verbose_names_the_notebooks_that_cannot_be_read(tmp_path: Path) -> None:
    nb.write(tmp_path / "runs" / "broken.ipynb", b"{")
    nb.write(tmp_path / "runs" / "twice.ipynb", nb.notebook(nb.code("glue()", nb.scrap("x", 1), nb.scrap("x", 2))))
    lines = sessions.run("scrapdb index runs -v", tmp_path).stderr.splitlines()
    assert lines[0].startswith("2 notebooks: 1 added, 0 changed, 0 unchanged, 0 removed, 1 failed")
    (line,) = lines[1:]
    (message,) = json.loads(sessions.run("scrapdb problems broken --json", tmp_path).stdout)
    assert line == f"runs/broken.ipynb: {message['message']}"


def test_verbose_shows_where_an_error_comes_from(scrapdb: Callable[..., sessions.Ran]) -> None:
    ran = scrapdb("scrapdb query 'nowhere = 1' -v")
    assert ran.code == 2
    assert ran.stderr.startswith("Traceback (most recent call last):")
    assert scrapdb("scrapdb query 'nowhere = 1'").stderr.count("Traceback") == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(scrapdb: Callable[..., sessions.Ran], name: str) -> None:
    group, _, last = f"scrapdb {name}".rpartition(" ")
    overview = scrapdb(f"{group} --help").stdout
    ran = scrapdb(f"scrapdb {name} --help")
    assert ran.stdout.startswith(f"Usage: scrapdb {name} ")
    assert {"--db", "--quiet", "--verbose"} <= {*ran.stdout.replace(",", " ").split()}
    assert f"\n  {last} " in overview
    assert "\\b" not in ran.stdout  # the mark of lines that are not to be joined
    assert scrapdb(f"scrapdb {name} -h").stdout == ran.stdout


def test_a_module_is_a_command(ticker_store: Path) -> None:
    command = [sys.executable, "-m", "scrapdb", "--db", str(ticker_store), "query", "--count"]
    assert subprocess.run(command, cwd=sessions.ROOT, capture_output=True, check=True).stdout == b"12\n"
