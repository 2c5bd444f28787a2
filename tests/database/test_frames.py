from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scrapdb
from scrapdb.errors import ScrapdbError
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.store.rows import INLINE_FRAME_BYTES
from tests import notebook_builder as nb
from tests import sessions
from tests import stores

Frames = Callable[..., scrapdb.Database]


def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def glued(frame: pd.DataFrame | bytes, name: str = "frame") -> dict[str, object]:
    content = parquet(frame) if isinstance(frame, pd.DataFrame) else frame
    return nb.scrap(name, base64.b64encode(content).decode(), "pandas")


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    """Make a store of notebooks 0.ipynb, 1.ipynb, … that each glued one DataFrame as `frame`, and `n`."""

    def make(*found: pd.DataFrame | bytes) -> scrapdb.Database:
        for number, frame in enumerate(found):
            outputs = (glued(frame), nb.scrap("n", number))
            nb.write(tmp_path / "runs" / f"{number}.ipynb", nb.notebook(nb.code("glue()", *outputs)))
        db = scrapdb.open(tmp_path / "scraps.db")
        db.index(tmp_path / "runs", force=True)
        return db

    return make


def scrapbook_reads(directory: Path, name: str, target: Path) -> pd.DataFrame:
    """Let scrapbook read every notebook by itself, and pandas put the frames below one another."""
    code = (
        "import sys, pathlib, pandas, scrapbook\n"
        "directory, name, target = sys.argv[1:]\n"
        "paths = sorted(pathlib.Path(directory).glob('*.ipynb'))\n"
        "frames = [scrapbook.read_notebook(str(path)).scraps[name].data for path in paths]\n"
        "keyed = [f.reset_index(drop=isinstance(f.index, pandas.RangeIndex)) for f in frames]\n"
        "for path, f in zip(paths, keyed): f.insert(0, 'notebook', f'{path.parent.name}/{path.name}')\n"
        "pandas.concat(keyed, ignore_index=True).to_pickle(target)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(directory), name, str(target)]
    subprocess.run(command, check=True, capture_output=True)
    read: pd.DataFrame = pd.read_pickle(target)  # noqa: S301 - written three lines above
    return read


def test_a_frame_is_what_scrapbook_reads_one_below_the_other(ticker_store: Path, tmp_path: Path) -> None:
    expected = scrapbook_reads(ticker_store.parent / "tickers", "prices", tmp_path / "expected")
    assert len(expected) == 12_000
    found = scrapdb.open(ticker_store).frame("prices")
    assert sorted(found.columns) == sorted(expected.columns)
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_rows_of_a_frame_are_those_of_the_data_frame(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    frame = db.frame("prices", where="distance < 0.1")
    table = db.frame_table("prices", where="distance < 0.1")
    assert table.columns == tuple(frame.columns)
    assert [*table.rows()] == [*frame.itertuples(index=False, name=None)]
    assert len([*table]) == 2000


def test_where_chooses_notebooks(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    assert set(db.frame("prices", where="distance < 0.1")["notebook"]) == {"tickers/BCD.ipynb", "tickers/MNO.ipynb"}
    nobody = db.frame("prices", where="distance > 1000")
    assert nobody.empty
    assert nobody.columns.tolist() == db.frame("prices").columns.tolist()


def test_columns_are_chosen_and_an_unknown_one_names_the_known(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    known = db.frame("prices").columns.tolist()[1:]
    assert db.frame("prices", columns=[known[1]]).columns.tolist() == ["notebook", known[1]]
    assert db.frame("prices", columns=f"{known[2]}, {known[1]},").columns.tolist() == ["notebook", *known[1:]]
    assert db.frame("prices", columns="").columns.tolist() == ["notebook", *known]
    with pytest.raises(UsageError, match=f"has a column nowhere; there are {', '.join(known)}"):
        db.frame("prices", columns=["nowhere", known[0]])


def test_a_name_without_frames_names_the_nearest(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    for name in ("price", "distance"):
        with pytest.raises(ScrapNotFoundError, match=f"No notebook has glued a DataFrame as '{name}'.*prices"):
            db.frame(name)


def test_a_store_without_frames_says_so(tmp_path: Path) -> None:
    nb.write(tmp_path / "runs" / "a.ipynb", nb.gluing(x=1))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "runs")
    with pytest.raises(ScrapNotFoundError, match=r"^No notebook has glued a DataFrame\.$"):
        db.frame("x")


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        (pd.RangeIndex(2), []),
        (pd.Index(["a", "b"]), ["index"]),
        (pd.Index(["a", "b"], name="key"), ["key"]),
        (pd.RangeIndex(5, 9, 2, name="epoch"), ["epoch"]),
        (pd.DatetimeIndex(["2026-01-01", "2026-01-02"], tz="Europe/Berlin", name="day"), ["day"]),
        (pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["number", None]), ["number", "level_1"]),
        (pd.MultiIndex.from_tuples([(1, "x"), (2, "y")]), ["level_0", "level_1"]),
    ],
    ids=["default", "unnamed", "named", "range", "times", "half named", "levels"],
)
def test_an_index_becomes_columns(frames: Frames, index: pd.Index, columns: list[str]) -> None:
    frame = pd.DataFrame({"v": [1.5, 2.5]}, index=index)
    found = frames(frame).frame("frame")
    assert found.columns.tolist() == ["notebook", *columns, "v"]
    if columns:
        flat = frame.reset_index()
        for column in columns:
            name = column if column in flat else flat.columns[int(column[-1])]
            assert found[column].tolist() == flat[name].tolist()
            chosen = frames(frame).frame("frame", columns=[column])
            assert chosen.columns.tolist() == ["notebook", column]
            assert chosen[column].tolist() == flat[name].tolist()


def test_an_index_beside_a_column_of_that_name(frames: Frames) -> None:
    found = frames(pd.DataFrame({"index": [1, 2]}, index=["a", "b"])).frame("frame")
    assert found.drop(columns="notebook").to_dict("list") == {"index": [1, 2], "level_0": ["a", "b"]}


def test_a_column_called_notebook_stays(frames: Frames) -> None:
    db = frames(pd.DataFrame({"notebook": ["mine"]}), pd.DataFrame({"x": [1]}))
    found = db.frame("frame").astype(object)
    assert found["notebook_"].tolist() == ["runs/0.ipynb", "runs/1.ipynb"]
    assert [value if value == "mine" else None for value in found["notebook"]] == ["mine", None]


def test_a_column_with_levels_called_notebook_stays(frames: Frames) -> None:
    found = frames(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("notebook", ""), ("b", "c")]))).frame(
        "frame"
    )
    assert found.columns.to_list() == [("notebook_", ""), ("notebook", ""), ("b", "c")]  # type: ignore[comparison-overlap]
    assert found["notebook"].tolist() == [1]


def test_columns_are_put_together_by_name(frames: Frames) -> None:
    first, second = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), pd.DataFrame({"c": [0.5], "a": [3]})
    found = frames(first, second).frame("frame")
    expected = pd.concat([first, second], ignore_index=True)
    expected.insert(0, "notebook", ["runs/0.ipynb", "runs/0.ipynb", "runs/1.ipynb"])
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_rows_stay_where_the_columns_asked_for_are_not(frames: Frames) -> None:
    db = frames(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": ["x"]}))
    assert [*db.frame_table("frame", columns=["b"]).rows()] == [
        ("runs/0.ipynb", None),
        ("runs/0.ipynb", None),
        ("runs/1.ipynb", "x"),
    ]


def test_only_types_that_nothing_holds_together_become_text(frames: Frames) -> None:
    db = frames(
        pd.DataFrame({"number": [1], "clash": [1.5], "when": pd.to_datetime(["2026-01-01"])}),
        pd.DataFrame({"number": [0.5], "clash": ["x"], "when": pd.to_datetime(["2026-01-02"]).as_unit("s")}),
        pd.DataFrame({"number": [2], "clash": [True], "when": pd.to_datetime(["2026-01-03"])}),
    )
    found = db.frame("frame")
    assert found["number"].tolist() == [1, 0.5, 2]
    assert found["number"].dtype == np.float64
    assert found["clash"].tolist() == ["1.5", "x", "true"]
    assert found["when"].tolist() == pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]).tolist()


def test_categories_come_together(frames: Frames) -> None:
    first = pd.DataFrame({"c": pd.Categorical(["a", "b", None])})
    second = pd.DataFrame({"c": pd.Categorical(["z", "a"], ordered=True)})
    third = pd.DataFrame({"c": ["plain"]})
    assert frames(first).frame("frame")["c"].astype(object).tolist()[:2] == ["a", "b"]
    found = frames(first, second, third).frame("frame")["c"].astype(object)
    assert [value if isinstance(value, str) else None for value in found] == ["a", "b", None, "z", "a", "plain"]


def test_nested_values_and_names_with_dots(frames: Frames) -> None:
    frame = pd.DataFrame({"a": [1], "a.b": [2], "list": [[1, 2]], "struct": [{"x": 1}], "bytes": [b"\0"]})
    db = frames(frame)
    assert db.frame("frame", columns=["a"]).to_dict("list") == {"notebook": ["runs/0.ipynb"], "a": [1]}
    (row,) = db.frame_table("frame")
    assert row == {"notebook": "runs/0.ipynb"} | frame.to_dict("records")[0]


def test_empty_frames(frames: Frames) -> None:
    db = frames(pd.DataFrame({"a": pd.Series([], dtype="int64")}), pd.DataFrame({"a": [1]}), pd.DataFrame())
    assert db.frame("frame").to_dict("list") == {"notebook": ["runs/1.ipynb"], "a": [1]}
    assert [*db.frame_table("frame", where="n = 0")] == []
    assert db.frame_table("frame", where="n = 0").columns == ("notebook", "a")
    assert db.frame("frame", where="n = 2").columns.tolist() == ["notebook"]


def large(seed: int) -> pd.DataFrame:
    frame = pd.DataFrame({"x": np.random.default_rng(seed).random(20_000)})
    assert len(parquet(frame)) > INLINE_FRAME_BYTES
    return frame


def sidecar(db: scrapdb.Database, frame: pd.DataFrame) -> Path:
    digest = hashlib.sha256(parquet(frame)).hexdigest()
    (path,) = db.path.parent.rglob(f"{digest}.parquet")
    return path


def test_inline_frames_and_sidecars_are_read_alike(frames: Frames) -> None:
    small = pd.DataFrame({"x": [0.5]})
    db = frames(large(1), small, large(2))
    stored = stores.query(db.path, "SELECT stored FROM frames ORDER BY notebook_id")
    assert [kind for (kind,) in stored] == ["sidecar", "inline", "sidecar"]
    expected = pd.concat([large(1), small, large(2)], ignore_index=True)
    pd.testing.assert_frame_equal(db.frame("frame")[["x"]], expected)
    pd.testing.assert_frame_equal(db.notebook("2").scraps["frame"].data, large(2))


def test_a_store_moves_with_its_sidecars(frames: Frames, tmp_path: Path) -> None:
    db = frames(large(1))
    (tmp_path / "elsewhere").mkdir()
    for path in tmp_path.glob("scraps.db*"):
        shutil.move(path, tmp_path / "elsewhere")
    found = scrapdb.open(tmp_path / "elsewhere" / "scraps.db").frame("frame")
    pd.testing.assert_frame_equal(found[["x"]], large(1))
    assert not db.path.exists()


def test_a_missing_sidecar_is_told_and_made_anew(frames: Frames, tmp_path: Path) -> None:
    db = frames(large(1), pd.DataFrame({"x": [0.5]}))
    path = sidecar(db, large(1))
    path.unlink()
    for ask in (lambda: db.frame("frame"), lambda: db.notebook("0").scraps["frame"].data):
        with pytest.raises(StoreError, match=rf"^The sidecar {path} of a frame in runs/0\.ipynb is missing.*--force"):
            ask()
    assert db.frame("frame", where="n = 1")["x"].tolist() == [0.5]
    db.index(tmp_path / "runs", force=True)
    assert len(db.frame("frame")) == 20_001


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"junk" * 1000])
def test_a_damaged_sidecar_is_told(frames: Frames, damage: bytes) -> None:
    db = frames(large(1))
    sidecar(db, large(1)).write_bytes(damage)
    scrap = db.notebook("0").scraps["frame"]
    for ask in (lambda: db.frame("frame"), lambda: scrap.data, scrap.table):
        with pytest.raises(ScrapdbError, match=r"^The DataFrame of runs/0\.ipynb is damaged: .*--force\.$"):
            ask()


def test_one_changed_bit_of_a_sidecar_is_told_and_mended(frames: Frames, tmp_path: Path) -> None:
    db = frames(large(1))
    path = sidecar(db, large(1))
    sound = path.read_bytes()
    path.write_bytes(sound[:1000] + bytes([sound[1000] ^ 1]) + sound[1001:])
    with pytest.raises(ScrapdbError, match=r"its file is not what was glued\. Index again with --force"):
        db.frame("frame")
    db.index(tmp_path / "runs", force=True)
    assert path.read_bytes() == sound


def test_a_missing_blob_is_damage(frames: Frames) -> None:
    db = frames(pd.DataFrame({"x": [1]}))
    with closing(sqlite3.connect(db.path)) as connection, connection:
        connection.execute("DELETE FROM blobs")
    with pytest.raises(StoreError, match="is damaged"):
        db.frame("frame")


@pytest.mark.parametrize("lie", [{"stop": 9}, {"step": 0}, {"start": "x"}, {"stop": 10**30}])
def test_an_index_that_counts_wrongly_is_left_out_or_damage(frames: Frames, lie: dict[str, object]) -> None:
    honest = pa.Table.from_pandas(pd.DataFrame({"v": [1]}, index=pd.RangeIndex(1, name="epoch")))
    index = {"kind": "range", "name": "epoch", "start": 0, "stop": 1, "step": 1}
    for described in (index, index | lie):
        metadata = json.dumps({"index_columns": [described], "columns": [], "column_indexes": []})
        stream = io.BytesIO()
        pq.write_table(honest.replace_schema_metadata({"pandas": metadata}), stream)
        db = frames(stream.getvalue())
        try:
            assert ("epoch" in db.frame("frame")) == (described is index)
        except ScrapdbError as error:
            assert described is not index
            assert "is damaged" in str(error)  # noqa: PT017 - the other answer


@pytest.mark.parametrize("metadata", ["null", "[]", '{"index_columns": null}'])
def test_what_pandas_would_not_write_is_no_index(frames: Frames, metadata: str) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"v": [1]}).replace_schema_metadata({"pandas": metadata}), stream)
    assert frames(stream.getvalue()).frame("frame").columns.tolist() == ["notebook", "v"]


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_the_command_writes_what_python_reads(ticker_store: Path, tmp_path: Path, suffix: str) -> None:
    ran = sessions.run(f"scrapdb --db {ticker_store} frame prices --where 'symbol = \"BCD\"' -o out.{suffix}", tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    path = tmp_path / f"out.{suffix}"
    read: pd.DataFrame = getattr(pd, f"read_{suffix}")(path)
    read["index"] = pd.to_datetime(read["index"])
    expected = scrapdb.open(ticker_store).frame("prices", where="symbol = 'BCD'")
    pd.testing.assert_frame_equal(read, expected, check_dtype=False)


def test_times_stay_times_in_parquet(frames: Frames) -> None:
    days = pd.to_datetime(["2026-01-01 12:00:00.123456", "2026-01-02 00:00:00.5"])
    db = frames(pd.DataFrame({"day": days}))
    ran = sessions.run("scrapdb frame frame -o days.parquet", db.path.parent)
    assert (ran.code, ran.stderr) == (0, "")
    assert pd.read_parquet(db.path.parent / "days.parquet")["day"].tolist() == days.tolist()


def months(*days: str, frequency: str) -> pd.DataFrame:
    return pd.DataFrame({"month": pd.PeriodIndex(days, freq=frequency), "v": range(len(days))})


def test_periods_of_one_frequency_stay_periods(frames: Frames, tmp_path: Path) -> None:
    found = [months("2024-01", "2024-02", frequency="M"), months("2023-12", frequency="M")]
    db = frames(*found)
    pd.testing.assert_frame_equal(db.frame("frame")[["month", "v"]], pd.concat(found, ignore_index=True))
    assert [str(month) for _, month, _ in db.frame_table("frame").rows()] == ["2024-01", "2024-02", "2023-12"]
    pd.testing.assert_frame_equal(db.notebook("0").scraps["frame"].data, found[0])
    db.export(tmp_path / "out")
    exported = pd.read_parquet(tmp_path / "out" / "frames" / "name=frame" / "part-0.parquet")
    assert exported["month"].tolist() == ["2024-01", "2024-02", "2023-12"]


def test_periods_of_two_frequencies_become_text(frames: Frames, tmp_path: Path) -> None:
    db = frames(months("2024-01", frequency="M"), months("2024-01-15", frequency="D"))
    assert db.frame("frame")["month"].tolist() == ["2024-01", "2024-01-15"]
    db.export(tmp_path / "out")
    exported = pd.read_parquet(tmp_path / "out" / "frames" / "name=frame" / "part-0.parquet")
    assert exported["month"].tolist() == ["2024-01", "2024-01-15"]


@pytest.mark.parametrize("command", ["frame frame", "show 0 frame"])
def test_the_command_line_prints_what_pandas_prints(frames: Frames, command: str) -> None:
    columns = {
        "month": pd.period_range("2024-01", periods=1, freq="M"),
        "wait": pd.to_timedelta(["26h"]),
        "span": pd.interval_range(0, 1),
        "when": pd.to_datetime(["2026-01-01T00:00:00.000000001"]),
    }
    frame = pd.DataFrame(columns, index=pd.RangeIndex(4, 5))
    expected = {name: str(value) for name, value in frame.reset_index().loc[0].items()} | {"index": 4}
    directory = frames(frame).path.parent
    (found,) = json.loads(sessions.run(f"scrapdb {command} --json", directory).stdout)
    assert {name: found[name] for name in expected} == expected
    written = sessions.run(f"scrapdb {command} --csv", directory).stdout
    assert pd.read_csv(io.StringIO(written), dtype=str)[list(expected)].loc[0].to_dict() == expected | {"index": "4"}
    sessions.run(f"scrapdb {command} -o kept.parquet", directory)
    kept = pd.read_parquet(directory / "kept.parquet")[list(expected)]
    pd.testing.assert_frame_equal(kept, frame.reset_index())


def test_rows_that_were_chosen_keep_their_numbers(frames: Frames) -> None:
    every = pd.DataFrame({"v": [10, 20, 30, 40, 50, 60]})
    chosen = [every[every.v.isin([20, 50])], every[every.v.isin([20, 30, 60])], every[::-1]]
    db = frames(*chosen, every)
    expected = pd.concat([*(frame.reset_index() for frame in chosen), every], ignore_index=True)
    expected["index"] = expected["index"].astype("Int64")  # the whole frame's labels say nothing
    pd.testing.assert_frame_equal(db.frame("frame")[["index", "v"]], expected)
    assert db.frame("frame", where="n = 0", columns=["index"])["index"].tolist() == [1, 4]
    assert db.frame("frame", where="n = 3").columns.tolist() == ["notebook", "v"]


def test_nullable_integers_keep_every_digit(frames: Frames) -> None:
    found = [
        pd.DataFrame({"id": pd.array([2**53 + 1, None], "Int64"), "ok": pd.array([True, None], "boolean")}),
        pd.DataFrame({"id": [2**63 - 1]}),
    ]
    joined = frames(*found).frame("frame")[["id", "ok"]]
    pd.testing.assert_frame_equal(joined, pd.concat(found, ignore_index=True).astype({"ok": "boolean"}))
    assert joined["id"].tolist() == [2**53 + 1, pd.NA, 2**63 - 1]


def test_a_column_that_some_miss_stays_one_of_integers(frames: Frames) -> None:
    db = frames(pd.DataFrame({"a": [2**53 + 1], "b": [True]}), pd.DataFrame({"c": [0.5]}))
    db.export(db.path.parent / "out")
    exported = pd.read_parquet(db.path.parent / "out" / "frames" / "name=frame" / "part-0.parquet")
    sessions.run("scrapdb frame frame -o kept.parquet", db.path.parent)
    for found in (db.frame("frame"), exported, pd.read_parquet(db.path.parent / "kept.parquet")):
        assert found["a"].tolist() == [2**53 + 1, pd.NA]
        assert found["b"].tolist() == [True, pd.NA]
        assert found["c"].dtype == np.float64


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([2**53 + 1, 2], [7.0, None], [2**53 + 1, 2, 7, None]),
        ([2**53 + 1], [0.5], [str(2**53 + 1), "0.5"]),
        ([2**53], [0.5], [2.0**53, 0.5]),
        (np.array([2**64 - 1], "uint64"), [-1], [str(2**64 - 1), "-1"]),
        (np.array([2**64 - 1], "uint64"), [1], [2**64 - 1, 1]),
        (
            pd.to_datetime(["2026-01-01"]).as_unit("ns"),
            np.array(["9999-12-31"], "M8[s]"),
            [pd.Timestamp("2026-01-01"), pd.Timestamp("9999-12-31").as_unit("s")],
        ),
        (
            pd.to_datetime(["2026-01-01 00:00:00.000000001"]),
            np.array(["9999-12-31"], "M8[s]"),
            ["2026-01-01 00:00:00.000000001", "9999-12-31 00:00:00"],
        ),
        (
            pd.to_datetime(["2026-01-01"]).tz_localize("UTC"),
            pd.to_datetime(["2026-01-01"]),
            ["2026-01-01 00:00:00+00:00", "2026-01-01 00:00:00"],
        ),
        ([Decimal("0.10")], [0.5], [0.1, 0.5]),
        ([Decimal("0.12345678901234567890")], [0.5], ["0.12345678901234567890", "0.5"]),
        (pd.to_datetime(["2026-01-01"]), [np.nan], [pd.Timestamp("2026-01-01"), None]),
        (pd.period_range("2026-01", periods=1, freq="D").to_timestamp().time, [np.nan], [dt.time(0), None]),
        ([1, 2], np.array([], "M8[s]"), [1, 2]),
        (["text"], [b"bytes"], ["text", "Ynl0ZXM="]),
        ([[1]], ["[1]"], ["[1]", "[1]"]),
    ],
)
def test_all_rows_stay_whatever_the_values_are(
    frames: Frames, tmp_path: Path, one: Any, other: Any, expected: list[Any]
) -> None:
    db = frames(pd.DataFrame({"x": one}), pd.DataFrame({"x": other}))
    assert [value for _, value in db.frame_table("frame").rows()] == expected
    assert [None if pd.isna(value) else value for value in db.frame("frame")["x"]] == expected
    exported = db.export(tmp_path / "out")
    assert (exported.frames, exported.errors) == (2, [])
    file = tmp_path / "out" / "frames" / "name=frame" / "part-0.parquet"
    assert pq.ParquetFile(file).read()["x"].to_pylist() == expected
    assert [None if pd.isna(value) else value for value in pd.read_parquet(file)["x"]] == expected


def test_categories_stay_if_all_notebooks_have_the_same(frames: Frames) -> None:
    dtype = pd.CategoricalDtype(["low", "high"], ordered=True)
    found = [pd.DataFrame({"c": pd.Categorical(values, dtype=dtype)}) for values in (["low"], [None, "high"])]
    pd.testing.assert_frame_equal(frames(*found).frame("frame")[["c"]], pd.concat(found, ignore_index=True))
    assert frames(found[0], pd.DataFrame({"v": [1]})).frame("frame")["c"].dtype == dtype


def test_what_pandas_does_not_read_back_is_read_with_text_as_names(frames: Frames) -> None:
    days = [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]
    db = frames(pd.DataFrame([[1.0, 2.0]], columns=days, index=["AAA"]))
    with pytest.warns(UserWarning, match="Names of columns are text here: pandas reads back none that were date"):
        found = db.notebook("0").scraps["frame"].data
    assert found.to_dict("index") == {"AAA": {"2026-01-01": 1.0, "2026-01-02": 2.0}}
    ran = sessions.run("scrapdb frame frame", db.path.parent)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == "notebook,index,2026-01-01,2026-01-02\nruns/0.ipynb,AAA,1.0,2.0\n"


def grouped() -> pd.DataFrame:
    prices = pd.DataFrame({"k": list("aab"), "p": [1.0, 2.0, 3.0]})
    return prices.groupby("k").agg({"p": ["mean", "max"]})


def test_levels_of_columns_come_back(frames: Frames) -> None:
    expected = pd.concat([grouped().reset_index()] * 2, ignore_index=True)
    expected.insert(0, ("notebook", ""), ["runs/0.ipynb"] * 2 + ["runs/1.ipynb"] * 2)
    db = frames(grouped(), grouped())
    pd.testing.assert_frame_equal(db.frame("frame"), expected)
    assert db.frame("frame", columns=["k"]).columns.tolist() == ["notebook", "k"]
    of_one = db.frame("frame", columns=[("p", "max")])
    pd.testing.assert_frame_equal(of_one, expected[[("notebook", ""), ("p", "max")]])


def test_names_that_are_numbers_come_back_unless_notebooks_differ(frames: Frames) -> None:
    numbers, texts = pd.DataFrame([[1, 2]]), pd.DataFrame({"0": [3]})
    assert frames(numbers, numbers).frame("frame").columns.tolist() == ["notebook", 0, 1]
    assert frames(numbers, numbers).frame("frame", columns=[1]).columns.tolist() == ["notebook", 1]
    assert frames(numbers, texts).frame("frame").to_dict("list")["0"] == [1, 3]


def test_the_name_of_all_columns_stays_if_notebooks_agree(frames: Frames) -> None:
    one, other = (pd.DataFrame([[1]], columns=pd.Index(["a"], name=name)) for name in ("big", "small"))
    assert frames(one, one).frame("frame").columns.name == "big"
    assert frames(one, other).frame("frame").columns.name is None


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        ("('p', 'mean')", ["('p', 'mean')"]),
        ("('p','mean'), k", ["k", "('p', 'mean')"]),
        ('("p", "mean")', ["('p', 'mean')"]),
        ("p.max", ["('p', 'max')"]),
        ("p.max,k,p.mean", ["k", "('p', 'mean')", "('p', 'max')"]),
    ],
)
def test_a_column_with_levels_is_named(frames: Frames, asked: str, columns: list[str]) -> None:
    db = frames(grouped())
    ran = sessions.run(f"scrapdb frame frame --json -c {shlex.quote(asked)}", db.path.parent)
    assert (ran.code, ran.stderr) == (0, "")
    assert [list(row) for row in json.loads(ran.stdout)] == [["notebook", *columns]] * 2


def test_an_unknown_column_with_levels_is_told_whole(frames: Frames) -> None:
    with pytest.raises(UsageError, match=r"has a column \('p', 'median'\); there are k, \('p', 'mean'\)"):
        frames(grouped()).frame("frame", columns="('p', 'median')")


@pytest.mark.parametrize(
    ("glued", "asked"), [("gr\u00f6\u00dfe", "gro\u0308\u00dfe"), ("gro\u0308\u00dfe", "gr\u00f6\u00dfe")]
)
def test_a_column_is_found_in_both_spellings(frames: Frames, glued: str, asked: str) -> None:
    db = frames(pd.DataFrame({"a": [1], glued: [2]}))
    assert db.frame("frame", columns=[asked]).to_dict("list") == {"notebook": ["runs/0.ipynb"], glued: [2]}


@pytest.mark.parametrize("name", ["a,b", "(0, 10]", "it's, that", "net (EUR, USD)", "'quoted'", "p.mean", 'in "inch"'])
def test_any_name_can_be_asked_for(frames: Frames, name: str) -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=[name, "it's", "other"])
    db = frames(frame)
    quoted = name if name in {"(0, 10]", "net (EUR, USD)", "'quoted'", "p.mean", 'in "inch"'} else f'"{name}"'
    assert db.frame("frame", columns=f"it's, {quoted}").columns.tolist() == ["notebook", name, "it's"]
    assert db.frame("frame", columns=[name]).columns.tolist() == ["notebook", name]
