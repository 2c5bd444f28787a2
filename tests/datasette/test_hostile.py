"""Pages of what nobody glues by chance: whatever is in a store or an address, it is answered, never by a failure."""

from __future__ import annotations

import base64
import shutil
import sqlite3
import tracemalloc
from contextlib import closing
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scrapdb.database import Database
from scrapdb.datasette.frames.parquet import opened
from scrapdb.datasette.frames.selection import Selection
from scrapdb.datasette.frames.selection import numbers
from scrapdb.errors import UsageError
from tests.datasette.asked import get
from tests.datasette.glued import ROWS
from tests.datasette.glued import hash_of
from tests.datasette.glued import large
from tests.datasette.glued import page
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

HALF = "\ud800"  # of a character: JSON has it, UTF-8 has not
TALL = 2**62  # of any unit a time that no calendar has
FRAMES = {
    "time zone": pa.table({"odd": pa.array([1, 2], pa.timestamp("us", "Nowhere/Land"))}),
    "time zone that is a path": pa.table({"odd": pa.array([1, 2], pa.timestamp("us", "../../../../etc/passwd"))}),
    "time": pa.table({"odd": pa.array([TALL, -TALL], pa.timestamp("ms"))}),
    "date": pa.table({"odd": pa.array([2**31 - 1, -(2**31)], pa.date32())}),
    "duration": pa.table({"odd": pa.array([TALL, -TALL], pa.duration("s"))}),
    "text that is none": pa.table({"odd": pa.array([b"\xff\xfe", b"a"]).view(pa.string())}),
    "JSON": pa.table({"odd": [f'["\\ud800", {"1" * 5000}]', '["\\ud800"]', "[" * 3000 + "]" * 3000]}),
}
NUMBERS = ("9" * 20, "9" * 5000, "-1", "²", "1e9")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of texts and frames that cannot be written as they are."""
    directory = tmp_path_factory.mktemp("hostile")
    halves = [
        scrap("text", f"a{HALF}", "text"),
        scrap("json", {f"key {HALF}": [f"value {HALF}", *range(20)]}),
        display("data", {"application/json": {"a": HALF}}),
    ]
    write(directory / "halves.ipynb", notebook(code("1", *halves)))
    tokens = [scrap("rows", f"frame:{'9' * 4400}x1:{'0' * 64}", "text"), scrap("both", f"frame:٣x٣:{'0' * 64}", "text")]
    write(directory / "tokens.ipynb", notebook(code("1", *tokens)))
    for name, table in FRAMES.items():
        write(directory / f"{name}.ipynb", notebook(code("1", _frame(table))))
    path = directory / "scraps.db"
    Database(path).index(directory, workers=1)
    return path


@pytest.fixture
def moved(glued: Path, tmp_path: Path) -> Path:
    """A copy of the store with frames in sidecars, which a test may change."""
    shutil.copytree(glued.parent, tmp_path / "copy")
    return tmp_path / "copy" / glued.name


@pytest.mark.parametrize(
    "address",
    [page("notebook", path="halves.ipynb"), page("gallery", scrap="data"), "/scraps/scraps", "/scraps/runs"],
)
def test_half_a_character_is_shown_by_its_number(address: str, hostile: Path) -> None:
    response = get(hostile, address)
    assert (response.status_code, r"\ud800" in response.text) == (200, True)


def test_a_text_that_looks_like_a_frame_of_countless_rows_is_a_text(hostile: Path) -> None:
    response = get(hostile, "/scraps/scraps")
    assert response.status_code == 200
    assert "99999" in response.text
    assert f"frame?hash={'0' * 64}" not in response.text


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_values_that_python_has_not_is_answered(name: str, hostile: Path) -> None:
    assert get(hostile, page("notebook", path=f"{name}.ipynb")).status_code == 200
    for address in ("frame", "frame.csv", "frame.svg"):
        assert get(hostile, page(address, path=f"{name}.ipynb", name="f")).status_code in {200, 400}
    for filter_ in ({"_sort": "odd"}, {"odd": "1"}, {"odd__contains": "1"}, {"odd__gt": "9" * 5000}):
        assert get(hostile, page("frame", path=f"{name}.ipynb", name="f", **filter_)).status_code in {200, 400}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_none_is_refused_in_a_sentence(number: str, glued: Path) -> None:
    frame = hash_of(large())
    for address in (
        page("problems", _offset=number),
        page("frame", hash=frame, _offset=number),
        page("frame", hash=frame, _size=number),
        page("gallery", scrap="chart", page=number),
    ):
        response = get(glued, address)
        assert (response.status_code, "is a whole number from" in response.text) == (400, True)


def test_rows_beyond_the_last_are_none(glued: Path) -> None:
    response = get(glued, page("frame", hash=hash_of(large()), _offset="9" * 15))
    assert response.status_code == 200
    assert f"of {ROWS:,}" in response.text


def test_rows_are_counted_before_they_are_numbered_to_be_sorted() -> None:
    # So many equal values take some kilobytes of parquet; their numbers would take 32 MiB.
    values = pa.table({"x": pa.repeat(pa.scalar(0, pa.int8()), 2**23)})
    with opened(_parquet(values)) as file:
        tracemalloc.start()
        with pytest.raises(UsageError, match="too many to sort"):
            numbers(file, Selection(sort="x"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("kind", ["link", "hash"])
def test_a_sidecar_that_leads_elsewhere_is_none(kind: str, moved: Path, tmp_path: Path) -> None:
    frame = hash_of(large())
    outside = tmp_path / "outside.parquet"
    inside = moved.with_name(f"{moved.name}-frames") / frame[:2] / f"{frame}.parquet"
    inside.replace(outside)
    if kind == "link":
        inside.symlink_to(outside)
    else:
        frame = str(outside.with_suffix(""))
        with closing(sqlite3.connect(moved)) as connection, connection:
            connection.execute("UPDATE frames SET hash = ? WHERE hash = ?", (frame, hash_of(large())))
    for address in ("frame", "frame.parquet", "frame.csv", "frame.svg"):
        response = get(moved, page(address, hash=frame))
        assert (response.status_code, "is missing" in response.text) == (400, True)
        assert str(outside.parent) not in response.text.replace(quote(frame, safe=""), "").replace(frame, "")


def test_the_directory_of_the_frames_may_be_a_link(moved: Path, tmp_path: Path) -> None:
    frames = moved.with_name(f"{moved.name}-frames")
    frames.rename(tmp_path / "elsewhere")
    frames.symlink_to(tmp_path / "elsewhere")
    assert get(moved, page("frame", hash=hash_of(large()))).status_code == 200


def _frame(table: pa.Table) -> dict[str, object]:
    return scrap("f", base64.b64encode(_parquet(table)).decode(), "pandas")


def _parquet(table: pa.Table) -> bytes:
    file = BytesIO()
    pq.write_table(table, file)
    return file.getvalue()
