"""A store in the hands of others: sqlite3, pandas, sqlite-utils and Datasette know nothing of scrapdb."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import sqlite_utils
from datasette.app import Datasette

import scrapdb
from scrapdb.errors import StoreError
from tests import notebook_builder as nb


@pytest.fixture(scope="module")
def glued(ticker_store: Path) -> dict[str, dict[str, Any]]:
    """What the notebooks glued as text and JSON, by notebook, as plain json reads it."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((ticker_store.parent / "tickers").glob("*.ipynb")):
        values = found.setdefault(f"tickers/{path.name}", {})
        for cell in json.loads(path.read_bytes())["cells"]:
            for output in cell.get("outputs", []):
                for kind in ("json", "text"):
                    payload = output.get("data", {}).get(f"application/scrapbook.scrap.{kind}+json")
                    if payload:
                        values[payload["name"]] = payload["data"]
    assert len(found) == 12
    return found


def near(glued: dict[str, dict[str, Any]]) -> dict[str, float]:
    return {values["symbol"]: values["distance"] for values in glued.values() if values["distance"] < 0.1}


def test_the_module_of_python(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    with closing(sqlite3.connect(ticker_store)) as connection:
        rows = connection.execute("SELECT symbol, distance FROM runs WHERE distance < 0.1").fetchall()
        types = connection.execute("SELECT DISTINCT typeof(distance), typeof(length), typeof(symbol) FROM runs")
        assert types.fetchall() == [("real", "integer", "text")]
    assert dict(rows) == near(glued)


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="there is no sqlite3 command")
def test_the_shell_of_sqlite(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    sql = "SELECT symbol, distance FROM runs WHERE distance < 0.1 ORDER BY symbol"
    ran = subprocess.run(["sqlite3", "-csv", ticker_store, sql], capture_output=True, text=True, check=True)
    rows = {symbol: float(distance) for symbol, distance in csv.reader(io.StringIO(ran.stdout))}
    assert rows == pytest.approx(near(glued), rel=1e-14)
    schema = subprocess.run(["sqlite3", ticker_store, ".schema"], capture_output=True, text=True, check=True).stdout
    assert "-- where it was glued: cell, from 0" in schema


def test_pandas(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    with closing(sqlite3.connect(ticker_store)) as connection:
        runs = pd.read_sql("SELECT * FROM runs", connection, index_col="notebook")
    assert runs["distance"].to_dict() == {path: values["distance"] for path, values in glued.items()}
    assert runs["close_to_ath"].to_dict() == {path: values["close_to_ath"] for path, values in glued.items()}
    assert {name: json.loads(text) for name, text in runs["dj"].items()} == {
        path: values["dj"] for path, values in glued.items()
    }


def test_sqlite_utils(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    def run(*arguments: str) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "sqlite_utils", *arguments]
        found: list[dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return found

    tables = {row["table"]: row["count"] for row in run("tables", str(ticker_store), "--counts")}
    assert (tables["notebooks"], tables["runs"], tables["problems"]) == (12, 12, 0)
    assert tables["scraps"] == sum(len(values) for values in glued.values()) + 2 * 12  # prices and chart
    where = ["--where", "distance < 0.1", "-c", "symbol", "-c", "distance"]
    assert {row["symbol"]: row["distance"] for row in run("rows", str(ticker_store), "runs", *where)} == near(glued)


def test_what_sqlite_utils_adds_beside_the_tables_stays(ticker_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    runs = tmp_path / "runs"
    nb.write(runs / "a.ipynb", nb.gluing(loss=0.5, symbol="A"))
    db = scrapdb.open(store)
    db.index(runs)
    with closing(sqlite_utils.Database(store).conn) as connection:
        mine = sqlite_utils.Database(connection)
        mine.table("notes").insert({"notebook": "runs/a.ipynb", "note": "again"}, pk="notebook")
        mine.create_view("reviewed", "SELECT loss, note FROM runs JOIN notes USING (notebook)")

    def reviewed() -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(store)) as connection:
            return connection.execute("SELECT * FROM reviewed").fetchall()

    db.index(runs, force=True)
    db.optimize()
    db.gc()
    assert reviewed() == [(0.5, "again")]
    nb.write(runs / "b.ipynb", nb.gluing(Loss=1.5))  # takes the name of the column, which becomes `loss (2)`
    db.index(runs)
    assert reviewed() == [(0.5, "again")]


def test_a_view_whose_column_is_gone_is_named(ticker_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    runs = tmp_path / "runs"
    nb.write(runs / "a.ipynb", nb.gluing(loss=0.5, symbol="A"))
    db = scrapdb.open(store)
    db.index(runs)
    with closing(sqlite_utils.Database(store).conn) as connection:
        sqlite_utils.Database(connection).create_view("losses", "SELECT loss FROM runs")
    nb.write(runs / "a.ipynb", nb.gluing(note="text"))
    db.index(runs, force=True)
    db.optimize()
    nb.write(runs / "b.ipynb", nb.gluing(note=1))  # takes the name of the column, which becomes `note (text)`
    with pytest.raises(StoreError, match="error in view losses: no such column: loss"):
        db.index(runs)


def pages(store: Path, *paths: str) -> list[Any]:
    """Ask Datasette, without a network, for pages; each must be there."""

    async def ask() -> list[Any]:
        datasette = Datasette([str(store)], settings={"num_sql_threads": 1})
        answers = [await datasette.client.get(f"/{store.stem}{path}") for path in paths]
        assert [(answer.status_code, str(answer.url)) for answer in answers if answer.status_code != 200] == []
        return answers

    return asyncio.run(ask())


def test_datasette_filters_as_json_says(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    (answer,) = pages(ticker_store, "/runs.json?distance__lt=0.1&_shape=objects")
    rows = answer.json()["rows"]
    assert {row["symbol"]: row["distance"] for row in rows} == near(glued)
    assert {row["notebook"] for row in rows} == {f"tickers/{symbol}.ipynb" for symbol in near(glued)}


def test_datasette_finds_and_sorts(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    one, lowest, highest, many, close = pages(
        ticker_store,
        "/runs.json?symbol__exact=BCD&_shape=array",
        "/runs.json?_sort=distance&_shape=array",
        "/runs.json?_sort_desc=distance&_shape=array",
        "/runs.json?distance__gt=0.1&_shape=array",
        "/runs.json?close_to_ath=1&_shape=array",
    )
    assert [row["notebook"] for row in one.json()] == ["tickers/BCD.ipynb"]
    ordered = sorted(values["distance"] for values in glued.values())
    assert [row["distance"] for row in lowest.json()] == ordered
    assert [row["distance"] for row in highest.json()] == ordered[::-1]
    assert len(many.json()) == 12 - len(near(glued))
    assert {row["symbol"] for row in close.json()} == {
        values["symbol"] for values in glued.values() if values["close_to_ath"]
    }


def test_datasette_filters_scraps_by_number_and_by_text(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    numbers, texts = pages(
        ticker_store,
        "/scraps.json?number__lt=0.1&type=float&_shape=array",
        "/scraps.json?text__exact=BCD&_shape=array",
    )
    assert sorted(row["number"] for row in numbers.json()) == sorted(near(glued).values())
    assert len(texts.json()) == 1


def test_every_page_of_datasette_is_there(ticker_store: Path) -> None:
    with closing(sqlite3.connect(ticker_store)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert {"names", "notebooks", "problems", "runs", "scraps"} <= set(tables)
    answers = pages(ticker_store, "", *(f"/{table}" for table in tables), "/runs/1", "/notebooks/1")
    assert "BCD" in next(answer.text for answer in answers if answer.url.path.endswith("/runs"))


def test_a_server_of_datasette(ticker_store: Path, glued: dict[str, dict[str, Any]]) -> None:
    with serving(ticker_store) as url:
        rows = httpx.get(f"{url}/runs.json", params={"distance__lt": "0.1", "_shape": "array"}).json()
    assert {row["symbol"]: row["distance"] for row in rows} == near(glued)


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """Serve a store as long as one is inside."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "datasette", str(store), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}/{store.stem}"
            wait_for(url, server)
            yield url
        finally:
            server.terminate()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with suppress(httpx.TransportError):
            httpx.get(f"{url}.json")
            return
        assert server.poll() is None
        time.sleep(0.1)
    pytest.fail("Datasette does not answer.")
