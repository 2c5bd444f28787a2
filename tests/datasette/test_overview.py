"""The overview of a store: its numbers are those of the notebooks, its links lead to them, and nothing in it acts."""

from __future__ import annotations

import html
import json
import math
import os
import re
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC
from datetime import date
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scrapdb.database import Database
from scrapdb.datasette import bars
from scrapdb.store.readers import overview
from tests.datasette.asked import get
from tests.datasette.server import served
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

PAGE = "/-/scrapdb/scraps/overview"
DAYS = 40
HOSTILE = "<script>document.title = 'owned'</script>\"'`&\x1b[31m"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>'


def a_run(day: int, number: int) -> dict[str, Any]:
    """Make the run of a day: every seventh fails, every fifth shows a picture, and few have a loss."""
    moment = f"2026-{9 + day // 28:02}-{1 + day % 28:02}T{number:02}:30:00"
    outputs = [scrap("accuracy", math.sqrt(day) + number), scrap("width", 8)]
    outputs += [scrap("loss", -number)] if day % 10 == 0 else []
    outputs += [display("chart", {"image/png": PNG, "text/plain": "x"})] if (day + number) % 5 == 0 else []
    if (day + number) % 7 == 0:
        outputs.append(error("KeyError", f"'day {day}'\nwas not there"))
    papermill = {"start_time": moment, "end_time": moment, "duration": float(day)}
    return notebook(code("1", *outputs), papermill=papermill)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of forty days, with one to four runs on each, three odd files and a problem; nobody changes it."""
    directory = tmp_path_factory.mktemp("busy")
    for day in range(DAYS):
        for number in range(1 + day % 4):
            write(directory / "runs" / f"{day:02}-{number}.ipynb", a_run(day, number))
    write(directory / "damaged.ipynb", b'{"cells": [')
    write(directory / "waiting.ipynb", notebook(code("1", count=None)))
    write(directory / "failed.ipynb", notebook(code("1", error("ZeroDivisionError", "division by zero"))))
    Database(directory / "scraps.db").index(directory)
    return directory / "scraps.db"


@pytest.fixture(scope="module")
def runs(busy: Path) -> pd.DataFrame:
    """What the notebook files themselves say: day, whether it failed, seconds and values by path."""
    rows = []
    for path in sorted(busy.parent.glob("runs/*.ipynb")):
        document = json.loads(path.read_text())
        outputs = document["cells"][0]["outputs"]
        values = {
            payload["name"]: payload["data"]
            for output in outputs
            for mime, payload in output.get("data", {}).items()
            if mime.endswith("scrap.json+json")
        }
        times = document["metadata"]["papermill"]
        failed = any(output["output_type"] == "error" for output in outputs)
        shows = any("image/png" in output.get("data", {}) for output in outputs)
        kept = {"path": f"runs/{path.name}", "start": times["start_time"], "seconds": times["duration"]}
        rows.append({**kept, "day": times["start_time"][:10], "failed": failed, "shows": shows, **values})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def page(busy: Path) -> str:
    response = get(busy, PAGE)
    assert response.status_code == 200
    return str(response.text)


def links(text: str, pattern: str) -> list[str]:
    """Find the addresses of a page that match, as a browser reads them."""
    return [html.unescape(found) for found in re.findall(rf'href="({pattern}[^"]*)"', text)]


def rows_of(store: Path, address: str) -> list[dict[str, Any]]:
    """Ask as JSON for all rows that a link to a table leads to."""
    found: list[dict[str, Any]] = get(store, address.replace("?", ".json?", 1) + "&_shape=array&_size=max").json()
    return found


def store_of(directory: Path, **notebooks: Any) -> Path:
    for name, document in notebooks.items():
        write(directory / f"{name}.ipynb", document)
    Database(directory / "scraps.db").index(directory)
    return directory / "scraps.db"


def test_statuses_are_counted_and_lead_to_their_runs(busy: Path, page: str, runs: pd.DataFrame) -> None:
    expected = {
        "completed": int((~runs.failed).sum()), "failed": int(runs.failed.sum()) + 1, "not run": 1, "unreadable": 1,
    }  # fmt: skip
    tiles = re.findall(r'href="([^"]*nb_status=[^"]*)"><strong>([\d,]+)</strong> <span[^>]*>([^<]+)</span>', page)
    assert {status: int(count) for _, count, status in tiles} == expected
    for address, _, status in tiles:
        assert {row["nb_status"] for row in rows_of(busy, html.unescape(address))} == {status}
        assert len(rows_of(busy, html.unescape(address))) == expected[status]
    assert f"{len(runs) + 3} notebooks" in page
    assert "1 problem<" in page


def test_the_store_tells_when_it_was_last_changed(thirty: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(thirty.parent, tmp_path / "copy"), thirty.name)
    os.utime(store, (1_790_000_000, 1_790_000_000))
    assert "last changed <time" in get(store, PAGE).text
    assert "2026-09-21 14:13:20 UTC" in get(store, PAGE).text
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE notebooks SET kernel = 'other'")
        connection.commit()
        logged = datetime.fromtimestamp(Path(f"{store}-wal").stat().st_mtime, UTC)
        assert f"{logged:%Y-%m-%d %H:%M:%S} UTC" in get(store, PAGE).text


def test_days_are_bars_that_lead_to_their_runs(busy: Path, page: str, runs: pd.DataFrame) -> None:
    by_day = runs.groupby("day").agg(runs=("path", "size"), failed=("failed", "sum")).tail(overview.DAYS)
    labels = re.findall(r'aria-label="(\d{4}-\d\d-\d\d): (\d+) runs?(?:, (\d+) failed)?"', page)
    assert [(day, int(count), int(failed or 0)) for day, count, failed in labels] == list(by_day.itertuples(name=None))
    addresses = links(page, '[^"]*nb_started_at__gte')
    assert len(addresses) == len(by_day)
    for address, day in list(zip(addresses, by_day.index, strict=True))[::7]:
        assert sorted(row["notebook"] for row in rows_of(busy, address)) == list(runs.path[runs.day == day])
    heights = [float(height) for height in re.findall(r'scrapdb-column" style="height: ([\d.]+)%', page)]
    assert heights == pytest.approx(list(100 * by_day.runs / by_day.runs.max()), abs=0.01)


def test_the_last_failures_come_with_their_sentence(page: str, runs: pd.DataFrame) -> None:
    last = runs[runs.failed].sort_values("start", ascending=False).head(overview.FAILURES)
    section = page[page.index('class="scrapdb-failures"') :].partition("</ol>")[0]
    assert re.findall(r"runs/[\d-]+\.ipynb(?=</a>)", section) == list(last.path)
    assert re.findall(r'<time[^>]*datetime="([^"]{19})', section) == list(last.start)
    sentence = f"<b>KeyError</b> &#39;day {int(last.path.iloc[0][5:7])}&#39; was not there"
    assert sentence in section


def test_a_failure_without_a_start_comes_last(tmp_path: Path) -> None:
    times = {"start_time": "2026-11-01T00:00:00", "end_time": "2026-11-01T00:00:00"}
    failing = [notebook(code("1", error())), notebook(code("1", error()), papermill=times)]
    text = get(store_of(tmp_path, one=failing[0], two=failing[1]), PAGE).text
    section = text[text.index('class="scrapdb-failures"') :].partition("</ol>")[0]
    assert re.findall(r"(\w+)\.ipynb(?=</a>)", section) == ["two", "one"]
    assert section.count("<time") == 1


def test_numbers_are_drawn_and_lead_to_their_plot(busy: Path, page: str, runs: pd.DataFrame) -> None:
    cards = re.findall(
        r'<a class="scrapdb-card" href="([^"]+)" title="[^"]*">\s*<span class="scrapdb-field">([^<]+)</span>'
        r' <span class="scrapdb-null">([\d,]+) runs?</span>\s*<svg[^>]*aria-label="(\S+) to ([^,]+),',
        page,
    )
    values = {name: runs[name].dropna() for name in ("accuracy", "loss")} | {"nb.seconds": runs.seconds}
    assert [(name, int(count)) for _, name, count, _, _ in cards] == [
        (name, len(values[name])) for name in ("accuracy", "loss", "nb.seconds")
    ]
    for address, name, _, lowest, highest in cards:
        ends = values[name].min(), values[name].max()
        assert (float(lowest), float(highest)) == pytest.approx(ends, rel=1e-5)
        assert get(busy, html.unescape(address)).status_code == 200
    assert "Always the same: width 8" in page


def test_bars_are_those_of_a_histogram() -> None:
    numbers = [float(number) for number in np.random.default_rng(1).normal(3, 1, 500)]
    lowest, highest = min(numbers), max(numbers)
    expected, _ = np.histogram(numbers, 24)
    assert bars.binned(numbers, lowest, highest) == list(expected)
    assert bars.binned([1.0, 1.0, 3.0, 5.0], 1.0, 5.0) == [2, 0, 1, 0, 1]
    assert sum(bars.binned([-1.7e308, 0.0, 1.7e308], -1.7e308, 1.7e308)) == 3
    assert bars.histogram([], 0.0, 1.0) == ("", "0 to 1")
    drawn = bars.histogram(numbers, lowest, highest)
    heights = [float(height) for height in re.findall(r"v-([\d.]+)", drawn.path)]
    assert max(heights) == bars.HEIGHT
    assert len(heights) == sum(expected > 0)


@pytest.mark.parametrize(
    ("number", "text"), [(0.0017935, "0.00179"), (12, "12"), (123456, "123,456"), (-4e15, "-4e+15"), (0, "0")]
)
def test_ends_of_ranges_are_brief(number: float, text: str) -> None:
    assert bars.brief(number) == text


def test_days_that_are_apart_stand_apart() -> None:
    days = [overview.Day("2026-02-27", 4, 1), overview.Day("2026-02-28", 2, 0), overview.Day("2026-03-02", 1, 1)]
    assert [(bar.height, bar.is_apart) for bar in bars.days(days)] == [(100, False), (50, False), (25, True)]
    assert bars.days([overview.Day("9999-12-31", 1, 0)])[0].day == date.max


def test_the_latest_pictures_lead_to_their_notebooks(busy: Path, page: str, runs: pd.DataFrame) -> None:
    last = runs[runs.shows].sort_values("start", ascending=False).head(overview.PICTURES)
    section = page[page.index('class="scrapdb-pictures"') :].partition("</ul>")[0]
    assert re.findall(r'alt="chart of ([^"]+)"', section) == list(last.path)
    addresses = links(section, '[^"]*/notebook')
    assert len(addresses) == len(last)
    assert f'<tr id="{addresses[0].partition("#")[2]}">' in get(busy, addresses[0].partition("#")[0]).text
    with closing(sqlite3.connect(busy)) as connection:
        (digest,) = connection.execute("SELECT DISTINCT hash FROM displays WHERE mime_type = 'image/png'").fetchone()
    assert section.count(f"/display/{digest}") == len(last)


def test_every_notebook_shows_one_picture_before_any_shows_two(tmp_path: Path) -> None:
    shown = {name: {"image/svg+xml": SVG, "image/png": PNG} for name in "abc"}
    many = notebook(code("1", *(display(name, bundle) for name, bundle in shown.items())))
    text = get(store_of(tmp_path, one=many, two=many), PAGE).text
    pictures = re.findall(r'alt="(\w) of (\w+)\.ipynb"', text)
    assert pictures[:2] == [("a", "two"), ("a", "one")]
    assert sorted(pictures) == [(name, run) for name in "abc" for run in ("one", "two")]


def test_pictures_are_found_behind_many_runs_without(tmp_path: Path) -> None:
    store = store_of(tmp_path, first=notebook(code("1", display("chart", {"image/png": PNG}))))
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            """WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
               INSERT INTO notebooks (id, path, status, started_at)
               SELECT i, i, 'completed', '2026-11-01T00:00:00.000000Z' FROM n"""
        )
    assert 'alt="chart of first.ipynb"' in get(store, PAGE).text


EMPTY = {
    "There is no notebook in this store yet": {},
    "No run tells when it began": {"a": gluing(x=1)},
    "No run failed": {"a": gluing(x=1)},
    "No run has glued a number that differs": {"a": gluing(x=1), "b": gluing(x=1, text="t", truth=True)},
    "No run has shown a picture": {"a": notebook(code("1", display("report", {"text/html": "<p>"})))},
    "no problems": {"a": gluing(x=1)},
}


@pytest.mark.parametrize("sentence", EMPTY)
def test_what_is_missing_is_said(sentence: str, tmp_path: Path) -> None:
    response = get(store_of(tmp_path, **EMPTY[sentence]), PAGE)
    assert response.status_code == 200
    assert sentence in response.text


def test_odd_numbers_and_times_are_no_failure(tmp_path: Path) -> None:
    values = [1.7e308, -1.7e308, math.nan, math.inf, 10**400, -(2**63), True, 0.1]
    notebooks = {f"n{place}": gluing(x=value, y=place) for place, value in enumerate(values)}
    odd = {"start_time": "9999-12-31T23:59:59", "end_time": "0001-01-01T00:00:00", "duration": math.inf}
    notebooks["times"] = notebook(code("1"), papermill=odd)
    response = get(store_of(tmp_path, **notebooks), PAGE)
    assert response.status_code == 200
    assert 'aria-label="-1.7e+308 to 1.7e+308' in response.text
    assert 'aria-label="0 to 7' in response.text


def test_a_name_of_two_roles_is_that_of_its_scraps(tmp_path: Path) -> None:
    def run(number: int) -> dict[str, Any]:
        return notebook(code("1", scrap("x", number)), papermill={"parameters": {"x": number * 10, "y": number}})

    store = store_of(tmp_path, **{f"n{number}": run(number) for number in range(3)})
    text = get(store, PAGE).text
    assert re.findall(r'class="scrapdb-field">([^<]+)</span> <', text) == ["scrap.x", "param.x", "y"]
    assert [get(store, address).status_code for address in links(text, '[^"]*/plot[?]x')] == [200] * 3


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose names, paths and errors would act if they could, and have no end."""
    directory = tmp_path_factory.mktemp("hostile")
    long = "a_name_without_an_end_" * 20
    for number in range(3):
        values = [scrap(HOSTILE, number), scrap(long, number), scrap(f"<b>{number}", 1)]
        shown = [display(HOSTILE, {"image/png": PNG})]
        failed = [error(f"<img src=x onerror=alert(1)>{long}", f"</p>{HOSTILE}{long * 50}")]
        times = {"start_time": f"2026-11-0{number + 1}T00:00:00", "end_time": f"2026-11-0{number + 1}T00:00:01"}
        document = notebook(code("1", *values, *shown, *failed), papermill=times)
        write(directory / f"<script>document.title='owned' {number}{'long' * 40}.ipynb".replace("/", ""), document)
    Database(directory / "scraps.db").index(directory)
    return directory / "scraps.db"


def test_what_is_hostile_is_text(hostile: Path) -> None:
    text = get(hostile, PAGE).text
    assert "&lt;script&gt;document.title" in text
    assert "<script>document.title" not in text
    assert "<img src=x" not in text
    assert "<b>0" not in text
    assert "\x1b" not in text
    assert r"\x1b[31m" in text


def test_the_first_page_and_the_menu_lead_here_first(store: Path) -> None:
    for address in ("/", "/scraps"):
        text = get(store, address).text
        front = text[text.index("scrapdb-front") :]
        assert front.index("overview") < front.index("/scraps/runs")
    assert links(get(store, "/scraps/names").text, '[^"]*/-/scrapdb/')[0] == PAGE
    assert get(store, "/-/scrapdb/scraps").text.partition("<h1>")[2] == get(store, PAGE).text.partition("<h1>")[2]


def test_the_first_address_is_closed_as_the_others_are(store: Path) -> None:
    closed = {"databases": {"scraps": {"tables": {"scraps": {"allow": False}}}}}
    assert {get(store, address, metadata=closed).status_code for address in ("/-/scrapdb/scraps", PAGE)} == {403}
    assert get(store, "/-/scrapdb/nowhere").status_code == 404


def test_many_runs_are_seen_by_a_sample_and_by_indexes(tmp_path: Path) -> None:
    path = store_of(tmp_path, a=notebook(code("1", scrap("x", 0), display("chart", {"image/png": PNG}))))
    last = 12_000
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            f"""WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 2 FROM n WHERE i < {last})
                INSERT INTO notebooks (id, path, status, started_at, seconds)
                SELECT i, i, iif(i % 10, 'completed', 'failed'), '2026-11-0' || (1 + i % 9) || 'T00:00:00.000000Z', i
                  FROM n;
                INSERT INTO scraps (notebook_id, name_id, type, number, encoder, size, cell, output)
                SELECT notebooks.id, names.id, 'integer', notebooks.id, 'json', 1, 0, 0
                  FROM notebooks, names WHERE notebooks.id > 1 AND name = 'x';
                UPDATE name_types SET notebooks = 5997 WHERE type = 'integer';
                ANALYZE"""
        )
    text = get(path, PAGE).text
    assert f"The bars are of {overview.SAMPLED:,} of the 5,997 notebooks" in text
    assert f'aria-label="0 to {last}' in text  # of all, though few are looked at
    asked: list[str] = []
    with closing(sqlite3.connect(path)) as connection:
        connection.set_trace_callback(asked.append)
        seen = overview.read(connection, ["image/png"])
        connection.set_trace_callback(None)
        plans = [step for sql in asked for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(seen.fields[0].numbers) == overview.SAMPLED == 1 + len(seen.seconds)  # one has no seconds
    scanned = [step for step in plans if re.match(r"SCAN (notebooks|scraps|parameters)\b(?!.*INDEX)", step)]
    assert scanned == []


def test_the_browser_is_sent_to_the_overview(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, program = tmp_path / "told", tmp_path / "browser"
    program.write_text(f"#!{sys.executable}\nimport sys\nopen({str(told)!r}, 'w').write(sys.argv[1])\n")
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    with served("scrapdb", "--db", store, "serve", "--open") as address:
        end = time.monotonic() + 30
        while time.monotonic() < end and not (told.is_file() and told.read_text()):
            time.sleep(0.1)
    assert told.read_text() == f"{address}{PAGE}"


# From here on a browser lives, beside which no other test of this module can ask Datasette without a server.


@pytest.mark.parametrize("kind", ["busy", "hostile", "store"])
def test_no_overview_is_wider_than_its_window(kind: str, request: pytest.FixtureRequest, browser: Browser) -> None:
    with served("datasette", request.getfixturevalue(kind)) as address:
        for width in (390, 1280):
            tab = browser.new_page(viewport={"width": width, "height": 800})
            tab.goto(f"{address}{PAGE}")
            assert tab.evaluate("document.documentElement.scrollWidth") == width
            assert tab.title() == "scraps: overview"
            tab.close()


FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  return [element.href, style.outlineStyle, style.outlineWidth, !!element.closest(".scrapdb-nav, section.content")];
}"""


@pytest.fixture(scope="module")
def address(busy: Path) -> Iterator[str]:
    with served("datasette", busy) as running:
        yield running


def test_it_is_seen_without_scripts(address: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}{PAGE}")
    heights = [box["height"] for bar in tab.locator(".scrapdb-column").all() if (box := bar.bounding_box())]
    assert len(heights) == overview.DAYS
    assert max(heights) == pytest.approx(4 * min(heights), rel=0.05)  # days have one to four runs
    tab.click(".scrapdb-days li:last-child a")
    assert "nb_started_at__gte" in tab.url
    tab.go_back()
    tab.click(".scrapdb-pictures li:first-child a")
    assert "/notebook?path=" in tab.url
    context.close()


def test_the_keyboard_reaches_everything_and_sees_where_it_is(address: str, browser: Browser) -> None:
    tab = browser.new_page()
    tab.goto(f"{address}{PAGE}")
    links = tab.locator("a:visible, summary:visible")
    reached = []
    for _ in range(links.count()):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate(FOCUSED))
    assert [address for address, *_ in reached if address] == links.evaluate_all(
        "all => all.map(link => link.href).filter(href => href)"
    )
    ours = [(style, width) for _, style, width, is_ours in reached if is_ours]
    assert set(ours) == {("solid", "3px")}
    tab.close()
