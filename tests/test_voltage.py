"""The report of a site's voltage says what its minutes say, in both languages; counted here without pandas' help."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests import sessions
from tests.executed import EXAMPLE

BUNDLE = EXAMPLE.parent / "voltage"
SITES = ("north", "south", "east", "west")
LINES = ("L1", "L2", "L3")
LIMITS = ((207, 253), (195.5, 253))
WEEK = ("2026-02-02", "2026-02-08")


def sources() -> list[str]:
    """Return the code that a report executes."""
    cells = json.loads((BUNDLE / "report.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [source for source in code if not source.startswith("#")]


@cache
def minutes(site: str, first: str = WEEK[0], last: str = WEEK[1]) -> dict[datetime, tuple[float, ...]]:
    """Return what the meter says, of each minute the volts of the lines: the first cells of the notebook make it up."""
    names: dict[str, Any] = {"site": site, "from_day": first, "to_day": last}
    for source in sources():
        exec(source, names)  # noqa: S102 - our own
        if "voltage" in names:
            break
    values = names["voltage"]
    return {moment.to_pydatetime(): tuple(row) for moment, *row in values.itertuples()}


@cache
def means(site: str) -> dict[datetime, tuple[float, ...] | None]:
    """Return the mean of each ten minutes, None where it is excluded."""
    parts = defaultdict(list)
    for moment, volts in minutes(site).items():
        parts[moment.replace(minute=moment.minute // 10 * 10)].append(volts)
    return {
        moment: None
        if any(max(volts) < 11.5 for volts in part)
        else tuple(math.sqrt(math.fsum(volt * volt for volt in line) / 10) for line in zip(*part, strict=True))
        for moment, part in parts.items()
    }


def counted(site: str) -> Iterator[tuple[float, ...]]:
    return (mean for mean in means(site).values() if mean is not None)


def shares(site: str, low: float, high: float) -> list[float]:
    """Return the share of each line within limits, in %, rounded down to tenths."""
    return [
        sum(low <= volt <= high for volt in line) * 1000 // len(line) / 10 for line in zip(*counted(site), strict=True)
    ]


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("north", [[100.0, 100.0, 100.0], [100.0, 100.0, 100.0]]),
        ("south", [[99.9, 99.9, 100.0], [100.0, 100.0, 100.0]]),
        ("east", [[100.0, 93.2, 100.0], [100.0, 100.0, 100.0]]),
        ("west", [[100.0, 100.0, 97.7], [100.0, 100.0, 97.7]]),
    ],
)
def test_each_site_has_its_own_story(site: str, expected: list[list[float]]) -> None:
    assert [shares(site, *limits) for limits in LIMITS] == expected


def test_a_day_is_the_same_in_every_report() -> None:
    month = minutes("west", "2026-02-01", "2026-02-28")
    assert {moment: month[moment] for moment in minutes("west")} == minutes("west")


def test_three_intervals_of_the_week_are_excluded() -> None:
    excluded = [moment for moment, mean in means("south").items() if mean is None]
    assert [f"{moment:%d %H:%M}" for moment in excluded] == ["05 03:10", "05 03:20", "05 03:30"]


class Tables(HTMLParser):
    """Reads the texts of the cells of each table, row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._is_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.tables[-1][-1][-1] += data.strip()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of all sites in both languages, by one command; they lie in reports/SITE-LANGUAGE."""
    directory = tmp_path_factory.mktemp("voltage")
    command = f"scrapdb report build {BUNDLE} -p site={','.join(SITES)} --lang en,ca --name '{{site}}-{{lang}}'"
    ran = sessions.run(command, directory)
    assert ran.code == 0, ran.stderr
    return directory / "reports"


def decimal(number: float, digits: int, language: str) -> str:
    """Write a number as English or Catalan does."""
    text = f"{number:,.{digits}f}"
    return text if language == "en" else text.translate({ord(","): ".", ord("."): ","})


def percent(number: float, language: str) -> str:
    return f"{decimal(number, 1, language)}{'%' if language == 'en' else ' %'}"


WORDS = {"en": ("FAIL", "PASS"), "ca": ("NO COMPLEIX", "COMPLEIX")}
INTERRUPTED = {"en": ["Feb 5, 2026, 3:14 AM", "23 min"], "ca": ["5 de febr. 2026, 3:14", "23 min"]}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("site", SITES)
def test_all_numbers_of_the_page_are_those_that_are_counted(reports: Path, site: str, language: str) -> None:
    page = (reports / f"{site}-{language}" / "report.html").read_text("utf-8")
    compliance, extremes, *interruptions = Tables(re.sub(r"\s", " ", page)).tables
    for row, (low, high), needed in zip(compliance[1:], LIMITS, (95, 100), strict=True):
        lines = shares(site, low, high)
        ends = (decimal(volts, 2, language) for volts in (low, high))
        result = WORDS[language][min(lines) >= needed]
        assert row == [
            " \N{EN DASH} ".join(ends) + " V",
            *(percent(share, language) for share in [needed, *lines]),
            result,
        ]
    volts = [*zip(*counted(site), strict=True)]
    assert extremes[1:] == [
        [name, *(decimal(number, 1, language) for number in (min(line), math.fsum(line) / len(line), max(line)))]
        for name, line in zip(LINES, volts, strict=True)
    ]
    assert [table[1:] for table in interruptions] == ([[INTERRUPTED[language]]] if site == "south" else [])


def test_the_store_is_asked_which_site_does_not_comply(reports: Path) -> None:
    ran = sessions.run('scrapdb query "compliance < 95" -c site,compliance --csv', reports.parent)
    assert ran.stdout.split() == ["site,compliance", "east,93.2", "east,93.2"]


def test_nothing_of_the_source_is_left_in_the_other_language(reports: Path) -> None:
    page = (reports / "south-ca" / "report.html").read_text("utf-8")
    texts = re.findall(r'^msgid "(.+)"$', (BUNDLE / "languages" / "messages.pot").read_text("utf-8"), re.MULTILINE)
    assert len(texts) > 30
    assert [text for text in texts if re.search(rf"[>\"]\s*{re.escape(text)}\s*[<\"]", page)] == []
    assert json.loads((reports / "south-ca" / "report.json").read_bytes())["warnings"] == []


def test_plain_jupyter_writes_what_a_report_writes_and_shows_the_page(reports: Path, tmp_path: Path) -> None:
    shutil.copytree(BUNDLE, tmp_path, dirs_exist_ok=True)
    command = [sys.executable, "-m", "papermill", "report.ipynb", "executed.ipynb", "--no-progress-bar"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "output.json").read_bytes() == (reports / "south-en" / "output.json").read_bytes()
    last = json.loads((tmp_path / "executed.ipynb").read_bytes())["cells"][-1]
    assert "Supply voltage by EN 50160" in "".join(last["outputs"][0]["data"]["text/html"])
