"""What `index --json` tells, in every way in which an index ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scrapdb.indexing.changes import Summary
from tests import notebook_builder as nb
from tests import sessions
from tests.repositories import Repository
from tests.stores import query

OF_GIT = {"versions", "failed_versions"}
FIELDS = {field.name for field in msgspec.structs.fields(Summary)} - OF_GIT | {"notebooks", "store"}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two notebooks, one of them half-written, and a text that is none."""
    nb.write(tmp_path / "runs/a.ipynb", nb.gluing(x=1))
    nb.write(tmp_path / "runs/half.ipynb", b'{"cells": [')
    return tmp_path


def told(text: str) -> dict[str, Any]:
    """Read the sentence that `index` prints without --json, and its warnings."""
    words = re.search(r"^([\d,]+) notebooks?: (.*) in [\d.]+ s → (.*)$", text, re.MULTILINE)
    assert words, text
    counts = {name: int(number) for number, name in (part.split() for part in words[2].split(", "))}
    return counts | {
        "notebooks": int(words[1]),
        "store": words[3],
        "errors": re.findall(r"^Warning: (.*)$", text, re.MULTILINE),
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("runs", 0),
        ("runs --strict", 1),
        ("runs/a.ipynb runs/half.ipynb --strict --workers 1", 1),
        ("'runs/*.ipynb' --force", 0),
        ("runs -v", 0),
        ("- < list", 1),
        ("runs - --db other.db < list", 1),
    ],
)
def test_json_has_all_that_is_told(runs: Path, arguments: str, code: int) -> None:
    (runs / "list").write_text("runs/a.ipynb\nnowhere.ipynb\nnor/here.ipynb\n")
    sentences = sessions.run(f"scrapdb index {arguments}", runs)
    for store in runs.glob("*.db*"):
        store.unlink()
    ran = sessions.run(
        f"scrapdb index {arguments.replace(' <', ' --json <')} {'' if '<' in arguments else '--json'}", runs
    )
    values = json.loads(ran.stdout)
    assert (ran.code, sentences.code) == (code, code)
    assert set(values) == FIELDS
    expected = told(sentences.stderr)
    assert {name: values[name] for name in expected} == expected
    assert (values["unfinished"], values["seconds"] >= 0) == (0, True)
    assert len(values["errors"]) == 2 * ("list" in arguments)


def test_json_is_all_that_is_on_standard_output(runs: Path) -> None:
    quiet = sessions.run("scrapdb -q index runs nowhere.ipynb - --json < /dev/null", runs)
    assert (quiet.stdout, quiet.code) == ("", 2)
    assert quiet.stderr == "Error: There is no file or directory nowhere.ipynb.\n"
    ran = sessions.run("scrapdb -q index runs --json", runs)
    assert (ran.stderr, ran.stdout.count("\n")) == ("", 1)


def test_every_pass_of_a_watch_is_a_line(runs: Path) -> None:
    out = runs / "out"
    command = [sys.executable, "-m", "scrapdb", "index", "runs", "--watch", "--json"]
    with out.open("w") as stream, subprocess.Popen(command, cwd=runs, stdout=stream, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            for expected in (1, 2):
                deadline = time.monotonic() + 30
                while out.read_text().count("\n") < expected:
                    assert time.monotonic() < deadline, out.read_text()
                    time.sleep(0.02)
                nb.write(runs / f"runs/{expected}.ipynb", nb.gluing(x=2), mtime=int(time.time()))
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        said = process.stderr.read().decode()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {frozenset(line) for line in lines} == {frozenset(FIELDS)}
    assert [(line["added"], line["failed"], line["notebooks"]) for line in lines[:2]] == [(1, 1, 2), (1, 1, 3)]
    assert "Watched: " in said


@pytest.mark.parametrize("wanted", ["3x", "-1", "1.5", "9" * 20, "9" * 5000, "d", "5m1h", "0d"])
def test_what_is_no_number_of_versions_and_no_age(runs: Path, wanted: str) -> None:
    told = sessions.run(f"scrapdb index runs --keep={wanted}", runs).stderr
    assert "Error: --keep takes a number of versions or an age" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "kept", ["--keep", "--keep 5", "--keep 99999999d", f"--keep {'9' * 18}", "--keep 30d --keep 5"]
)
def test_versions_are_kept(runs: Path, kept: str) -> None:
    sessions.run(f"scrapdb index runs {kept}", runs)
    assert query(runs / "scraps.db", "SELECT path, version FROM versions ORDER BY path") == [
        ("runs/a.ipynb", 1),
        ("runs/half.ipynb", 1),
    ]
    sessions.run("scrapdb index runs --keep 0", runs)
    assert query(runs / "scraps.db", "SELECT count(*) FROM versions") == [(0,)]


def test_a_repository_is_indexed_beside_paths(runs: Path) -> None:
    repo = (
        Repository(runs / "repo").commit({"r.ipynb": nb.gluing(x=1)}).commit({"r.ipynb": "{"}).commit({"r.ipynb": "1"})
    )
    repo.write()
    answer = sessions.run("scrapdb -q index runs --git repo --json", runs)
    summary = json.loads(answer.stdout)
    assert summary.keys() == FIELDS | OF_GIT
    counts = {name: summary[name] for name in ("notebooks", "added", "failed", "versions", "failed_versions")}
    assert counts == {"notebooks": 3, "added": 1, "failed": 2, "versions": 3, "failed_versions": 2}
    listed = sessions.run("scrapdb problems --versions -f table", runs)
    log = repo.git("log", "--reverse", "--format=%H").decode().split()
    assert [log[1], log[2]] == [line.split()[2] for line in listed.stdout.splitlines() if line.startswith("repo/")]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            "--git repo",
            0,
            "1 notebook: 1 added, 0 changed, 0 unchanged, 0 removed, 0 failed; versions: 2 added, 1 failed in ",
        ),
        ("--git repo", 0, "`scrapdb problems --versions` says what is wrong with the versions that failed."),
        ("--git repo --strict", 1, "1 failed"),
        ("--git repo@main~1", 0, "1 added, 1 failed"),
        ("runs --git repo --exclude 'r*'", 0, "versions: 0 added, 0 failed"),
        ("--git repo --watch", 2, "--watch is for files"),
        ("--git repo --scheduler tcp://host:1", 2, "--scheduler is for files"),
        ("--git https://example.org/ada/repo", 2, "clone the repository"),
        ("--git repo@nope", 2, "There is no commit nope"),
        ("--git runs", 2, "is not in a git repository"),
        ("", 2, "Name what to index"),
    ],
)
def test_what_is_said_of_repositories(runs: Path, arguments: str, code: int, said: str) -> None:
    Repository(runs / "repo").commit({"r.ipynb": "{"}).commit({"r.ipynb": nb.gluing(x=1)}).write()
    answer = sessions.run(f"GIT_CEILING_DIRECTORIES=/ scrapdb index {arguments}", runs)
    assert (answer.code, said in answer.stderr) == (code, True), answer.stderr
