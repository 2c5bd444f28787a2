"""Excel files, held against openpyxl, pandas and the XML in them."""

from __future__ import annotations

import io
import json
import math
import struct
import sys
import unicodedata
import zipfile
from collections.abc import Sequence
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pandas as pd
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from PIL import Image

from scrapdb.errors import ScrapdbError
from scrapdb.formats import excel
from scrapdb.formats import write
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from tests.formats.test_formats import ODD_TEXTS

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
# What Excel, LibreOffice and whoever makes a CSV file of the sheet may take for a formula, and what XlsxWriter may.
FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "{=SUM(A1:A2)}",
    'DDE("cmd";"/C calc";"1")',
    '=HYPERLINK("http://example.com","x")',
    "http://example.com/",
    "mailto:somebody@example.com",
    "internal:rows!A1",
    "external:c:\\x.xlsx",
    "'=1+1",
    "<r>&</r>",
    "<r><t>markup</t></r>",
    "_x000D_",
    "_x003D_1+1",
    "TRUE",
    "#N/A",
    "\ufffe\uffff",
]


def written(columns: Sequence[str], rows: Sequence[Sequence[Any]], **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    excel.write(columns, iter(rows), file, 0, **options)
    for name in (archive := zipfile.ZipFile(file)).namelist():
        if name.endswith((".xml", ".rels")):
            ET.fromstring(archive.read(name))  # noqa: S314 - our own
    file.seek(0)
    return file


def sheet(columns: Sequence[str], rows: Sequence[Sequence[Any]], **options: Any) -> Any:
    return openpyxl.load_workbook(written(columns, rows, **options)).active


def cells(values: Sequence[Any], **options: Any) -> list[Any]:
    """Write values below each other, and return the cells that openpyxl finds."""
    return [row[0] for row in sheet(["a"], [(value,) for value in values], **options).iter_rows(min_row=2)]


def told(cell: Any) -> Any:
    """What a cell says: openpyxl leaves control characters as the file has them."""
    return unescape(cell.value) if cell.data_type == "s" and cell.value else cell.value


def png(width: int = 4, height: int = 3) -> bytes:
    """A grey picture; of a very large one, or of none, the head only."""
    content = picture("PNG", *((width, height) if 0 < width * height < 10**7 else (1, 1)))
    return content[:16] + struct.pack(">II", width, height) + content[24:]


def picture(kind: str, width: int, height: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), 128).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("text", [*ODD_TEXTS, *FORMULAS])
def test_a_text_is_that_text_and_nothing_that_acts(text: str) -> None:
    file = written(["a"], [(text,)])
    (cell,) = next(openpyxl.load_workbook(file).active.iter_rows(min_row=2))
    assert (told(cell) or "", cell.data_type, cell.hyperlink) == (text, "s", None)
    # Excel makes a formula of "=1+1" when somebody presses F2 and Enter, but not of '=1+1.
    assert cell.quotePrefix is True or not text or text[0] not in "=+-@\t\r\n"
    archive = zipfile.ZipFile(file)
    parts = b"".join(archive.read(name) for name in archive.namelist() if "sheet1" in name)
    assert [word for word in (b"<f", b"<hyperlink", b"<r>") if word in parts] == []


@settings(max_examples=40)
@given(st.lists(st.text(), min_size=1, max_size=4))
@example(["_x0041_", "\x00\x1f\x85\u2028", " \n ", "\ud800"])
def test_any_text_comes_back(texts: list[str]) -> None:
    def expected(text: str) -> str:
        return "".join(f"\\u{ord(char):04x}" if unicodedata.category(char) == "Cs" else char for char in text)

    assert [told(cell) or "" for cell in cells(texts)] == list(map(expected, texts))


@given(st.lists(st.floats() | st.integers(-(2**70), 2**70) | st.booleans() | st.none(), min_size=1, max_size=6))
@example([2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 0.1 + 0.2, sys.float_info.max, sys.float_info.min, 5e-324, -0.0])
def test_any_number_comes_back_or_is_a_text_with_all_its_digits(numbers: list[Any]) -> None:
    for cell, number in zip(cells([*numbers, "last"]), numbers, strict=False):
        found = cell.value
        if number is None or isinstance(number, bool):
            assert found is number
        elif isinstance(number, int) and abs(number) <= 2**53:
            assert (found, cell.data_type) == (number, "n")
        elif isinstance(number, int) or not math.isfinite(number) or 0 < abs(number) < sys.float_info.min:
            assert (found, cell.data_type) == (str(number), "s")
        else:
            assert (float(found).hex(), cell.data_type) == (number.hex(), "n")


def test_pandas_reads_what_was_written(tmp_path: Path) -> None:
    columns = {
        "integers": [1, None, 2**53],
        "floats": [0.1 + 0.2, None, 1e-300],
        "not numbers": [math.nan, 1.5, None],
        "booleans": [True, False, True],
        "texts": ["a", "=1+1", "日本 👩‍🚀"],
        "large": [2**70, "x", 1],
        "json": [[1, 2], {"a": None}, "x"],
        "bytes": [b"\0", b"\xff", "x"],
        "cells": [FrameCell(1, "prices", 1000, 2), DisplayCell(1, "chart", ("image/png", "text/plain")), 1.5],
        "t": ["2026-11-01T12:00:00.25Z", None, "2026-02-30T00:00:00Z"],
    }
    path = tmp_path / "rows.xlsx"
    write("xlsx", [*columns], zip(*columns.values(), strict=True), path, times=["t"])
    frame = pd.read_excel(path).astype(object)
    expected = columns | {
        "not numbers": [None, 1.5, None],
        "large": [str(2**70), "x", 1],
        "json": ["[1, 2]", '{"a": null}', "x"],
        "bytes": ["AA==", "/w==", "x"],
        "cells": ["DataFrame 1,000 × 2", "image/png", 1.5],
        "t (UTC)": [datetime(2026, 11, 1, 12, 0, 0, 250_000), None, "2026-02-30T00:00:00Z"],  # noqa: DTZ001
    }
    del expected["t"]
    assert {name: [None if pd.isna(value) else value for value in frame[name]] for name in frame} == expected


def test_json_comes_back() -> None:
    values = [[1, [None, "x\x1b"]], {"a": {"b": [1.5, True]}}, {"日本": 2**70}]
    assert [json.loads(told(cell)) for cell in cells(values)] == values


def test_times_are_times_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    naive = datetime(2026, 11, 1, 12, 30)  # noqa: DTZ001
    values = {
        "2026-11-01T12:30:00Z": naive,
        "2026-11-01T13:30:00+01:00": naive,
        "9999-12-31T23:59:59Z": datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001
        "1900-03-01T00:00:00Z": datetime(1900, 3, 1),  # noqa: DTZ001
        "1900-02-28T00:00:00Z": "1900-02-28T00:00:00Z",
        "9999-12-31T23:59:59-01:00": "9999-12-31T23:59:59-01:00",
        "yesterday": "yesterday",
    }
    assert [cell.value for cell in cells([*values], times=["a"])] == list(values.values())
    assert [cell.value for cell in cells([*values])] == list(values)  # nobody has said that they are times
    others = {
        naive: naive,
        naive.replace(tzinfo=berlin): naive - timedelta(hours=1),
        pd.Timestamp(naive, tz=UTC): naive,
        date(2026, 11, 1): datetime(2026, 11, 1),  # noqa: DTZ001 - openpyxl has no dates
        date(1899, 12, 31): "1899-12-31",
        timedelta(days=1): "1 day, 0:00:00",
        datetime.min.replace(tzinfo=berlin): "0001-01-01 00:00:00+01:00",
    }
    found = cells([*others])
    assert [cell.value for cell in found] == list(others.values())
    assert [cell.number_format for cell in found[2:4]] == ["yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"]


@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)))  # noqa: DTZ001
def test_any_time_comes_back_to_the_millisecond(time: datetime) -> None:
    ((cell,),) = [cells([f"{time.isoformat()}Z"], times=["a"])]
    # openpyxl rounds so, too
    assert abs(cell.value - time) <= timedelta(milliseconds=1)


def test_decimals_are_numbers_if_they_are_the_same() -> None:
    values = {
        Decimal("1.10"): 1.1,
        Decimal("0.1000000000000000000001"): "0.1000000000000000000001",
        Decimal("1e400"): "1E+400",
        Decimal("NaN"): "NaN",
        Decimal(2**53 + 1): str(2**53 + 1),
    }
    assert [cell.value for cell in cells([*values])] == list(values.values())


@pytest.mark.parametrize("char", ["x", "😀", "\x00", "&"])
def test_a_text_that_is_too_long_is_cut_and_it_is_said(char: str) -> None:
    units = len(char.encode("utf-16-le")) // 2
    fits, longer = char * (32_767 // units), char * (32_767 // units + 1)
    said: list[str] = []
    found = list(map(told, cells([fits, longer, "short"], say=said.append)))
    assert (found[0], found[2]) == (fits, "short")
    assert found[1][-1] == "…"
    assert longer.startswith(found[1][:-1])
    assert 32_766 <= len(found[1].encode("utf-16-le")) // 2 <= 32_767
    assert said == ["1 text is cut to the 32,767 characters of a cell, with … at the end."]
    assert sheet([longer], []).cell(1, 1).value.endswith("…")


def test_the_head_is_bold_frozen_and_filters() -> None:
    found = sheet(["a", "=b", "a"], [(1, 2, 3), (4, 5, 6)])
    assert [cell.value for cell in found[1]] == ["a", "=b", "a"]
    assert [(cell.font.bold, cell.data_type) for cell in found[1]] == [(True, "s")] * 3
    assert (found.freeze_panes, found.auto_filter.ref) == ("A2", "A1:C3")
    assert [cell.font.bold for cell in found[2]] == [False] * 3


def test_columns_are_as_wide_as_their_values_within_reason() -> None:
    names = ["a", "a longer name of a column", "long", "wide", "lines", "a number here", "t"]
    row = [1, 2, "x" * 1000, "日本語" * 5, "short\n" + "x" * 50, 0.5, "2026-11-01T12:00:00Z"]
    found = sheet(names, [row], times=["t"])
    widths = [found.column_dimensions[cell.column_letter].width for cell in found[1]]
    assert [round(width) for width in widths] == [9, 29, 61, 31, 9, 17, 20]


@pytest.mark.parametrize(("columns", "rows"), [([], []), (["a"], []), ([], [()])])
def test_nothing_is_an_empty_sheet(columns: list[str], rows: list[Any]) -> None:
    assert [[cell.value for cell in row] for row in sheet(columns, rows).iter_rows()] == ([columns] if columns else [])


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    rows = [(1, "x", "2026-11-01T12:00:00Z", 0.5)] * 100
    for name in ("a", "b"):
        write("xlsx", ["i", "s", "t", "f"], rows, tmp_path / name, times=["t"], picture=lambda _: png())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_sheet_has_so_many_columns(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(16_385)]
    assert sheet(names[:-1], [range(16_384)])["XFD2"].value == 16_383
    with pytest.raises(ScrapdbError, match=r"^A sheet of Excel has 16,384 columns, and here are 16,385; ask for fewer"):
        write("xlsx", names, [], tmp_path / "rows.xlsx")
    assert [*tmp_path.iterdir()] == []


def test_a_sheet_has_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert excel._MOST_ROWS == 1_048_576
    monkeypatch.setattr(excel, "_MOST_ROWS", 100)
    assert sheet(["a"], [(number,) for number in range(99)])["A100"].value == 98
    with pytest.raises(ScrapdbError, match=r"^A sheet of Excel has 100 rows, the head among them, and here are more; "):
        write("xlsx", ["a"], [(number,) for number in range(100)], tmp_path / "rows.xlsx")
    assert [*tmp_path.iterdir()] == []


def test_without_xlsxwriter_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ScrapdbError, match=r"XlsxWriter, which is not installed: `pip install 'scrapdb\[excel\]'`\.$"):
        write("xlsx", ["a"], [(1,)], tmp_path / "rows.xlsx")
    assert [*tmp_path.iterdir()] == []


def test_a_failure_leaves_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def failing() -> Any:
        yield (1,)
        raise KeyError

    with pytest.raises(KeyError):
        excel.write(["a"], failing(), io.BytesIO(), 0)
    assert [*tmp_path.iterdir()] == []


def placed(values: Sequence[bytes | None], say: Any = lambda _: None) -> tuple[Any, list[Any]]:
    """Write pictures in the second column, and return the sheet and the anchors of what was placed."""
    rows = [(number, number) for number in range(len(values))]
    by_cell = iter([picture for value in values for picture in (None, value)])
    file = written(["number", "chart\x1b&"], rows, picture=lambda _: next(by_cell), say=say)
    archive = zipfile.ZipFile(file)
    drawings = [archive.read(name) for name in archive.namelist() if name.startswith("xl/drawings/drawing")]
    found = openpyxl.load_workbook(file).active
    return found, [anchor for drawing in drawings for anchor in ET.fromstring(drawing)]  # noqa: S314 - our own


def at(anchor: Any) -> list[tuple[int, int]]:
    """The column and row of both corners."""
    corners = [anchor.find(f"{DRAWING}{corner}") for corner in ("from", "to")]
    return [(int(corner.find(f"{DRAWING}col").text), int(corner.find(f"{DRAWING}row").text)) for corner in corners]


def size_of(anchor: Any) -> tuple[float, ...]:
    """The width and height in pixels, of 9,525 English metric units each."""
    extent = anchor.find(".//{http://schemas.openxmlformats.org/drawingml/2006/main}ext")
    return tuple(int(extent.get(side)) / 9525 for side in ("cx", "cy"))


@pytest.mark.parametrize("size", [(4, 3), (640, 480), (4000, 10), (10, 4000), (1, 1)])
def test_a_picture_stands_within_its_cell_beside_what_it_is(size: tuple[int, int]) -> None:
    found, (anchor,) = placed([None, png(*size)])
    assert at(anchor) == [(1, 2), (1, 2)]
    assert (found["B3"].value, found.row_dimensions[2].height, found.row_dimensions[3].height) == (1, None, 105)
    assert anchor.get("editAs") is None  # it moves and is hidden with its row
    scale = min(1, 240 / size[0], 118 / size[1])
    assert size_of(anchor) == pytest.approx((size[0] * scale, size[1] * scale), abs=1)


def test_the_bytes_of_a_picture_are_kept() -> None:
    content = png(640, 480)
    found, _ = placed([content, content])
    assert [image._data() for image in found._images] == [content, content]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        png()[:40] + bytes(40),
        png()[:-16] + bytes(16),
        png(0, 5),
        png(100_000, 100_000),
        png() + bytes(2**22),
        b"\xff\xd8" + bytes(100),
        b"GIF89a" + bytes(100),
        b"BM" + bytes(100),
        b"\xd7\xcd\xc6\x9a" + bytes(100),  # WMF
        b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>" + bytes(100),
    ],
    ids=len,
)
def test_what_is_no_picture_that_excel_shows_is_left_out_and_it_is_said(content: bytes) -> None:
    said: list[str] = []
    found, anchors = placed([content, png(), None], said.append)
    assert list(map(at, anchors)) == [[(1, 2), (1, 2)]]
    assert found["B2"].value == 0
    assert said == ["1 picture is left out: damaged, or too large."]


def test_a_jpeg_is_placed_in_the_size_that_it_says() -> None:
    content = picture("JPEG", 300, 100, dpi=(300, 300))
    _, (anchor,) = placed([content])
    assert at(anchor) == [(1, 1), (1, 1)]
    assert size_of(anchor) == pytest.approx((96, 32), abs=1)


def test_all_pictures_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "_LARGEST_ALL", 3 * len(png()))
    said: list[str] = []
    _, anchors = placed([png()] * 5, said.append)
    assert len(anchors) == 3
    assert said == ["2 pictures are left out: damaged, or too large."]
