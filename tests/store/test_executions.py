from __future__ import annotations

import json
import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest

from scrapdb.errors import StoreError
from scrapdb.store.connection import open_reader
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from scrapdb.store.readers.executions import of_batch
from scrapdb.store.schema import VERSION
from scrapdb.store.write import Writer
from tests.store.made import made
from tests.store.made import write
from tests.stores import check
from tests.stores import contents
from tests.stores import query

ALL = "SELECT id, state, cell, attempt FROM executions ORDER BY id"


def attempts(batch: str, number: int) -> list[Attempt]:
    return [
        Attempt(f"{batch}{n:03}", batch, f"{n}.ipynb", parameters=json.dumps({"n": n}), runner="d/.lock")
        for n in range(number)
    ]


def run_all(store: Path, batch: str, number: int) -> None:
    """What a runner does: queue a batch, and change each of its attempts from many threads."""
    with Executions(store) as executions, ThreadPoolExecutor(4) as threads:
        executions.queue(attempts(batch, number))

        def run(attempt: Attempt) -> None:
            for cell in range(1, 6):
                executions.change(attempt.id, "running", cell=cell, cells=5)
            executions.change(attempt.id, "completed", ended_at="2026-11-01T12:00:00.000000Z")

        list(threads.map(run, executions.of_batch(batch)))


def test_a_store_is_made_for_a_batch(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Executions(store) as executions:
        executions.queue(attempts("b", 2))
        executions.change("b000", "running", cell=1, cells=7, started_at="2026-11-01T12:00:00.000000Z")
        assert query(store, ALL) == [("b000", "running", 1, 1), ("b001", "queued", None, 1)]
        assert [(a.id, a.state, a.cells, a.runner) for a in executions.unfinished()] == [
            ("b000", "running", 7, "d/.lock"),
            ("b001", "queued", None, "d/.lock"),
        ]
        executions.change("b000", "failed", reason="KeyError: 'x'")
        executions.queue([Attempt("b002", "b", "0.ipynb", attempt=2, state="retrying")])
        assert [a.id for a in executions.unfinished()] == ["b001", "b002"]
        assert [(a.notebook, a.attempt) for a in executions.of_batch("b")] == [
            ("0.ipynb", 1),
            ("1.ipynb", 1),
            ("0.ipynb", 2),
        ]
        assert executions.of_batch("c") == []
    with Writer(store) as writer:
        writer.remove(["0.ipynb"])
        writer.remove(["0.ipynb"], attempts=True)
    check(store)
    with closing(open_reader(store)) as connection:
        assert [a.id for a in of_batch(connection, "b")] == ["b001"]


def test_a_batch_is_queued_whole_or_not_at_all(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Executions(store) as executions:
        executions.queue(attempts("b", 1))
        with pytest.raises(StoreError, match="UNIQUE constraint failed"):
            executions.queue([Attempt("fresh", "c", "c.ipynb"), *attempts("b", 1)])
        assert query(store, ALL) == [("b000", "queued", None, 1)]
        executions.change("b000", "completed")


def test_threads_of_two_processes_and_an_index_write_at_once(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    start = multiprocessing.get_context("spawn")
    runners = [start.Process(target=run_all, args=(store, batch, 30)) for batch in "ab"]
    for runner in runners:
        runner.start()
    number = 0
    while any(runner.is_alive() for runner in runners):
        write(store, [made(f"{number % 10}.ipynb", {"x": number})])
        number += 1
    assert [runner.exitcode for runner in runners] == [0, 0]
    assert query(store, ALL) == [(f"{batch}{n:03}", "completed", 5, 1) for batch in "ab" for n in range(30)]
    check(store)


def test_what_is_expected_is_the_median_of_what_completed(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made(f"{n}.ipynb", {"x": n}) for n in range(5)])
    times = [3.0, 1.0, 2.5, 90.0, None]
    with closing(sqlite3.connect(store)) as connection, connection:
        for n, seconds in enumerate(times):
            connection.execute("UPDATE notebooks SET seconds = ? WHERE path = ?", (seconds, f"{n}.ipynb"))
        connection.execute("UPDATE notebooks SET status = 'failed' WHERE path = '3.ipynb'")
    ((code_hash,),) = query(store, "SELECT DISTINCT code_hash FROM notebooks")
    with Executions(store) as executions:
        assert executions.expected_seconds(code_hash) == median([3.0, 1.0, 2.5])
        assert executions.expected_seconds("other code") is None


def test_a_store_of_version_4_gains_what_reports_need_and_keeps_its_rows(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {"x": 1})])
    with Executions(store) as executions:
        executions.queue(attempts("b", 2))
    columns = "SELECT name, type FROM pragma_table_info('executions')"
    new, there = contents(store), query(store, columns)
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript(
            "DROP INDEX executions_by_report; ALTER TABLE executions DROP COLUMN report; DROP TABLE reports;"
            "PRAGMA user_version = 4"
        )
    with pytest.raises(StoreError, match="older scrapdb"):
        Writer(store)
    Executions(store).close()
    assert (contents(store), query(store, columns)) == (new, there)
    assert query(store, "PRAGMA user_version") == [(VERSION,)]
    check(store)


def test_a_store_of_version_3_gains_the_tables_and_keeps_its_rows(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {"x": 1})])
    new = contents(store)
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript(
            "DROP TABLE records; DROP TABLE reports; DROP TABLE executions; PRAGMA user_version = 3"
        )
    with pytest.raises(StoreError, match="older scrapdb"):
        Writer(store)
    Executions(store).close()
    assert contents(store) == new
    assert query(store, "PRAGMA user_version") == [(VERSION,)]
    check(store)
