"""The page of a DataFrame, and its files, held against pandas."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import shutil
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from scrapdb.database import Database
from tests.datasette.asked import get
from tests.datasette.glued import ROWS
from tests.datasette.glued import glued_frame
from tests.datasette.glued import hash_of
from tests.datasette.glued import large
from tests.datasette.glued import page
from tests.datasette.glued import small
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import write

LARGE, SMALL = hash_of(large()), hash_of(small())


def rows(text: str) -> list[int]:
    """Numbers of the rows that a page shows."""
    return [int(number) for number in re.findall(r'<tr><td class="scrapdb-number scrapdb-null">(\d+)</td>', text)]


def numbers(frame: pd.DataFrame) -> list[int]:
    """Numbers of the rows of a part of the large frame."""
    return [int(number) for number in large().index.get_indexer(frame.index)]


def cells(text: str, row: int) -> list[str]:
    """Texts of the cells of a row of a page, without their number."""
    found = re.findall(r"<tr><td.*?</tr>", text, re.DOTALL)[row]
    return [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", found, re.DOTALL)][1:]


def test_first_page(glued: Path) -> None:
    response = get(glued, page("frame", hash=LARGE))
    assert response.status_code == 200
    assert f"{ROWS:,} rows × 4 columns" in response.text
    assert "Rows 1 to 100 of 20,000" in response.text
    assert rows(response.text) == list(range(100))
    first = large().iloc[0]
    shown = cells(response.text, 0)
    assert shown == ["2026-01-01", f"{first.close:.6g}", str(first.volume), first.venue, str(first.ok).lower()]
    assert "<b>Tokyo" not in response.text


@pytest.mark.parametrize("offset", [1, 9_950, 19_900, 19_990, 20_000, 10**30])
def test_any_page(glued: Path, offset: int) -> None:
    text = get(glued, page("frame", hash=LARGE, _offset=offset)).text
    assert rows(text) == list(range(offset, min(offset + 100, ROWS)))


def test_pages_lead_to_each_other(glued: Path) -> None:
    text = get(glued, page("frame", hash=LARGE, _offset=150, volume__lt=40)).text
    links = {
        name: unescape(link) for link, name in re.findall(r'<a href="(\?[^"]+)">(first|previous|next|last)</a>', text)
    }
    matching = numbers(large()[large().volume < 40])
    starts = {"first": 0, "previous": 50, "next": 250, "last": (len(matching) - 1) // 100 * 100}
    for name, start in starts.items():
        assert rows(get(glued, page("frame").rstrip("?") + links[name]).text) == matching[start : start + 100]


def test_by_path_and_name_is_the_same(glued: Path) -> None:
    by_name = get(glued, page("frame", path="run0", name="prices"))
    assert rows(by_name.text) == rows(get(glued, page("frame", hash=LARGE)).text)
    assert page("frame.parquet", hash=LARGE) in unescape(by_name.text)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"venue": "NYSE"}, lambda frame: frame[frame.venue == "NYSE"]),
        ({"venue__not": "NYSE"}, lambda frame: frame[frame.venue != "NYSE"]),
        ({"volume__exact": "7"}, lambda frame: frame[frame.volume == 7]),
        ({"volume__gte": "48.5"}, lambda frame: frame[frame.volume >= 48.5]),
        ({"close__gt": "130"}, lambda frame: frame[frame.close > 130]),
        ({"close__lte": "70", "ok": "true"}, lambda frame: frame[(frame.close <= 70) & frame.ok]),
        ({"ok": "0"}, lambda frame: frame[~frame.ok]),
        ({"close__isnull": "1"}, lambda frame: frame[frame.close.isna()]),
        ({"close__notnull": "1"}, lambda frame: frame[frame.close.notna()]),
        ({"venue__contains": "b>T"}, lambda frame: frame[frame.venue.str.contains("b>T")]),
        ({"time__gte": "2026-01-14"}, lambda frame: frame["2026-01-14":]),
        ({"time__lt": "2026-01-01 01:00"}, lambda frame: frame[:"2026-01-01 00:59"]),
        ({"time__exact": "2026-01-01T02:00:00+01:00"}, lambda frame: frame["2026-01-01 01:00":"2026-01-01 01:00"]),
        ({"volume__lt": "0"}, lambda frame: frame.head(0)),
        ({"_sort": "close"}, lambda frame: frame.sort_values("close", kind="stable")),
        ({"_sort_desc": "volume"}, lambda frame: frame.sort_values("volume", ascending=False, kind="stable")),
        (
            {"_sort": "venue", "volume__gt": "45"},
            lambda frame: frame[frame.volume > 45].sort_values("venue", kind="stable"),
        ),
    ],
)
def test_filters_and_sorting_as_pandas(glued: Path, parameters: dict[str, str], expected: Any) -> None:
    text = get(glued, page("frame", hash=LARGE, **parameters)).text
    wanted = numbers(expected(large()))
    assert rows(text) == wanted[:100]
    assert f"of {len(wanted):,}" in text or not wanted


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"close__gt": "high"}, "'high' is no value that the column 'close' (double) can have."),
        ({"time__gt": "yesterday"}, "'yesterday' is no value that the column 'time'"),
        ({"volume__contains": "1"}, "'volume' is no column of text"),
        ({"volume__like": "1"}, "a filter is one of exact, not, gt"),
        ({"nope": "1"}, "There is no column 'nope'."),
        ({"_sort": "nope"}, "There is no column 'nope' to sort by."),
        ({"_col": "nope"}, "There is no column 'nope'."),
        ({"_offset": "-1"}, "_offset is a whole number from 0 to 999,999,999,999,999, not '-1'."),
        ({"_size": "1001"}, "_size is a whole number from 1 to 1,000, not '1001'."),
        ({"_theme": "blue"}, "_theme is light or dark, not 'blue'."),
    ],
)
def test_what_is_wrong_is_told(glued: Path, parameters: dict[str, str], sentence: str) -> None:
    response = get(glued, page("frame", hash=LARGE, **parameters))
    assert response.status_code == 400
    assert sentence in unescape(response.text)


def test_a_column_of_lists_has_no_order(glued: Path) -> None:
    response = get(glued, page("frame", hash=SMALL, _sort="items"))
    assert response.status_code == 400
    assert "values without an order" in response.text


def test_a_dark_chart_is_dark(glued: Path) -> None:
    light, dark = (get(glued, page("frame.svg", hash=LARGE, _theme=theme)).text for theme in ("light", "dark"))
    assert 'fill="white"' in light
    assert 'fill="white"' not in dark


def test_form_adds_a_filter(glued: Path) -> None:
    text = get(
        glued, page("frame", hash=LARGE, volume__gt=10, _filter_column="venue", _filter_op="not", _filter_value="XETRA")
    ).text
    assert rows(text) == numbers(large().query("volume > 10 and venue != 'XETRA'"))[:100]
    without = [unescape(link) for link in re.findall(r'<a href="(\?[^"]+)" aria-label="without', text)]
    assert (
        rows(get(glued, page("frame").rstrip("?") + without[0]).text)
        == numbers(large()[large().venue != "XETRA"])[:100]
    )


def test_only_the_chosen_columns(glued: Path) -> None:
    text = get(glued, page("frame", hash=LARGE, _col=["volume", "time"])).text
    first = large().iloc[0]
    assert cells(text, 0) == ["2026-01-01", str(first.volume)]


def test_odd_values(glued: Path) -> None:
    text = get(glued, page("frame", hash=SMALL)).text
    day, _, _, _, long, content, number, wait = cells(text, 0)
    assert (day, content, number) == ("2026-11-01", "3 bytes", "null")
    assert long.endswith("1,000 characters")
    assert len(long) < 400
    assert wait == "0 days 01:00:00"
    assert re.search(r"<details><summary>2 items</summary><ul><li>0: 1</li><li>1: 2</li></ul></details>", text)
    assert "deep: &#34;&lt;i&gt;&#34;" in text
    assert "inner: 1 item" in text
    assert "<i>" not in text


@pytest.mark.parametrize(
    "parameters", [{"hash": "0" * 64}, {}, {"path": "run0", "name": "nope"}, {"path": "nope", "name": "x"}]
)
@pytest.mark.parametrize("name", ["frame", "frame.parquet", "frame.csv", "frame.svg"])
def test_unknown_frames_are_not_found(glued: Path, name: str, parameters: dict[str, str]) -> None:
    assert get(glued, page(name, **parameters)).status_code == 404


@pytest.mark.parametrize("frame", [large, small])
def test_parquet_is_what_was_glued(glued: Path, frame: Any) -> None:
    digest = hash_of(frame())
    response = get(glued, page("frame.parquet", hash=digest))
    assert hashlib.sha256(response.content).hexdigest() == digest
    assert response.headers["content-length"] == str(len(response.content))
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'attachment; filename="[\w-]+\.parquet"', response.headers["content-disposition"])


def test_an_address_that_may_change_is_not_cached(glued: Path) -> None:
    response = get(glued, page("frame.parquet", path="run0", name="prices"))
    assert response.headers["cache-control"] == "no-cache"


def test_csv_has_the_rows_that_pass_the_filters(glued: Path) -> None:
    response = get(glued, page("frame.csv", hash=LARGE, venue="XETRA", volume__lt=25))
    found = pd.read_csv(io.StringIO(response.text), parse_dates=["time"], index_col="time")
    pd.testing.assert_frame_equal(
        found,
        large().query("venue == 'XETRA' and volume < 25"),
        check_index_type=False,
        check_dtype=False,
        check_freq=False,
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"


def test_csv_of_all_rows(glued: Path) -> None:
    assert len(pd.read_csv(io.StringIO(get(glued, page("frame.csv", hash=LARGE)).text))) == ROWS


def test_csv_of_no_rows_has_a_head(glued: Path) -> None:
    assert get(glued, page("frame.csv", hash=LARGE, volume__lt=0)).text == '"time","close","volume","venue","ok"\n'


def test_csv_of_odd_values(glued: Path) -> None:
    found = pd.read_csv(io.StringIO(get(glued, page("frame.csv", hash=SMALL)).text)).iloc[0]
    assert (found["items"], found["nested"], found["bytes"]) == ("[1, 2]", '{"key": {"deep": "<i>"}}', "YWJj")


def test_chart_is_a_picture_that_can_do_nothing(glued: Path) -> None:
    response = get(glued, page("frame.svg", hash=LARGE))
    assert response.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert {"close", "volume", "time"} <= set(re.findall(r">([^<>]+)</text>", response.text))
    assert "<script" not in response.text
    assert page("frame.svg", hash=LARGE) in unescape(get(glued, page("frame", hash=LARGE)).text)


@pytest.fixture
def copied(glued: Path, tmp_path: Path) -> Path:
    """The store, with sidecars of its own."""
    shutil.copytree(glued.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / glued.name


@pytest.mark.parametrize("name", ["frame", "frame.parquet", "frame.csv", "frame.svg"])
def test_a_missing_sidecar_is_told(copied: Path, name: str) -> None:
    (sidecar,) = copied.parent.rglob(f"{LARGE}.parquet")
    sidecar.unlink()
    response = get(copied, page(name, hash=LARGE))
    assert response.status_code == 400
    assert "missing" in response.text
    assert str(copied.parent) not in response.text


def test_a_damaged_sidecar_is_told(copied: Path) -> None:
    (sidecar,) = copied.parent.rglob(f"{LARGE}.parquet")
    sidecar.write_bytes(sidecar.read_bytes()[:5000])
    response = get(copied, page("frame", hash=LARGE))
    assert response.status_code == 400
    assert "damaged" in response.text
    assert str(copied.parent) not in response.text
    assert "damaged" in get(copied, page("notebook", path="run0")).text


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of frames that nobody wants to see, by name in `odd.ipynb`."""
    levels = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["level", None])
    frames = {
        "no_columns": pd.DataFrame(index=range(3)),
        "no_rows": pd.DataFrame({"a": []}),
        "wide": pd.DataFrame([range(300)], columns=[f"c{number}" for number in range(300)]),
        "names": pd.DataFrame(
            {"_sort": [1, 2], "hash": [3, 4], "a.b": [5, 6], "a": [7, 8], "a__gt": [1, 9], "": [1, 2]}
        ),
        "levels": pd.DataFrame({"x": range(4)}, index=levels),
        "views": pd.DataFrame({"s": pd.Series(["b", "a"], dtype=pd.ArrowDtype(pa.string_view()))}),
        "parts": pd.DataFrame(
            {"half": np.array([1.5, -2, np.nan, 0.25], "float16"), "dict": [{"a": n} for n in (2, 1, 4, 3)]}
        ),
        "numbers": pd.DataFrame(
            {
                "u": np.array([2**64 - 1, 0, 2**53 + 1], "uint64"),
                "i": [2**53 + 1, -5, 2**53],
                "d": [Decimal("1.10"), Decimal("2.5"), None],
                "t": [dt.time(1, 2, 3), dt.time(4), None],
                "w": pd.to_timedelta(["26h", "-1s", None]),
            }
        ),
        "periods": pd.DataFrame({"period": pd.period_range("2026-01", periods=2, freq="M"), "x": [1, 2]}),
    }
    directory = tmp_path_factory.mktemp("odd")
    outputs = [glued_frame(name, frame)[0] for name, frame in frames.items()]
    write(directory / "odd.ipynb", notebook(code("1", *outputs)))
    Database(directory / "scraps.db").index(directory)
    return directory / "scraps.db"


@pytest.mark.parametrize(
    "name", ["no_columns", "no_rows", "wide", "names", "levels", "views", "parts", "numbers", "periods"]
)
@pytest.mark.parametrize("file", ["frame", "frame.csv", "frame.parquet"])
def test_odd_frames_are_shown(odd: Path, file: str, name: str) -> None:
    assert get(odd, page(file, path="odd", name=name)).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"_sort__exact": "2"}, [1]),
        ({"hash__exact": "4"}, [1]),
        ({"a.b": "5"}, [0]),
        ({"a__gt": "9"}, [1]),
        ({"a__gt__gt": "1"}, [1]),
        ({"__exact": "2"}, [1]),
        ({"_sort_desc": "hash"}, [1, 0]),
    ],
)
def test_columns_named_like_parameters(odd: Path, parameters: dict[str, str], expected: list[int]) -> None:
    assert rows(get(odd, page("frame", path="odd", name="names", **parameters)).text) == expected


def test_views_of_text_are_text(odd: Path) -> None:
    assert rows(get(odd, page("frame", path="odd", name="views", s__contains="a")).text) == [1]
    assert rows(get(odd, page("frame", path="odd", name="views", _sort="s")).text) == [1, 0]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"_sort": "half"}, [1, 3, 0, 2]),
        ({"half__gt": "0.2"}, [0, 3]),
        ({"_sort": "dict"}, [1, 0, 3, 2]),
        ({"_sort_desc": "dict", "half__notnull": "1"}, [3, 0, 1]),
    ],
)
def test_small_floats_and_dicts_are_sorted(odd: Path, parameters: dict[str, str], expected: list[int]) -> None:
    assert rows(get(odd, page("frame", path="odd", name="parts", **parameters)).text) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"u__gt": "0.5"}, [0, 2]),
        ({"u__gt": "-1"}, [0, 1, 2]),
        ({"u__lte": str(2**53) + ".5"}, [1]),
        ({"u__lt": "1" + "0" * 30}, [0, 1, 2]),
        ({"i__gte": str(2**53) + ".5"}, [0]),
        ({"i__not": "1e3"}, [0, 1, 2]),
        ({"d__gt": "1.0999"}, [0, 1]),
        ({"t": "01:02:03"}, [0]),
        ({"t__gt": "01:30"}, [1]),
        ({"w": "1 days 02:00:00"}, [0]),
        ({"w__lt": "0s"}, [1]),
    ],
)
def test_filters_compare_exactly(odd: Path, parameters: dict[str, str], expected: list[int]) -> None:
    assert rows(get(odd, page("frame", path="odd", name="numbers", **parameters)).text) == expected


@pytest.mark.parametrize("parameters", [{"u__gt": "1e400"}, {"u": "x"}, {"d": "nan"}, {"t": "noon"}, {"w": "long"}])
def test_filters_that_no_column_has_are_told(odd: Path, parameters: dict[str, str]) -> None:
    text = get(odd, page("frame", path="odd", name="numbers", **parameters)).text
    assert "is no value that the column" in text


def test_nothing_to_sort(odd: Path) -> None:
    assert "No rows" in get(odd, page("frame", path="odd", name="no_rows", _sort="a")).text


def test_of_many_columns_twenty_are_shown(odd: Path) -> None:
    text = get(odd, page("frame", path="odd", name="wide")).text
    assert cells(text, 0) == [str(number) for number in range(20)]
    assert "20 of 300 columns are shown" in text
    assert cells(get(odd, page("frame", path="odd", name="wide", _col="c299")).text, 0) == ["299"]


def of_pandas() -> pd.DataFrame:
    """A frame of types that only pandas has, and with labels of rows that count by threes."""
    return pd.DataFrame(
        {
            "month": pd.PeriodIndex(["2024-03", "2024-01", None, "2024-02"], freq="M"),
            "span": pd.arrays.IntervalArray.from_arrays([0.5, 1, np.nan, 0], [1, 2, np.nan, 0.5], closed="left"),
            "wait": pd.to_timedelta(["26h", "-1s", None, "1ns"]),
            "when": pd.date_range("2026-10-24 12:00", periods=4, tz="Europe/Berlin"),
            "far": np.array(["12000-01-01", "2026-01-01", "NaT", "2026-01-02"], "M8[s]"),
            "id": pd.array([2**53 + 1, 1, None, 2], "Int64"),
        },
        index=pd.RangeIndex(1, 13, 3),
    )


@pytest.fixture(scope="module")
def pandas_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of `of_pandas()`, and of a long frame that counts backwards in several groups of rows."""
    long = pd.DataFrame({"x": range(120_000)}, index=pd.RangeIndex(120_000, 0, -1, name="left"))
    directory = tmp_path_factory.mktemp("pandas")
    outputs = [glued_frame("frame", of_pandas())[0], glued_frame("long", long, row_group_size=50_000)[0]]
    write(directory / "a.ipynb", notebook(code("1", *outputs)))
    Database(directory / "scraps.db").index(directory)
    return directory / "scraps.db"


def test_values_are_what_pandas_prints(pandas_store: Path) -> None:
    text = get(pandas_store, page("frame", path="a", name="frame")).text
    flat = of_pandas().reset_index()
    for place, column in enumerate(flat):
        expected = ["null" if pd.isna(value) else str(value).removesuffix(" 00:00:00") for value in flat[column]]
        assert [cells(text, row)[place] for row in range(len(flat))] == expected
    assert re.findall(r"(\S+) <span class=\"scrapdb-null\">([^<]+)</span></label>", text)[:3] == [
        ("index", "int64, index"),
        ("month", "period[M]"),
        ("span", "interval[float64, left]"),
    ]


def test_csv_has_what_pandas_prints(pandas_store: Path) -> None:
    text = get(pandas_store, page("frame.csv", path="a", name="frame")).text
    found = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    flat = of_pandas().reset_index()
    assert found.columns.tolist() == flat.columns.tolist()
    for column in flat:
        assert found[column].tolist() == ["" if pd.isna(value) else str(value) for value in flat[column]]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"month": "2024-01"}, [1]),
        ({"month__gte": "2024-02-15"}, [0, 3]),
        ({"month__isnull": "1"}, [2]),
        ({"span__isnull": "1"}, [2]),
        ({"_sort": "month"}, [1, 3, 0, 2]),
        ({"_sort_desc": "month", "month__notnull": "1"}, [0, 3, 1]),
        ({"index__gt": "4"}, [2, 3]),
        ({"_sort_desc": "index"}, [3, 2, 1, 0]),
        ({"id": str(2**53 + 1)}, [0]),
        ({"_sort": "span"}, [3, 0, 1, 2]),
        ({"_sort_desc": "span", "id__lt": "9"}, [1, 3]),
    ],
)
def test_filters_of_what_only_pandas_has(pandas_store: Path, parameters: dict[str, str], expected: list[int]) -> None:
    assert rows(get(pandas_store, page("frame", path="a", name="frame", **parameters)).text) == expected


@pytest.mark.parametrize("parameters", [{"month": "spring"}, {"span": "(0, 1]"}])
def test_filters_that_make_no_value_are_told(pandas_store: Path, parameters: dict[str, str]) -> None:
    response = get(pandas_store, page("frame", path="a", name="frame", **parameters))
    assert response.status_code == 400
    assert "is no value that the column" in unescape(response.text)


@pytest.mark.parametrize("first", [0, 49_990, 99_995, 119_999])
def test_an_index_that_counts_is_read_from_anywhere(pandas_store: Path, first: int) -> None:
    text = get(pandas_store, page("frame", path="a", name="long", _offset=first, _size=20)).text
    assert cells(text, 0) == [str(120_000 - first), str(first)]
    selected = get(pandas_store, page("frame", path="a", name="long", left=120_000 - first, _col="left")).text
    assert (rows(selected), cells(selected, 0)) == ([first], [str(120_000 - first)])


def test_a_chart_runs_over_an_index_that_counts(pandas_store: Path) -> None:
    assert ">left</text>" in get(pandas_store, page("frame.svg", path="a", name="long")).text
