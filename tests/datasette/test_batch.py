"""The page of a batch, and what other pages say of runs: fetched from a real Datasette."""

from __future__ import annotations

import html
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scrapdb.database import Database
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from tests.datasette.asked import get
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import write

PAGES = "/-/scrapdb/scraps/"
HOSTILE = "<script>alert(1)</script>"
RECORD = {
    "state": "killed",
    "reason": f"memory: 2.0 of 2.0 GB {HOSTILE}",
    "wall": "bubblewrap",
    "batch": "b1",
    "peak_memory": 2 * 2**30,
    "files": [{"path": HOSTILE, "bytes": 7}],
}


def attempts(batch: str, *names: str) -> list[Attempt]:
    moment = "2026-11-29T12:00:00.000000Z"
    return [Attempt(f"{batch}-{name}", batch, f"{name}.ipynb", queued_at=moment, cells=8) for name in names]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches, one of them under way; nobody changes it."""
    directory = tmp_path_factory.mktemp("batches")
    write(directory / "done.ipynb", gluing(x=1))
    write(directory / "killed.ipynb", notebook(code("1", error("KeyboardInterrupt", "")), scrapdb={"run": RECORD}))
    Database(directory / "scraps.db").index(directory)
    with Executions(directory / "scraps.db") as executions:
        executions.queue(attempts("b0", "old"))
        executions.change("b0-old", "skipped", reason="no new data")
        executions.queue(attempts("b1", "done", "killed", "now", "waits", "again"))
        executions.change("b1-done", "completed", ended_at="2026-11-29T12:00:09.000000Z", wall="bubblewrap")
        executions.change("b1-killed", "killed", reason=RECORD["reason"], ended_at="2026-11-29T12:00:09.000000Z")
        executions.change("b1-now", "running", cell=3, started_at="2026-11-29T12:00:01.000000Z")
        executions.change("b1-again", "failed", reason="kernel not ready", ended_at="2026-11-29T12:00:09.000000Z")
        executions.queue([Attempt("b1-2", "b1", "again.ipynb", attempt=2, state="retrying", expected_seconds=12.5)])
    return directory / "scraps.db"


def page(store: Path, address: str, status: int = 200) -> tuple[str, str]:
    """Fetch a page: its HTML, and what of it is read."""
    response = get(store, PAGES + address)
    assert response.status_code == status
    assert HOSTILE not in response.text
    main = response.text.partition('<nav class="scrapdb-nav"')[2].partition("</nav>")[2].partition("<footer")[0]
    return response.text, " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def test_the_page_of_a_batch(store: Path) -> None:
    source, text = page(store, "batch?id=b1")
    assert "2 of 5 runs ended; this page looks again every 5 seconds." in text
    assert "all 5 running 1 retrying 1 killed 1 queued 1 completed 1" in text
    rows = re.findall(r"<tr>\s*<td>(?:<a [^>]*>)?(\w+)\.ipynb", source)
    assert rows == ["now", "again", "killed", "waits", "done"]
    assert "now.ipynb running cell 3 of 8" in text
    assert "again.ipynb retrying attempt 2, 12.5 seconds expected" in text
    assert f"killed.ipynb killed {RECORD['reason']}" in text
    assert 'href="/-/scrapdb/scraps/notebook?path=killed.ipynb"' in source
    assert "path=waits.ipynb" not in source  # there is nothing to see yet
    assert '<meta http-equiv="refresh" content="5">' in source


def test_the_runs_of_one_state(store: Path) -> None:
    source, text = page(store, "batch?id=b1&state=queued")
    assert re.findall(r"<tr>\s*<td>(\w+)\.ipynb", source) == ["waits"]
    assert "1 to 1 of 1" in text
    assert "No run is lost." in page(store, "batch?id=b1&state=lost")[1]


def test_a_batch_that_is_over_stands_still(store: Path) -> None:
    source, text = page(store, "batch?id=b0")
    assert "1 of 1 run ended." in text
    assert "refresh" not in source
    assert "old.ipynb skipped no new data" in text


def test_the_last_batches(store: Path) -> None:
    source, _ = page(store, "batch")
    assert re.findall(r'href="/-/scrapdb/scraps/batch\?id=(\w+)"', source) == ["b1", "b0"]
    assert "There is no batch nowhere in this store." in page(store, "batch?id=nowhere", status=404)[1]


def test_the_overview_shows_what_is_under_way(store: Path) -> None:
    source, text = page(store, "overview")
    assert "Runs under way 5 runs, queued 2026-11-29 12:00:00 UTC : 1 running 1 retrying" in text
    assert re.findall(r'href="/-/scrapdb/scraps/batch\?id=(\w+)"', source) == ["b1"]
    assert f"killed.ipynb killed {RECORD['reason']}" in text  # among the failures


def test_an_overview_without_runs_says_nothing_of_them(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", gluing(x=1))
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert "under way" not in page(tmp_path / "scraps.db", "overview")[1]
    assert "Nothing was run yet." in page(tmp_path / "scraps.db", "batch")[1]


def test_the_page_of_a_notebook_shows_its_record(store: Path) -> None:
    source, text = page(store, "notebook?path=killed.ipynb")
    assert "wall bubblewrap" in text
    assert f"Run reason {RECORD['reason']} wall bubblewrap memory 2.0 GB at most kept file {HOSTILE} (7 bytes)" in text
    assert 'href="/-/scrapdb/scraps/batch?id=b1"' in source
    assert "<h2>Run</h2>" not in page(store, "notebook?path=done.ipynb")[0]


def test_problems_count_what_was_killed(store: Path) -> None:
    assert f"killed 1 killed.ipynb {RECORD['reason']}" in page(store, "problems")[1]
    rows = get(store, "/scraps/failures_by_error.json?_shape=array").json()
    assert [(row["error"], row["runs"], row["message"]) for row in rows] == [("killed", 1, RECORD["reason"])]


def test_the_tables_are_served(store: Path) -> None:
    rows = get(store, "/scraps/executions.json?_shape=array&state=running").json()
    assert [(row["notebook"], row["cell"], row["cells"]) for row in rows] == [("now.ipynb", 3, 8)]
    shown = get(store, "/scraps/executions?state=running").text
    assert "scrapdb-badge scrapdb-running" in shown


def test_a_store_of_an_older_scrapdb_says_what_to_do(store: Path, tmp_path: Path) -> None:
    older = tmp_path / "scraps.db"
    older.write_bytes(store.read_bytes())
    with closing(sqlite3.connect(older)) as connection:
        connection.executescript("DROP TABLE executions; DROP TABLE records; PRAGMA user_version = 3")
    for address in ("overview", "batch", "notebook?path=done.ipynb"):
        assert "brings it up to date" in page(older, address, status=400)[1]
