"""The plugin for sqlite-utils, which finds it by the entry point of the installed scrapdb."""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlite_utils
from click.testing import CliRunner
from click.testing import Result
from sqlite_utils.cli import cli

from scrapdb.database import Database
from tests import notebook_builder as nb

BELOW = ["distance < 0.1", "-c", "symbol, distance * 100 as percent", "-c", "dj", "--sort", "-distance"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def scraps(store: Path, *arguments: str) -> str:
    ran = run("scraps", store, *arguments)
    assert (ran.exit_code, ran.stderr) == (0, "")
    return ran.stdout


def ask(store: Path | str, sql: str) -> list[dict[str, Any]]:
    ran = run("query", store, sql)
    assert (ran.exit_code, ran.stderr) == (0, "")
    rows: list[dict[str, Any]] = json.loads(ran.stdout)
    return rows


def glued(ticker_store: Path, symbol: str) -> dict[str, Any]:
    """What a ticker glued, by name, as plain json reads it: data of payloads, and the picture as base64."""
    values: dict[str, Any] = {}
    for cell in json.loads((ticker_store.parent / "tickers" / f"{symbol}.ipynb").read_bytes())["cells"]:
        for output in cell.get("outputs", []):
            for mime, part in output.get("data", {}).items():
                if mime.startswith("application/scrapbook.scrap."):
                    values[part["name"]] = part["data"]
                elif mime == "image/png":
                    values["chart"] = "".join(part).replace("\n", "")
    return values


def test_the_command_itself(ticker_store: Path) -> None:
    command = [sys.executable, "-m", "sqlite_utils", "scraps", str(ticker_store), *BELOW, "--csv"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == scraps(ticker_store, *BELOW, "--csv")
    wrong = subprocess.run([*command[:5], "distance <"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout, wrong.stderr[:6]) == (2, "", "Error:")


def test_rows_in_every_format(ticker_store: Path) -> None:
    expected = [
        {"symbol": symbol, "percent": values["distance"] * 100, "dj": values["dj"]}
        for symbol in ("MNO", "BCD")
        for values in [glued(ticker_store, symbol)]
    ]
    assert json.loads(scraps(ticker_store, *BELOW)) == expected
    assert [*map(json.loads, scraps(ticker_store, *BELOW, "--nl").splitlines())] == expected
    for flag, separator in (("--csv", ","), ("--tsv", "\t")):
        rows = csv.DictReader(io.StringIO(scraps(ticker_store, *BELOW, flag)), delimiter=separator)
        assert [{**row, "percent": float(row["percent"]), "dj": json.loads(row["dj"])} for row in rows] == expected
    table = scraps(ticker_store, *BELOW, "-t").splitlines()
    assert [line.split()[0] for line in table] == ["symbol", "MNO", "BCD"]


def test_all_runs_up_to_a_limit(ticker_store: Path) -> None:
    assert len(json.loads(scraps(ticker_store))) == 12
    rows = json.loads(scraps(ticker_store, "--limit", "1", "--sort", "symbol"))
    assert [row["notebook"] for row in rows] == ["tickers/AAA.ipynb"]
    assert json.loads(scraps(ticker_store, "distance < 0")) == []


def test_a_mistake_is_a_sentence_with_its_place(ticker_store: Path) -> None:
    ran = run("scraps", ticker_store, "distnace < 0.1")
    assert (ran.exit_code, ran.stdout) == (2, "")
    first, line, carets = ran.stderr.splitlines()
    assert first.startswith("Error: ")
    assert (line, carets) == ("  distnace < 0.1", "  ^^^^^^^^")


def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, ticker_store: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE runs (distance)")
    before = other.read_bytes()
    ran = run("scraps", other, "distance < 0.1")
    sentence = f"Error: {other} is a SQLite database, but not a store of scrapdb; nothing was changed.\n"
    assert (ran.exit_code, ran.stdout, ran.stderr) == (1, "", sentence)
    assert other.read_bytes() == before
    missing = run("scraps", tmp_path / "nowhere.db")
    assert missing.exit_code == 2
    assert not (tmp_path / "nowhere.db").exists()
    old = Path(shutil.copy(ticker_store, tmp_path))
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert "has an old schema" in run("scraps", old).stderr


def test_a_store_is_not_written(ticker_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    before = store.read_bytes()
    store.chmod(0o444)
    scraps(store, "distance < 0.1")
    assert store.read_bytes() == before


def test_control_characters_of_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    nb.write(tmp_path / "runs" / "a.ipynb", nb.gluing(**{"hos\x1btile": 1}))
    store = tmp_path / "scraps.db"
    subprocess.run([sys.executable, "-m", "scrapdb", "-q", "--db", store, "index", tmp_path / "runs"], check=True)
    ran = run("scraps", store, "hostile > 1")
    assert "\x1b" not in ran.stderr
    assert "\\x1b" in ran.stderr


def test_a_display_by_its_token_and_by_its_hash(ticker_store: Path) -> None:
    sql = (
        "SELECT scrap_display(chart) AS token, scrap_display(substr(chart, -64)) AS hash FROM runs WHERE symbol = 'BCD'"
    )
    (row,) = ask(ticker_store, sql)
    assert row["token"]["encoded"] == row["hash"]["encoded"] == glued(ticker_store, "BCD")["chart"]


def test_a_frame_by_its_token(ticker_store: Path) -> None:
    (row,) = ask(
        ticker_store,
        """SELECT scrap_frame(prices) AS whole, scrap_frame(prices, 2) AS two, scrap_frame(prices, 0) AS none
             FROM runs WHERE symbol = 'BCD'""",
    )
    parquet = io.BytesIO(base64.b64decode(glued(ticker_store, "BCD")["prices"]))
    expected = pd.read_parquet(parquet).reset_index()
    rows = json.loads(row["whole"])
    assert [[*frame_row] for frame_row in rows] == [[*expected.columns]] * 1000
    assert [frame_row["price"] for frame_row in rows] == expected["price"].tolist()
    assert pd.to_datetime([frame_row["index"] for frame_row in rows]).tolist() == expected["index"].tolist()
    assert (json.loads(row["two"]), json.loads(row["none"])) == (rows[:2], [])


def test_frames_in_files_beside_the_store(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": range(100_000), "x": [number * 0.1 for number in range(100_000)]})
    output = nb.scrap("large", base64.b64encode(frame.to_parquet()).decode(), "pandas")
    nb.write(tmp_path / "runs" / "a.ipynb", nb.notebook(nb.code("glue()", output)))
    store = tmp_path / "scraps.db"
    subprocess.run([sys.executable, "-m", "scrapdb", "-q", "--db", store, "index", tmp_path / "runs"], check=True)
    sql = "SELECT sum(json_extract(row.value, '$.n')) AS sum FROM runs, json_each(scrap_frame(large)) AS row"
    assert [*(tmp_path / "scraps.db-frames").iterdir()]
    assert ask(store, sql) == [{"sum": sum(range(100_000))}]


@pytest.mark.parametrize("token", ["NULL", "1", "x'00'", "''", "'frame:1x1:abc'", f"'display:image/png:{'0' * 64}'"])
def test_what_is_no_token_gives_null(ticker_store: Path, token: str) -> None:
    (row,) = ask(ticker_store, f"SELECT scrap_display({token}) AS a, scrap_frame({token}) AS b")
    assert row == {"a": None, "b": None}


def test_a_token_of_the_other_kind_gives_null(ticker_store: Path) -> None:
    (row,) = ask(ticker_store, "SELECT scrap_display(prices) AS a, scrap_frame(chart) AS b FROM runs LIMIT 1")
    assert row == {"a": None, "b": None}


def test_in_other_databases_the_functions_give_null(tmp_path: Path) -> None:
    sql = f"SELECT scrap_display('{'0' * 64}') AS a, scrap_frame('{'0' * 64}', 1) AS b"
    for database in (":memory:", tmp_path / "new.db"):
        assert ask(database, sql) == [{"a": None, "b": None}]


def test_the_functions_in_python(ticker_store: Path) -> None:
    with closing(sqlite_utils.Database(ticker_store).conn) as connection:
        sql = "SELECT symbol FROM runs WHERE substr(scrap_display(chart), 2, 3) = x'504e47'"
        assert len(connection.execute(sql).fetchall()) == 12


def test_loading_the_plugin_is_light_and_changes_nothing() -> None:
    code = """if True:
        import gc, sys, sqlite_utils
        before = set(sys.modules), gc.get_threshold()
        sqlite_utils.Database(memory=True)
        assert "scrapdb.cli.sqlite_utils" in sys.modules
        heavy = {"datasette", "nbformat", "numpy", "pandas", "pyarrow", "typer"}
        assert not heavy & (set(sys.modules) - before[0])
        assert gc.get_threshold() == before[1]"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_expression_is_its_source_and_told_of(tmp_path: Path) -> None:
    for name, cell in {"a": "limit = 60 * minutes()", "b": "limit = 7"}.items():
        nb.write(tmp_path / f"{name}.ipynb", nb.notebook(nb.code(cell, tags=("parameters",))))
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert scraps(tmp_path / "scraps.db", "-c", "limit", "--csv") == "limit\n60 * minutes()\n7\n"
    ran = run("scraps", tmp_path / "scraps.db", "limit > 5", "-c", "limit")
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, [{"limit": 7}])
    assert ran.stderr == "1 notebook has an expression for `limit`: a comparison with it is neither true nor false.\n"
