"""Rows of parquet files by number, held against pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scrapdb.datasette.frames import parquet
from scrapdb.datasette.frames.parquet import Recent
from scrapdb.datasette.frames.parquet import opened
from scrapdb.datasette.frames.parquet import summary
from scrapdb.errors import ScrapdbError
from scrapdb.formats.dataframe import Column

ROWS = 120_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "x": random.normal(size=ROWS),
            "name": random.choice(np.array(["a", "b", None]), ROWS),
            "note": [f"note {number}" for number in range(ROWS)],
            "items": [[number, number + 1] for number in range(ROWS)],
            "kind": pd.Categorical(random.choice(["low", "high"], ROWS)),
        },
        index=pd.date_range("2026-01-01", periods=ROWS, freq="s", name="time"),
    )


@pytest.fixture(params=[None, 7_000], ids=["one row group", "many"])
def file(request: pytest.FixtureRequest, frame: pd.DataFrame, tmp_path: Path) -> Path:
    """The frame as pandas writes it, and with small row groups."""
    path = tmp_path / "frame.parquet"
    frame.to_parquet(path, row_group_size=request.param)
    return path


@pytest.fixture(params=[0, 2**30], ids=["nothing remembered", "all remembered"])
def _memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "RECENT", Recent(request.param))
    monkeypatch.setattr(parquet, "REMEMBERED", request.param)


def values(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


@pytest.mark.usefixtures("_memory")
@pytest.mark.parametrize(
    "numbers",
    [
        range(3),
        range(ROWS - 5, ROWS),
        range(49_990, 50_010),
        range(6_990, 7_010),
        [119_999, 0, 60_000, 0, 7_000, 6_999],
        [],
    ],
)
def test_take_gives_the_rows_in_the_order_of_their_numbers(file: Path, frame: pd.DataFrame, numbers: Any) -> None:
    wanted = frame.iloc[list(numbers)].reset_index().astype({"kind": object})
    with opened(file) as found:
        for _ in range(2):
            table = found.take(["time", "x", "name", "note", "kind"], numbers)
            expected = pa.Table.from_pandas(wanted[["time", "x", "name", "note", "kind"]], preserve_index=False)
            assert values(table) == values(expected)


def test_bytes_are_read_like_files(frame: pd.DataFrame) -> None:
    small = frame.head(10)
    with opened(small.to_parquet()) as found:
        assert found.rows == 10
        assert values(found.take(["items"], [9])) == [{"items": [9, 10]}]


def test_columns_index_first(file: Path) -> None:
    with opened(file) as found:
        assert found.columns == [
            Column("time", "time", "timestamp[us]", is_index=True),
            Column("x", "x", "double"),
            Column("name", "name", "large_string"),
            Column("note", "note", "large_string"),
            Column("items", "items", "list<element: int64>"),
            Column("kind", "kind", found.columns[5].type),
        ]


def test_names_with_dots_are_not_mixed_up(tmp_path: Path) -> None:
    path = tmp_path / "dots.parquet"
    pq.write_table(pa.table({"a.b": [1], "a": [2], "c": [{"d": 3}], "c.d": [4]}), path)
    with opened(path) as found:
        assert values(found.take(["a", "c.d", "c", "a.b"], [0])) == [{"a": 2, "c.d": 4, "c": {"d": 3}, "a.b": 1}]


@pytest.mark.usefixtures("_memory")
def test_pieces_give_every_row_once(file: Path, frame: pd.DataFrame) -> None:
    with opened(file) as found:
        pieces = [piece.column("x").to_numpy() for piece in found.pieces(["x"])]
        texts = pa.chunked_array([piece.column("name") for piece in found.pieces(["name"])])
    assert np.array_equal(np.concatenate(pieces), frame["x"].to_numpy())
    assert texts.to_pylist() == pa.array(frame["name"]).to_pylist()


def test_summary_as_pandas_describes(file: Path, frame: pd.DataFrame) -> None:
    with opened(file) as found:
        columns = summary(found)
    assert columns["x"]["mean"] == pytest.approx(frame["x"].mean())
    assert (columns["x"]["min"], columns["x"]["max"]) == (frame["x"].min(), frame["x"].max())
    assert columns["note"] == {"type": "large_string"}


def test_summary_leaves_out_nan_and_empty_columns(tmp_path: Path) -> None:
    path = tmp_path / "gaps.parquet"
    pq.write_table(pa.table({"x": [1.0, float("nan"), None, 4.0], "none": pa.array([None] * 4, pa.float64())}), path)
    with opened(path) as found:
        assert summary(found) == {
            "x": {"type": "double", "min": 1.0, "mean": 2.5, "max": 4.0},
            "none": {"type": "double"},
        }


def test_long_integers_are_summarized(tmp_path: Path) -> None:
    pd.DataFrame({"x": np.array([2**64 - 1, 1], "uint64")}).to_parquet(tmp_path / "f.parquet")
    with parquet.opened(tmp_path / "f.parquet") as opened:
        numbers = parquet.summary(opened)["x"]
    assert (numbers["min"], numbers["mean"], numbers["max"]) == (1, 2.0**63, 2**64 - 1)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"no parquet at all", b"PAR1" + b"\xff" * 100 + b"PAR1"])
def test_a_damaged_file_is_told_in_a_sentence(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secret-place.parquet"
    path.write_bytes(damage)
    for place in (path, damage):
        with pytest.raises(ScrapdbError, match="damaged") as raised, opened(place) as found:
            found.take(["x"], [0])
        assert "secret-place" not in str(raised.value)


def test_pages_that_were_overwritten_are_told_too(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4:5000] = b"\xff" * 4996
    with pytest.raises(ScrapdbError, match="damaged"), opened(bytes(content)) as found:
        found.take([column.name for column in found.columns], [0])


def test_what_takes_too_long_is_stopped(file: Path) -> None:
    with opened(file) as found, pytest.raises(ScrapdbError, match="too large"):
        found.take(["x"], [ROWS - 1], seconds=-1)


def test_recent_forgets_the_oldest_first() -> None:
    recent = Recent(10_000)
    for name in "abc":
        recent.keep(name, name.upper(), 2_000)
    assert recent.get("a") == "A"
    recent.keep("d", "D", 2_000)
    assert [recent.get(name) for name in "abcd"] == ["A", None, "C", "D"]


def test_recent_takes_nothing_larger_than_itself() -> None:
    recent = Recent(5_000)
    recent.keep("a", "A", 100)
    recent.keep("large", "", 5_000)
    assert (recent.get("large"), recent.get("a")) == (None, "A")
