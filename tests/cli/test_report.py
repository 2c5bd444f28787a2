"""`scrapdb report list` and `report show`."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path

import pytest

from scrapdb.database import Database
from scrapdb.facts import ReportState
from tests import notebook_builder as nb
from tests import sessions
from tests.reporting.made import LOG
from tests.reporting.made import build
from tests.reporting.made import queue
from tests.reporting.made import report
from tests.stores import query

NEWEST_FIRST = [
    ("queued", "voltage-ca-6f6f6f6f"),
    ("cancelled", "voltage-de-70707070"),
    ("running", "voltage-en-5e5e5e5e"),
    ("error", "near-high-en-4d4d4d4d"),
    ("error", "voltage-en-3c3c3c3c"),
    ("completed", "voltage-ca-2b2b2b2b"),
    ("completed", "voltage-en-1a1a1a1a"),
]
VOLTAGE = ("voltage-en-1a1a1a1a", "voltage-en-3c3c3c3c", "voltage-en-5e5e5e5e")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("reports")).parent


def listed(directory: Path, options: str = "") -> list[tuple[str, str]]:
    ran = sessions.run(f"scrapdb report list {options} --json", directory)
    assert (ran.stderr, ran.code) == ("", 0)
    return [(row["state"], row["id"]) for row in json.loads(ran.stdout)]


def test_the_newest_come_first_with_those_under_way(directory: Path) -> None:
    assert listed(directory) == NEWEST_FIRST
    assert listed(directory, "--limit 2") == NEWEST_FIRST[:2]


@pytest.mark.parametrize("state", ["queued", "running", "completed", "error", "cancelled", "lost"])
def test_reports_in_one_state(directory: Path, state: str) -> None:
    assert listed(directory, f"--state {state}") == [row for row in NEWEST_FIRST if row[0] == state]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--bundle near-high", ["near-high-en-4d4d4d4d"]),
        ("--where \"site = 'north'\"", ["voltage-ca-2b2b2b2b", "voltage-en-1a1a1a1a"]),
        ("--where \"report.language = 'ca'\"", ["voltage-ca-2b2b2b2b"]),
        ("--where \"report.state = 'error' and share > 0.9\" --bundle voltage", ["voltage-en-3c3c3c3c"]),
        ("--where 'x = 1'", []),
    ],
)
def test_filters(directory: Path, options: str, expected: list[str]) -> None:
    assert [name for _, name in listed(directory, options)] == expected


def test_formats_have_all_and_a_terminal_what_fits(directory: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(sessions.run("scrapdb report list", directory).stdout)))
    assert [(row["state"], row["id"]) for row in rows] == NEWEST_FIRST
    assert rows[3]["reason"] == "template.html, line 7: 'share' is undefined"
    assert rows[5] | {"reason": ""} == {
        "state": "completed", "id": "voltage-ca-2b2b2b2b", "title": "Qualitat de la tensió", "language": "ca",
        "when": "2026-11-29T12:00:20.000000Z", "reason": "", "bundle": "voltage", "bundle_version": "1.2",
        "batch": "", "notebook": "reports/voltage-ca-2b2b2b2b/report.ipynb",
    }  # fmt: skip
    wide = sessions.run("scrapdb report list", directory, 200).stdout.splitlines()
    assert wide[0].split() == ["state", "id", "title", "language", "when", "reason"]
    assert wide[4].split("  ")[-1] == "template.html, line 7: 'share' is undefined"
    for line in sessions.run("scrapdb report list", directory, 80).stdout.splitlines()[1:]:
        assert len(line) <= 80
        assert line.split()[1] in {name for _, name in NEWEST_FIRST}


def test_an_empty_store_has_none(tmp_path: Path) -> None:
    nb.write(tmp_path / "a.ipynb", nb.gluing(x=1))
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert listed(tmp_path) == []
    ran = sessions.run("scrapdb report list --state failed", tmp_path)
    assert (ran.code, "'failed' is not one of 'queued', 'running'" in ran.stderr) == (2, True)
    ran = sessions.run("scrapdb report list --where 'y ='", tmp_path)
    assert (ran.code, ran.stdout) == (2, "")


@pytest.mark.parametrize(
    "name",
    [
        "voltage-en-1a1a1a1a", "1a1a", "00aa", "reports/voltage-en-1a1a1a1a", "./reports/voltage-en-1a1a1a1a/",
        "reports/voltage-en-1a1a1a1a/report.ipynb", "voltage-en-1a1a1a1a/report.ipynb",
    ],
)  # fmt: skip
def test_a_report_is_found(directory: Path, name: str) -> None:
    ran = sessions.run(f"scrapdb report show {name}", directory)
    assert (ran.stderr, ran.code) == ("", 0)
    lines = [line.split(maxsplit=1) for line in ran.stdout.splitlines()]
    assert lines[0] == ["voltage-en-1a1a1a1a"]
    assert ["state", "completed"] in lines
    assert ["bundle", "voltage 1.2"] in lines
    assert ["parameter", "site = north"] in lines
    assert ["wall", "bubblewrap"] in lines
    assert ["when", "2026-11-29 12:00:10 UTC"] in lines
    assert ["page", "report.html"] in lines


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nope", "No report is called 'nope'; `scrapdb report list` lists them all."),
        ("''", "No report is called ''; `scrapdb report list` lists them all."),
        (
            "voltage-en",
            f"More than one report is called 'voltage-en': {', '.join(VOLTAGE)}. Give more of the name.",
        ),
    ],
)
def test_what_is_not_one_report_is_told(directory: Path, name: str, sentence: str) -> None:
    assert sessions.run(f"scrapdb report show {name}", directory) == sessions.Ran("", f"Error: {sentence}\n", 1)


def test_reports_of_one_name_in_two_directories(tmp_path: Path) -> None:
    for above in ("one", "two"):
        report(tmp_path / above / "north" / "en", id="north/en", title=above)
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert listed(tmp_path) == [("completed", "north/en")] * 2
    ran = sessions.run("scrapdb report show en", tmp_path)
    assert ran.stderr == (
        "Error: More than one report is called 'en': one/north/en, two/north/en. Give more of the name.\n"
    )
    assert "title       two" in sessions.run("scrapdb report show two/north/en", tmp_path).stdout


def test_one_under_way_and_one_that_never_began(directory: Path) -> None:
    shown = sessions.run("scrapdb report show 5e5e", directory).stdout
    assert "state       running, cell 2 of 5\n" in shown
    assert "parameter   site = south\n" in shown
    shown = sessions.run("scrapdb report show 7070", directory).stdout
    assert "state       cancelled\n" in shown
    assert "reason      it was stopped\n" in shown
    ran = sessions.run("scrapdb report show 5e5e --log", directory)
    assert (ran.code, ran.stderr) == (1, "Error: There is no log.txt beside the notebook of this report.\n")


def test_long_texts_are_wrapped(tmp_path: Path) -> None:
    report(tmp_path / "a", state="error", reason="word " * 40, title="\x1b[31mred")
    Database(tmp_path / "scraps.db").index(tmp_path)
    lines = sessions.run("scrapdb report show a", tmp_path, 80).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).count("word") == 40
    assert r"  title       \x1b[31mred" in lines


def test_log_and_traces(directory: Path) -> None:
    assert sessions.run("scrapdb report show 1a1a --log", directory).stdout == LOG.replace("\x1b", r"\x1b")
    shown = sessions.run("scrapdb report show near --trace", directory).stdout
    assert shown == "UndefinedError: 'share' is undefined (template.html, line 7)\n\n6 <p>\n7 {{ share }}\n8 </p>\n"
    shown = sessions.run("scrapdb report show 3c3c --trace", directory).stdout
    assert shown == "KeyError: 'l4' (cell 1)\n\nglue()\n\nTraceback of l4\n"
    ran = sessions.run("scrapdb report show 1a1a --trace", directory)
    assert ran == sessions.Ran("", "Error: voltage-en-1a1a1a1a has no trace: its state is completed.\n", 1)
    ran = sessions.run("scrapdb report show 1a1a --trace --log", directory)
    assert (ran.code, ran.stderr[:20]) == (2, "Error: One thing at ")


def test_the_record_as_json(directory: Path) -> None:
    record = json.loads(sessions.run("scrapdb report show near --json", directory).stdout)
    assert (record["name"], record["state"], record["trace"]["line"]) == ("near-high-en-4d4d4d4d", "error", 7)
    record = json.loads(sessions.run("scrapdb report show 2b2b --json", directory).stdout)
    assert (record["parameters"], record["pages"]) == ({"days": 7, "site": "north"}, ["report.html", "report.pdf"])
    assert (record["pushed"], record["trace"]) == (["s3://reports/voltage-ca.html"], None)


def test_the_page_is_opened_in_the_browser_or_its_path_is_printed(directory: Path, tmp_path: Path) -> None:
    page = directory / "reports" / "voltage-en-1a1a1a1a" / "report.html"
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    ran = sessions.run(f"BROWSER={browser} scrapdb report show 1a1a --open", directory)
    assert (ran.stdout, ran.code, seen.read_text()) == ("", 0, f"{page.as_uri()}\n")
    ran = sessions.run(
        "env -u DISPLAY BROWSER=nowhere PATH=$(dirname $(which scrapdb)) scrapdb report show 1a1a --open", directory
    )
    assert (ran.stdout, ran.code) == (f"{page}\n", 0)
    ran = sessions.run("scrapdb report show 5e5e --open", directory)
    assert ran.stderr == "Error: There is no report.html beside the notebook of this report.\n"


def test_a_page_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    made = report(tmp_path / "a", pages=["/etc/passwd", "report.html"])
    for name in ("report.html", "log.txt"):
        (made / name).unlink()
        (made / name).symlink_to("/etc/passwd")
    Database(tmp_path / "scraps.db").index(tmp_path)
    for option in ("--open", "--log"):
        ran = sessions.run(f"BROWSER=echo scrapdb report show a {option}", tmp_path)
        assert (ran.stdout, ran.code) == ("", 1)
    (made / "log.txt").unlink()
    os.mkfifo(made / "log.txt")
    ran = sessions.run("scrapdb report show a --log", tmp_path)
    assert ran.stderr == "Error: The log.txt beside the notebook of this report is no file.\n"


@pytest.mark.parametrize(
    ("attempt", "claimed", "ran", "state"),
    [
        (None, "completed", "completed", "completed"),
        (None, "running", "killed", "killed"),
        (None, "running", "failed", "error"),
        ("lost", "running", "completed", "lost"),
        ("running", "completed", "completed", "running"),
        ("retrying", "error", "failed", "queued"),
        ("failed", "error", "completed", "error"),
        ("completed", "completed", "completed", "completed"),
    ],
)
def test_the_state_is_that_of_who_knows_best(
    tmp_path: Path, attempt: str | None, claimed: ReportState, ran: str, state: str
) -> None:
    report(tmp_path / "reports" / "a", state=claimed, run={"state": ran}, trace={})
    store = tmp_path / "scraps.db"
    Database(store).index(tmp_path)
    if attempt:
        ended = {} if attempt in ("running", "retrying") else {"ended_at": "2026-11-29T14:00:00.000000Z"}
        queue(store, {"name": "a", "state": attempt, "columns": ended})
    assert listed(tmp_path) == [(state, "a")]
    assert query(store, "SELECT count(*) FROM reports") == [(1,)]
