"""A store as parquet files: what DuckDB, polars and pandas read there is what SQL and pandas read in the store."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable
from datetime import UTC
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scrapdb
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.objects import serving
from tests.stores import query

LONG = 300
NAMES = ["prices", "a/b", "..", "../../x", "ä ö%2F", "a=b", 'quo"te', "\ud800", "x" * LONG, "ü" * LONG, "name"]
OF_SCRAPS = """
SELECT path, name, scraps.type, CAST(number AS REAL), CASE scraps.type WHEN 'integer' THEN number END, text, json,
       exact, encoder, scraps.size, cell, cell_id, output, execution_count
  FROM scraps JOIN notebooks ON notebooks.id = notebook_id JOIN names ON names.id = name_id ORDER BY path, name"""


def glued(frame: pd.DataFrame, name: str = "frame") -> Any:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return scrap(name, base64.b64encode(stream.getvalue()).decode(), "pandas")


def store_of(directory: Path, *notebooks: list[Any]) -> scrapdb.Database:
    """Make a store of notebooks 0.ipynb, 1.ipynb, … with these outputs."""
    for number, outputs in enumerate(notebooks):
        write(directory / "runs" / f"{number}.ipynb", notebook(code("glue()", *outputs)))
    db = scrapdb.open(directory / "scraps.db")
    db.index(directory / "runs")
    return db


def timed(value: Any) -> Any:
    """Read what the store has as the text of a time."""
    is_time = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:.]{15}Z", value)
    return datetime.fromisoformat(value) if is_time else value


def in_duckdb(path: Path | str, rest: str = "") -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM read_parquet(?) {rest}", [str(path)]).fetchall()


def in_polars(path: Path, *sort: str) -> list[tuple[Any, ...]]:
    return pl.read_parquet(path).sort(sort).rows()


def test_the_tables_are_those_of_the_store(ticker_store: Path, tmp_path: Path) -> None:
    exported = scrapdb.open(ticker_store).export(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frames", "notebooks.parquet", "parameters.parquet", "problems.parquet", "records.parquet", "reports.parquet",
        "scraps.parquet",
    ]  # fmt: skip
    columns = ", ".join(column for _, column, *_ in query(ticker_store, "PRAGMA table_info(notebooks)")[1:])
    notebooks = query(ticker_store, f"SELECT {columns} FROM notebooks ORDER BY path")
    expected = [tuple(map(timed, row)) for row in notebooks]
    assert in_duckdb(tmp_path / "out" / "notebooks.parquet", "ORDER BY notebook") == expected
    assert in_polars(tmp_path / "out" / "notebooks.parquet", "notebook") == expected
    scraps = query(ticker_store, OF_SCRAPS)
    assert in_duckdb(tmp_path / "out" / "scraps.parquet", "ORDER BY notebook, name") == scraps
    assert in_polars(tmp_path / "out" / "scraps.parquet", "notebook", "name") == scraps
    assert exported.rows == {
        "notebooks": 12, "scraps": len(scraps), "parameters": 48, "records": 12, "reports": 0, "problems": 0
    }  # fmt: skip
    assert (exported.frames, exported.errors) == (12, [])


def test_the_tables_can_be_joined(ticker_store: Path, tmp_path: Path) -> None:
    scrapdb.open(ticker_store).export(tmp_path / "out")
    sql = f"""
        SELECT p.text, s.number FROM '{tmp_path}/out/scraps.parquet' AS s JOIN '{tmp_path}/out/parameters.parquet' AS p
         USING (notebook) WHERE s.name = 'distance' AND p.name = 'symbol' AND s.number < 0.1 ORDER BY s.number"""
    with duckdb.connect() as connection:
        found = connection.execute(sql).fetchall()
    assert found == query(ticker_store, "SELECT symbol, distance FROM runs WHERE distance < 0.1 ORDER BY distance")


def test_frames_are_what_pandas_makes_of_them(ticker_store: Path, tmp_path: Path) -> None:
    db = scrapdb.open(ticker_store)
    db.export(tmp_path / "out")
    expected = db.frame("prices")
    file = tmp_path / "out" / "frames" / "name=prices" / "part-0.parquet"
    pd.testing.assert_frame_equal(pq.ParquetFile(file).read().to_pandas(), expected)
    assert pl.read_parquet(file, hive_partitioning=False).rows() == list(expected.itertuples(index=False, name=None))
    with duckdb.connect() as connection:
        sql = "SELECT name, count(*), count(DISTINCT notebook) FROM read_parquet(?) GROUP BY name"
        found = connection.execute(sql, [str(tmp_path / "out" / "frames" / "*" / "*.parquet")]).fetchall()
    assert found == [("prices", len(expected), 12)]


def test_records_of_runs_are_exported(tmp_path: Path) -> None:
    record = {"state": "killed", "reason": "memory", "started_at": "2026-11-29T12:00:00Z", "peak_memory": 2**40}
    write(tmp_path / "a.ipynb", notebook(code("1"), scrapdb={"run": record}))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    db.export(tmp_path / "out")
    (row,) = pl.read_parquet(tmp_path / "out" / "records.parquet").rows(named=True)
    assert {name: value for name, value in row.items() if value is not None} == {
        "notebook": "a.ipynb",
        "state": "killed",
        "reason": "memory",
        "peak_memory": 2**40,
        "started_at": datetime(2026, 11, 29, 12, tzinfo=UTC),
    }


def test_records_of_reports_are_exported(tmp_path: Path) -> None:
    record = {"id": "0a", "state": "error", "title": "Tensió", "language": "ca", "made_at": "2026-11-29T12:00:00Z"}
    write(tmp_path / "a" / "report.ipynb", notebook(code("1"), scrapdb={"report": record | {"pages": ["report.html"]}}))
    write(tmp_path / "b.ipynb", notebook(code("1")))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    assert db.export(tmp_path / "out").rows["reports"] == 1
    (row,) = pl.read_parquet(tmp_path / "out" / "reports.parquet").rows(named=True)
    assert {name: value for name, value in row.items() if value is not None} == {
        **record,
        "notebook": "a/report.ipynb",
        "pages": '["report.html"]',
        "made_at": datetime(2026, 11, 29, 12, tzinfo=UTC),
    }


def test_no_digit_is_lost(tmp_path: Path) -> None:
    values = {"big": 2**53 + 1, "huge": 2**70, "nan": math.nan, "inf": -math.inf, "yes": True, "text": "007\ud800é"}
    values |= {"dict": {"a": [math.nan, 1]}, "none": None, "float": 2.5}
    db = store_of(tmp_path, [scrap(name, value) for name, value in values.items()])
    db.export(tmp_path / "out")
    found = {row[1]: row[2:8] for row in in_duckdb(tmp_path / "out" / "scraps.parquet")}
    assert found["big"] == ("integer", 2.0**53, 2**53 + 1, None, None, None)
    assert found["huge"][:3] == ("integer", 2.0**70, None)
    assert found["huge"][5] == str(2**70)
    assert found["nan"][:3] == ("float", None, None)
    assert found["inf"][:3] == ("float", -math.inf, None)
    assert found["yes"][:3] == ("boolean", 1.0, None)
    assert found["text"] == ("text", None, None, "007\\ud800é", None, r'"007\ud800\u00e9"')
    assert found["dict"][4] == '{"a":[null,1]}'
    assert found["none"] == ("null", None, None, None, None, None)
    assert in_polars(tmp_path / "out" / "scraps.parquet", "name") == sorted(
        in_duckdb(tmp_path / "out" / "scraps.parquet"), key=lambda row: row[1]
    )


def test_pandas_reads_every_digit_beside_what_is_missing(tmp_path: Path) -> None:
    some: Any = [2**53 + 1, None]
    frames: dict[str, list[Any]] = {
        "objects": [pd.Series(some, dtype=object)],
        "categories": [pd.Series(pd.Categorical(some))],
        "nothing": [pd.Series([2**53 + 1]), pd.Series([None])],
    }
    outputs = [
        [glued(pd.DataFrame({"x": each[n]}), name) for name, each in frames.items() if n < len(each)] for n in (0, 1)
    ]
    db = store_of(tmp_path, *outputs)
    db.export(tmp_path / "out")
    for name in frames:
        found = pd.read_parquet(tmp_path / "out" / "frames" / f"name={name}" / "part-0.parquet")
        assert found["x"].tolist() == [2**53 + 1, pd.NA]


def test_pandas_reads_what_it_wrote_and_does_not_read_itself(tmp_path: Path) -> None:
    parts: Any = {
        "list": [[1], None],
        "dict": [{"a": 1}, None],
        "decimal": [Decimal("1.50"), None],
        "text": ["a", None],
    }
    types = [pa.list_(pa.int64()), pa.struct([("a", pa.int64())]), pa.decimal128(5, 2), pa.string()]
    frame = pd.DataFrame(
        {name: pd.array(part, pd.ArrowDtype(type_)) for (name, part), type_ in zip(parts.items(), types, strict=True)}
    )
    with pytest.raises(TypeError, match="not understood"):
        pd.read_parquet(io.BytesIO(frame.to_parquet()))
    db = store_of(tmp_path, [glued(frame)])
    db.export(tmp_path / "out")
    found = pd.read_parquet(tmp_path / "out" / "frames" / "name=frame" / "part-0.parquet")
    assert found.iloc[0].tolist() == ["runs/0.ipynb", *(part[0] for part in parts.values())]
    assert found.dtypes.astype(str).tolist()[2:] == ["object", "object", "string"]


def test_any_name_is_a_directory_of_its_own_inside_the_target(tmp_path: Path) -> None:
    frames = {name: pd.DataFrame({"x": [number]}) for number, name in enumerate(NAMES)}
    db = store_of(tmp_path, [glued(frame, name) for name, frame in frames.items()])
    assert db.export(tmp_path / "out").frames == len(NAMES)
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"out", "runs", "scraps.db"}
    files = sorted((tmp_path / "out" / "frames").rglob("*.parquet"))
    assert {file.parent.parent for file in files} == {tmp_path / "out" / "frames"}
    whole = {name.replace("\ud800", "\\ud800"): n for n, name in enumerate(NAMES) if len(name) < LONG}
    readers: list[Callable[[Path], list[Any]]] = [
        in_duckdb,
        lambda file: pl.read_parquet(file, hive_partitioning=True).rows(),
    ]
    for read in readers:
        found = {name: x for file in files for _, x, name in read(file)}
        assert {name: x for name, x in found.items() if x in whole.values()} == whole
        assert sorted(found.values()) == list(range(len(NAMES)))


def test_columns_get_one_type_and_no_reserved_name(tmp_path: Path) -> None:
    found = [
        pd.DataFrame({"x": [1, 2], "name": ["a", "b"], "odd": [1, 2]}),
        pd.DataFrame({"x": [0.5], "Notebook": [7], "odd": ["text"], "name_": [3]}),
        pd.DataFrame({"x": pd.Categorical(["1"]), "t": pd.to_datetime(["2026-11-01T12:00:00.123456789"])}),
        pd.DataFrame(),
    ]
    db = store_of(tmp_path, *([glued(frame)] for frame in found[:2]), [glued(found[3])])
    db.export(tmp_path / "out")
    file = tmp_path / "out" / "frames" / "name=frame" / "part-0.parquet"
    frame = pl.read_parquet(file, hive_partitioning=True)
    assert frame.columns == ["notebook", "x", "name__", "odd", "Notebook_", "name_", "name"]
    assert frame["x"].to_list() == [1.0, 2.0, 0.5]
    assert frame["odd"].to_list() == ["1", "2", "text"]
    assert frame["notebook"].to_list() == [f"runs/{number}.ipynb" for number in (0, 0, 1)]
    assert in_duckdb(file) == frame.rows()
    other = store_of(tmp_path / "other", *([glued(frame)] for frame in found))
    other.export(tmp_path / "other" / "out")
    read = pl.read_parquet(tmp_path / "other" / "out" / "frames", hive_partitioning=True)
    assert read["x"].to_list() == ["1", "2", "0.5", "1"]
    assert read["t"].dt.timestamp("ns").drop_nulls().to_list() == [1_793_534_400_123_456_789]


def test_row_groups_are_small_and_memory_holds_one_frame(tmp_path: Path) -> None:
    frames = [pd.DataFrame({"x": range(rows)}) for rows in (60_000, 250_000, 30_000)]
    store_of(tmp_path, *([glued(frame)] for frame in frames)).export(tmp_path / "out")
    metadata = pq.read_metadata(tmp_path / "out" / "frames" / "name=frame" / "part-0.parquet")
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert (sum(groups), max(groups)) == (340_000, 100_000)


def test_only_what_was_asked_for(ticker_store: Path, tmp_path: Path) -> None:
    exported = scrapdb.open(ticker_store).export(tmp_path / "out", where="distance < 0.1")
    assert (exported.rows["notebooks"], exported.rows["parameters"], exported.frames) == (2, 8, 2)
    for table in (tmp_path / "out").rglob("*.parquet"):
        paths = set(pl.read_parquet(table, hive_partitioning=False)["notebook"])
        assert paths <= {"tickers/BCD.ipynb", "tickers/MNO.ipynb"}


def test_only_an_earlier_export_is_replaced_and_only_when_told(ticker_store: Path, tmp_path: Path) -> None:
    db = scrapdb.open(ticker_store)
    target = tmp_path / "out"
    target.mkdir()
    db.export(target)
    with pytest.raises(UsageError, match="has an export already; --force replaces it"):
        db.export(target)
    db.export(target, where="distance < 0", force=True)
    assert not (target / "frames").exists()
    (target / "mine.txt").touch()
    with pytest.raises(UsageError, match=r"has other files \(mine.txt, …\)"):
        db.export(target, force=True)
    with pytest.raises(UsageError, match="is a file"):
        db.export(target / "mine.txt", force=True)
    with pytest.raises(ScrapdbError, match="cannot be written: No such file or directory"):
        db.export(tmp_path / "no" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_damaged_frame_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    db = store_of(tmp_path, *([glued(pd.DataFrame({"x": rng.random(20_000)}))] for _ in range(2)))
    sidecars = sorted((tmp_path / "scraps.db-frames").rglob("*.parquet"))
    sidecars[0].write_bytes(b"no parquet")
    exported = db.export(tmp_path / "out")
    assert (exported.frames, len(exported.errors)) == (1, 1)
    assert "is damaged" in exported.errors[0]


def test_an_object_store_takes_an_export(ticker_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        fsspec.filesystem("s3").mkdir("results")
        db = scrapdb.open(ticker_store)
        db.export("s3://results/a")
        with system.open("s3://results/a/scraps.parquet") as file:
            assert pq.read_table(file).num_rows == query(ticker_store, "SELECT count(*) FROM scraps")[0][0]
        with pytest.raises(UsageError, match="s3://results/a has an export already"):
            db.export("s3://results/a")
        db.export("s3://results/a", where="distance < 0", force=True)
        system.invalidate_cache()
        assert sorted(path.rpartition("/")[2] for path in system.find("results/a")) == [
            "notebooks.parquet", "parameters.parquet", "problems.parquet", "records.parquet", "reports.parquet",
            "scraps.parquet",
        ]  # fmt: skip
        with pytest.raises(UsageError, match="There is nothing at s3://nobucket/a"):
            db.export("s3://nobucket/a")


def nights(directory: Path, *documents: Any) -> scrapdb.Database:
    """Make a store that keeps versions of a notebook, and of one that is gone since."""
    db = scrapdb.open(directory / "scraps.db")
    for night, document in enumerate(documents):
        write(directory / "runs" / "a.ipynb", document, 1_793_400_000 + night)
        if not night:
            write(directory / "runs" / "gone.ipynb", notebook(code("glue()", scrap("x", 0))))
        else:
            (directory / "runs" / "gone.ipynb").unlink(missing_ok=True)
        db.index(directory / "runs", keep=True)
    return db


def test_versions_have_tables_of_their_own(tmp_path: Path) -> None:
    frames = [pd.DataFrame({"x": list(range(night)), "version": 7}) for night in (1, 2, 3)]
    documents = [
        notebook(
            code(f"p = {night}", tags=("parameters",)),
            code("glue()", scrap("x", night), scrap("name", f"n{night}", "text"), glued(frame, "prices")),
        )
        for night, frame in enumerate(frames, 1)
    ]
    db = nights(tmp_path, *documents)
    exported = db.export(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith("version")} == {
        "version_frames", "version_notebooks.parquet", "version_parameters.parquet", "version_problems.parquet",
        "version_records.parquet", "version_reports.parquet", "version_scraps.parquet", "versions.parquet",
    }  # fmt: skip
    versions = in_polars(tmp_path / "out" / "versions.parquet", "notebook", "version")
    assert [(row[0], row[1], row[2], row[3], row[4]) for row in versions] == [
        ("runs/a.ipynb", 1, False, None, None),
        ("runs/a.ipynb", 2, False, "runs/a.ipynb", 1),
        ("runs/a.ipynb", 3, True, "runs/a.ipynb", 2),
        ("runs/gone.ipynb", 1, False, None, None),
    ]
    assert [row[5] for row in versions][:3] == [datetime.fromtimestamp(1_793_400_000 + n, UTC) for n in range(3)]
    scraps = pl.read_parquet(tmp_path / "out" / "version_scraps.parquet").sort("notebook", "version", "name")
    assert scraps.filter(name="x").select("notebook", "version", "integer").rows() == [
        *(("runs/a.ipynb", night, night) for night in (1, 2, 3)), ("runs/gone.ipynb", 1, 0),
    ]  # fmt: skip
    assert scraps.filter(name="name")["text"].to_list() == ["n1", "n2", "n3"]
    parameters = pl.read_parquet(tmp_path / "out" / "version_parameters.parquet").sort("version")
    assert parameters.select("version", "integer").rows() == [(1, 1), (2, 2), (3, 3)]
    prices = pl.read_parquet(tmp_path / "out" / "version_frames" / "name=prices" / "part-0.parquet")
    expected = [("runs/a.ipynb", night, x, 7) for night, frame in enumerate(frames, 1) for x in frame["x"]]
    assert prices.select("notebook", "version", "x", "version_").rows() == expected
    assert exported.rows["versions"] == exported.rows["version_notebooks"] == 4
    assert (exported.frames, exported.frames_of_versions, exported.errors) == (1, 3, [])
    # Of what is there now nothing is otherwise.
    assert in_polars(tmp_path / "out" / "notebooks.parquet", "notebook") == [
        row[:1] + row[2:]
        for row in in_polars(tmp_path / "out" / "version_notebooks.parquet", "notebook", "version")[2:3]
    ]


def test_versions_of_chosen_notebooks_are_exported_and_none_on_request(tmp_path: Path) -> None:
    db = nights(tmp_path, *(notebook(code("1", scrap("x", x))) for x in (1, 2)))
    chosen = db.export(tmp_path / "chosen", where="x = 2")
    assert (chosen.rows["notebooks"], chosen.rows["versions"], chosen.rows["version_scraps"]) == (1, 2, 2)
    none = db.export(tmp_path / "none", versions=False)
    assert list(none.rows) == ["notebooks", "scraps", "parameters", "records", "reports", "problems"]
    db.export(tmp_path / "chosen", force=True)  # which is an export with versions


def test_an_export_as_of_a_moment_has_what_was_there_then(tmp_path: Path) -> None:
    db = nights(tmp_path, *(notebook(code("1", scrap("x", x))) for x in (1, 2)))
    moment = datetime.fromtimestamp(1_793_400_000.5, UTC)
    exported = db.at(moment).export(tmp_path / "then", where="x > 0")
    assert list(exported.rows) == ["notebooks", "scraps", "parameters", "records", "reports", "problems"]
    assert in_duckdb(tmp_path / "then" / "scraps.parquet")[0][:5] == ("runs/a.ipynb", "x", "integer", 1.0, 1)
    with pytest.raises(UsageError, match="An export has the versions in tables of their own"):
        db.versions().export(tmp_path / "all")


def test_a_store_without_versions_is_exported_without(tmp_path: Path) -> None:
    db = store_of(tmp_path, [scrap("x", 1)])
    assert "versions" not in db.export(tmp_path / "out").rows
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith("version")]
