"""Rows as an Excel workbook: one sheet, a frozen head with a filter, typed cells, and pictures in them.

A cell that Excel has no exact word for is text: integers beyond 2^53, NaN and infinities, numbers too small for it,
times before March 1900. Texts are never formulas nor links. The same rows give the same bytes.
Source of the limits: https://support.microsoft.com/en-us/office/1672b34d-7043-467e-8e27-269d656771c3.
"""

from __future__ import annotations

import math
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC
from datetime import date
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from typing import BinaryIO

from scrapdb.errors import ScrapdbError
from scrapdb.formats.table import display_width
from scrapdb.formats.values import plain
from scrapdb.text import valid_text

_MOST_ROWS, _MOST_COLUMNS = 2**20, 2**14
_LONGEST = 2**15 - 1  # UTF-16 units of a text
_EXACT = 2**53  # the largest integers that floats keep apart
_FIRST = datetime(1900, 3, 1)  # noqa: DTZ001 - Excel's times have no zone, and before this one a day that never was
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - what the file says of when it was made, so that it says the same again
_ACTING = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a formula begins with, once somebody edits the cell
_NARROWEST, _WIDEST, _ARROW = 8, 60, 3  # characters of a column, and of the filter's arrow in its head
_CHARACTER, _MARGIN = 7, 5  # pixels, in Excel's default font
_TIME, _DATE = "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
# Pictures, in pixels: the row is as high as the picture and the line below it, which says what it is.
_HIGH, _WIDE, _LINE, _GAP = 120, 240, 20, 2
_MOST_PIXELS, _LARGEST, _LARGEST_ALL = 2**25, 2**22, 2**28  # of a picture; bytes of one, and of all

Picture = Callable[[Any], bytes | None]


def write(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    file: BinaryIO,
    _: int,
    *,
    times: Collection[str] = (),
    picture: Picture = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Write a workbook.

    Args:
        columns: names of the columns.
        rows: the rows.
        file: what is written to; it need not be seekable.
        times: names of the columns that hold times, whose head says that they are in UTC.
        picture: returns the PNG or JPEG to place in a cell.
        say: is told in a sentence what is not in the file as it was.

    Raises:
        ScrapdbError: XlsxWriter is not installed, or a sheet has no room for so many rows or columns.
    """
    if len(columns) > _MOST_COLUMNS:
        raise ScrapdbError(
            f"A sheet of Excel has {_MOST_COLUMNS:,} columns, and here are {len(columns):,};"
            " ask for fewer, or choose another format."
        )
    with _workbook(file) as workbook:
        sheet = _Sheet(workbook, columns, times, picture)
        for row in rows:
            sheet.add(row)
        sheet.finish()
    for sentence in sheet.remarks():
        say(sentence)


@contextmanager
def _workbook(file: BinaryIO) -> Iterator[Any]:
    """Make a workbook beside, which a pipe could not hold while it grows, and copy it when it is complete."""
    try:
        from xlsxwriter import Workbook
        from xlsxwriter.exceptions import FileCreateError
    except ImportError:
        raise ScrapdbError(
            "Excel files are written by XlsxWriter, which is not installed: `pip install 'scrapdb[excel]'`."
        ) from None
    with tempfile.TemporaryDirectory(prefix="scrapdb-") as directory:
        path = Path(directory, "rows.xlsx")
        workbook = Workbook(path, {"constant_memory": True, "tmpdir": directory})
        workbook.set_properties({"created": _MADE})
        workbook.use_zip64()  # which it does where it must
        try:
            yield workbook
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None
        finally:
            for sheet in workbook.worksheets():
                sheet._opt_close()  # noqa: SLF001 - otherwise closed with the workbook only
        with path.open("rb") as made:
            shutil.copyfileobj(made, file)


class _Exact(float):
    """A number that is written with all its digits; XlsxWriter writes sixteen."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self)


def _without_markup(sheet: Any) -> Any:
    """Have a sheet write any text as a text: XlsxWriter takes one from <r> to </r> for XML, and writes it as it is."""

    def write_text(text: str, attributes: Any) -> None:
        sheet._xml_inline_string(text, preserve=True, attributes=attributes)  # noqa: SLF001

    sheet._xml_rich_inline_string = write_text  # noqa: SLF001
    return sheet


class _Sheet:
    """The sheet while it grows: a row is written before the next one comes."""

    def __init__(self, workbook: Any, columns: Sequence[str], times: Collection[str], picture: Picture) -> None:
        self._sheet = _without_markup(workbook.add_worksheet("rows"))
        self._times = [name in times for name in columns]
        self._time, self._date = (workbook.add_format({"num_format": each}) for each in (_TIME, _DATE))
        self._quoted = workbook.add_format({"quote_prefix": True})
        self._picture = picture
        self._rows = self._cut = self._left_out = self._taken = 0
        self._names = [f"{name} (UTC)" if is_time else name for name, is_time in zip(columns, self._times, strict=True)]
        self._widths = [_characters(name) + _ARROW for name in self._names]
        self._pixels = [0] * len(columns)
        bold = workbook.add_format({"bold": True})
        for place, name in enumerate(self._names):
            self._sheet.write_string(0, place, self._fitting(name), bold)

    def add(self, row: Sequence[Any]) -> None:
        """Write a row."""
        self._rows += 1
        if self._rows == _MOST_ROWS:
            raise ScrapdbError(
                f"A sheet of Excel has {_MOST_ROWS:,} rows, the head among them, and here are more;"
                " ask for fewer, or choose another format."
            )
        pictures = [found for place, value in enumerate(row) if (found := self._found(place, value))]
        if pictures:
            self._sheet.set_row_pixels(self._rows, _HIGH + _LINE)
        for place, value in enumerate(row):
            if value is not None:
                self._write(place, value)
        for place, image in pictures:
            self._place(place, image)

    def finish(self) -> None:
        """Freeze the head, let it filter, and make the columns as wide as what is in them."""
        self._sheet.freeze_panes(1, 0)
        if self._names:
            self._sheet.autofilter(0, 0, self._rows, len(self._names) - 1)
        for place, (characters, pixels) in enumerate(zip(self._widths, self._pixels, strict=True)):
            text = max(characters, _NARROWEST) * _CHARACTER + _MARGIN
            self._sheet.set_column_pixels(place, place, max(text, pixels))

    def remarks(self) -> Iterator[str]:
        """Yield a sentence for each kind of thing that is not there as it was."""
        if self._cut:
            texts = "text is" if self._cut == 1 else "texts are"
            yield f"{self._cut:,} {texts} cut to the {_LONGEST:,} characters of a cell, with … at the end."
        if self._left_out:
            pictures = "picture is" if self._left_out == 1 else "pictures are"
            yield f"{self._left_out:,} {pictures} left out: damaged, or too large."

    def _write(self, place: int, value: Any) -> None:
        at = self._rows, place
        time = _time(value, is_time=self._times[place])
        if time is not None:
            self._sheet.write_datetime(*at, time, self._time if isinstance(time, datetime) else self._date)
            self._widen(place, _TIME)
        elif isinstance(value, bool):
            self._sheet.write_boolean(*at, value)
        elif (number := _number(value)) is not None:
            self._sheet.write_number(*at, number)
            self._widen(place, str(value))
        else:
            text = self._fitting(plain(value))
            self._sheet.write_string(*at, text, self._quoted if text.startswith(_ACTING) else None)
            self._widen(place, text)

    def _widen(self, place: int, text: str) -> None:
        self._widths[place] = max(self._widths[place], _characters(text))

    def _fitting(self, text: str) -> str:
        """Cut a text that no cell has room for."""
        text = valid_text(text)
        if len(text) <= _LONGEST // 2:
            return text
        units = text.encode("utf-16-le")
        if len(units) // 2 <= _LONGEST:
            return text
        self._cut += 1
        return units[: (_LONGEST - 1) * 2].decode("utf-16-le", errors="ignore") + "…"

    def _found(self, place: int, value: Any) -> tuple[int, Any] | None:
        """Find the picture of a cell; one that Excel could not show, or not well, is left out."""
        content = self._picture(value)
        if content is None:
            return None
        image = _image(content) if len(content) <= min(_LARGEST, _LARGEST_ALL - self._taken) else None
        if image is None:
            self._left_out += 1
            return None
        self._taken += len(content)
        return place, image

    def _place(self, place: int, image: Any) -> None:
        wide, high = image.width * 96 / image.x_dpi, image.height * 96 / image.y_dpi
        scale = min(1, _WIDE / wide, (_HIGH - _GAP) / high)
        name = "".join(filter(str.isprintable, self._names[place]))  # XlsxWriter does not escape it
        options = {
            "x_scale": scale,
            "y_scale": scale,
            "x_offset": _GAP,
            "y_offset": _GAP,
            "object_position": 1,  # it moves, and goes away, with its row
            "description": name[:_WIDEST],
        }
        self._sheet.insert_image(self._rows, place, image, options)
        self._pixels[place] = max(self._pixels[place], math.ceil(wide * scale) + 2 * _GAP)


def _number(value: Any) -> float | None:
    """Return a number as Excel has it; None if it has none that is the same."""
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else None
    if isinstance(value, Decimal) and value.is_finite() and Decimal(repr(float(value))) == value:
        value = float(value)
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    return _Exact(value) if not value or abs(value) >= sys.float_info.min else None


def _time(value: Any, *, is_time: bool) -> datetime | date | None:
    """Return a time in UTC, or a date, as Excel has it; None for what is neither, and for times that it has not."""
    if is_time and isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        try:
            utc = value.astimezone(UTC) if value.tzinfo else value
        except (OverflowError, ValueError):  # it is in year 0 or 10,000 there
            return None
        time = datetime.combine(utc.date(), utc.time())  # as Python's own, of one that is pandas'
        return time if time >= _FIRST else None
    return value if isinstance(value, date) and value >= _FIRST.date() else None


def _image(content: bytes) -> Any:
    """Read the size of a PNG or JPEG; None if it is damaged, something else, or of too many pixels."""
    from xlsxwriter.exceptions import XlsxWriterException
    from xlsxwriter.image import Image

    try:
        image = Image(BytesIO(content))
    except (XlsxWriterException, IndexError, ValueError, struct.error):
        return None
    end = _ENDS.get(image.image_type)
    return image if end and end in content and image.width * image.height <= _MOST_PIXELS else None


def _characters(text: str) -> int:
    """Return how wide a column wants to be for a text: for its first line, and not beyond all measure."""
    return min(display_width(text[:_WIDEST].partition("\n")[0]), _WIDEST)
