from __future__ import annotations

import base64
import csv
import io
import json
import math
import os
import re
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scrapdb.errors import ScrapdbError
from scrapdb.formats import FORMATS
from scrapdb.formats import write
from scrapdb.formats.table import display_width
from scrapdb.formats.table import room
from scrapdb.formats.values import Marked
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from tests import nobody
from tests import sessions

ODD_TEXTS = [
    "",
    "plain",
    " spaced ",
    "007",
    "1e5",
    "a,b",
    'say "hi"',
    "two\nlines",
    "carriage\rreturn",
    "dos\r\nline",
    "tab\there",
    "pipe|d",
    "back\\slash",
    "\x1b]0;owned\x07\x1b[31m",
    "\x00",
    "\x9b31m",
    "\u202eright to left\u2066",
    "日本語",
    "e\u0301",
    "👩‍🚀😀",
    "<script>alert(1)</script>",
    "*bold* _it_ `code` [a](javascript:b) ~~no~~ &lt;",
    "=1+1",
]
SCALARS = [None, True, False, 0, -1, 2**53 + 1, 2**70, -(2**64), 0.1 + 0.2, 1e300, 5e-324, -0.0, *ODD_TEXTS]
texts = st.text(st.characters(exclude_categories=["Cs"]))
TEXT_FORMATS = [name for name in FORMATS if name not in {"parquet", "xlsx"}]
# Of UAX #9 and Unicode's category Cc, not of the code under test.
BIDI = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def written(format_: str, columns: list[str], rows: list[tuple[Any, ...]], width: int = 0) -> str:
    stream = io.StringIO(newline="")
    FORMATS[format_](columns, iter(rows), stream, width)
    return stream.getvalue()


def as_csv(value: object) -> str:
    """How a CSV file is to hold a scalar: exactly, nothing for None."""
    return "" if value is None else {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def is_harmful(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Zl", "Zp"} or char in BIDI


@pytest.mark.parametrize(("format_", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_separated_values_come_back_from_the_csv_module(format_: str, delimiter: str) -> None:
    rows = [(value, "x", value) for value in SCALARS]
    text = written(format_, ["a", "b,\t", 'c"'], rows)
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) == [
        ["a", "b,\t", 'c"'],
        *([as_csv(value), "x", as_csv(value)] for value in SCALARS),
    ]


@given(st.lists(st.tuples(texts, texts), max_size=4))
def test_any_text_comes_back_from_csv(rows: list[tuple[str, str]]) -> None:
    text = written("csv", ["a", "b"], [*rows])
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [list(row) for row in rows]


def test_csv_of_one_column_keeps_its_empty_cells() -> None:
    text = written("csv", ["a"], [("",), ("x",), (None,)])
    assert list(csv.reader(io.StringIO(text))) == [["a"], [""], ["x"], [""]]


def test_csv_comes_back_from_pandas() -> None:
    rows = [(1, 0.1 + 0.2, "a,b", True), (2**62, 1e-320, "carriage\rreturn", False), (None, math.inf, 'q"', True)]
    frame = pd.read_csv(io.StringIO(written("csv", ["i", "f", "t", "b"], rows)), dtype={"i": "Int64"})
    assert frame["i"].tolist() == [1, 2**62, pd.NA]
    assert frame["f"].tolist() == [0.1 + 0.2, 1e-320, math.inf]
    assert frame["t"].tolist() == ["a,b", "carriage\rreturn", 'q"']
    assert frame["b"].tolist() == [True, False, True]


def test_json_comes_back() -> None:
    values = [*SCALARS, [1, [None, "x"]], {"a": {"b": [1.5, True]}}]
    rows = [(value, number) for number, value in enumerate(values)]
    expected = [{"v": value, "n": number} for number, value in enumerate(values)]
    assert json.loads(written("json", ["v", "n"], rows)) == expected
    assert [json.loads(line) for line in written("jsonl", ["v", "n"], rows).split("\n") if line] == expected


@pytest.mark.parametrize(("columns", "rows"), [(["a"], []), ([], [])])
def test_json_of_nothing_is_an_empty_array(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    assert json.loads(written("json", columns, rows)) == []
    assert written("jsonl", columns, rows) == ""


def test_json_has_null_for_what_it_has_no_word_for() -> None:
    row = (math.nan, math.inf, -math.inf, [1.0, math.nan, {"a": math.inf}])

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    objects = json.loads(written("json", ["a", "b", "c", "d"], [row]), parse_constant=refuse)
    assert objects == [{"a": None, "b": None, "c": None, "d": [1.0, None, {"a": None}]}]


def test_bytes_are_base64() -> None:
    content = bytes(range(256))
    assert base64.b64decode(written("csv", ["a"], [(content,)]).split("\n")[1]) == content
    ((cell,),) = (row.values() for row in json.loads(written("json", ["a"], [(content,)])))
    assert base64.b64decode(cell["encoded"]) == content


@pytest.mark.parametrize("format_", TEXT_FORMATS)
def test_frames_and_displays_say_what_they_are(format_: str) -> None:
    row = (FrameCell(1, "prices", 3, 2), DisplayCell(1, "chart", ("text/plain", "image/png")))
    text = written(format_, ["a", "b"], [row])
    assert "DataFrame 3 × 2" in text
    assert "image/png" in text


@given(st.lists(st.tuples(texts, texts), max_size=4), st.integers(0, 100))
def test_a_table_has_no_raw_control_character(rows: list[tuple[str, str]], width: int) -> None:
    table = written("table", ["a\x1b", "b"], [*rows], width)
    assert not [char for char in table.replace("\n", "") if is_harmful(char)]
    if width == 0 or width >= 30:  # a narrower one has no room for two columns
        assert table.count("\n") == len(rows) + 1


@given(st.lists(st.tuples(texts, texts), max_size=4))
@example([("__init__", "__0__")])
def test_markdown_shows_the_very_text(rows: list[tuple[str, str]]) -> None:
    cells = markdown_cells(written("md", ["first", "second"], [*rows]))
    assert cells == [["first", "second"], *([escaped(cell) for cell in row] for row in rows)]


@pytest.mark.parametrize("text", [text for text in ODD_TEXTS if text.strip() == text])
def test_markdown_shows_odd_texts(text: str) -> None:
    assert markdown_cells(written("md", [text, "x"], [("y", text)])) == [[escaped(text), "x"], ["y", escaped(text)]]


def markdown_cells(text: str) -> list[list[str]]:
    """Read a table as GitHub does; markup in a cell would be missing from its text."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    rows: list[list[str]] = []
    for token in parser.parse(text):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            assert {child.type for child in token.children or ()} <= {"text", "text_special"}, token.content
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def escaped(text: str) -> str:
    """Write control characters as Python's repr does; Markdown drops the spaces around a cell."""
    return "".join(repr(char)[1:-1] if is_harmful(char) else char for char in text).strip(" \t\u3000\xa0")


def test_a_table_is_aligned() -> None:
    rows = [("AAA", 0.1, 1), ("日本語", 12.3456789, None), ("e\u0301", -5e-324, 20), ("😀", math.nan, 3)]
    assert written("table", ["name", "value", "n"], rows) == (
        "name            value   n\n"
        "AAA               0.1   1\n"
        "日本語        12.3457\n"
        "e\u0301       -4.94066e-324  20\n"
        "😀                nan   3\n"
    )


def test_marks_stand_behind_values_that_are_aligned_as_without() -> None:
    rows = [(Marked(0.5), Marked("a")), (Marked(12.25, "▲"), Marked(None, "●")), (Marked(None), Marked("b", "●"))]
    assert written("table", ["x", "word"], rows) == "      x  word\n  0.5    a\n12.25 ▲   ●\n         b ●\n"
    assert written("csv", ["x"], [(Marked("a", "●"),)]) == "x\na ●\n"


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("😀", 2),
        ("❤\ufe0f", 1),
        ("ﾊﾝ", 2),
        ("\uff21", 2),
        ("한글", 4),
    ],
)
def test_width_in_a_terminal(text: str, width: int) -> None:
    """Widths are those of Unicode's EastAsianWidth.txt, in which accents and selectors take no room of their own."""
    assert display_width(text) == width


def test_a_table_fits_its_terminal() -> None:
    rows = [("x" * 200, "short", "日本語" * 30, 1.5), ("y", "", "z", 2)]
    lines = written("table", ["long", "s", "wide", "n"], rows, width=80).splitlines()
    assert 77 <= max(map(display_width, lines)) <= 80
    assert re.fullmatch(r"x{29,33}…  short  (日本語)+.{0,2}… +1\.5", lines[1])


def test_a_column_is_cut_for_its_neighbour_only_where_it_must() -> None:
    assert written("table", ["a", "b"], [("x" * 30, "y" * 10)], width=30) == (
        "a" + " " * 19 + "b\n" + "x" * 17 + "…  " + "y" * 10 + "\n"
    )


def test_no_column_is_wider_than_eighty_where_no_terminal_is() -> None:
    rows = [("x" * 2_679, "runs/" * 50 + "a.ipynb", 1.5, "日本" * 100), ("y", "", 2, "z")]
    lines = written("table", ["n" * 2_679, "path", "p" * 2_679, "wide"], rows).splitlines()
    assert lines[1].split() == [
        "x" * 79 + "…",
        ("runs/" * 50 + "a.ipynb")[-79:].rjust(80, "…"),
        "1.5",
        "日本" * 19 + "日…",
    ]
    assert lines[0].split() == ["n" * 79 + "…", "path", "p" * 79 + "…", "wide"]
    assert {display_width(line[:82]) for line in lines} == {82}


@pytest.mark.parametrize("width", [61, 80, 200])
def test_a_long_name_is_cut_before_values_are(width: int) -> None:
    rows = [("runs/2026-11-21/AAA.ipynb", 1, "low"), ("runs/2026-11-21/BCD.ipynb", 2, "high")]
    header, *lines = written("table", ["notebook", "learning_rate" * 100, "n" * 30], rows, width).splitlines()
    assert display_width(header) <= width
    assert header.split()[1].startswith("learning_rate")
    assert [line.split() for line in lines] == [[path, str(number), text] for path, number, text in rows]


@pytest.mark.parametrize("width", [26, 30, 40, 60])
def test_no_number_is_cut(width: int) -> None:
    rows = [("x" * 100, 0.0283475, "y" * 100), ("z", -1.5e-300, "")]
    lines = written("table", ["a", "number", "b"], rows, width).splitlines()
    assert re.search(r"(?<![\w.])0\.0283475(?![\w…])", "\n".join(lines))
    assert "-1.5e-300" in "\n".join(lines)
    assert max(map(display_width, lines)) <= width


def test_a_number_is_rounded_where_there_is_no_other_way() -> None:
    names = ["name", "role", "type", "notebooks", "min", "max", "examples"]
    rows = [
        ("run_id", "parameter", "integer", 400, 9007199254740993, -(10**400), "x" * 50),
        ("a", "scrap", "float", 3, 0, 1.5, ""),
    ]
    header, *lines = written("table", names, rows, 80).splitlines()
    assert header.split()[-3:] == ["min", "max", "examples"]
    assert [line.split()[3:6] for line in lines] == [["400", "9.007199e+15", "-1.0000e+400"], ["3", "0", "1.5"]]
    assert max(map(display_width, (header, *lines))) <= 80
    wide = written("table", names, [*rows[1:], ("t", "scrap", "float", 3, 20250815123413, 20250815123413, "")], 90)
    assert wide.split().count("20250815123413") == 2


def test_what_has_no_room_side_by_side_is_a_list_for_each_row() -> None:
    names = [f"column {number}" for number in range(20)]
    rows = [("日本.ipynb", *map(str, range(10**8, 10**8 + 19))), ("b.ipynb", None, "x" * 100, *[None] * 16, 0.5)]
    first, second = written("table", names, rows, 80).split("\n\n")
    assert first.splitlines() == [f"{name:<9}  {value}" for name, value in zip(names, rows[0], strict=True)]
    assert second.splitlines() == ["column 0   b.ipynb", f"column 2   {'x' * 68}…", "column 19  0.5"]
    assert len(written("table", names, rows).splitlines()) == 3  # where no terminal is


@pytest.mark.parametrize(
    ("columns", "row", "width", "expected"),
    [
        (["notebook", "a", "b"], ("a.ipynb", 1, 2), 80, 3),
        (["notebook", "a", "b"], ("x" * 100, "y" * 100, "z" * 100), 80, 2),
        (["notebook", "a" * 100, "b" * 100, "c" * 100], ("a.ipynb", 1, 2, 3), 80, 4),
        (["notebook", "a" * 100, "b" * 100, "c" * 100], ("a.ipynb", 1, 2, 3), 61, 3),
        (["notebook", "a", "b"], ("日本語日本語日", "語" * 3, "語"), 22, 2),
        (["notebook", "n", "a"], ("a.ipynb", 2**70, 1), 36, 3),
        (["notebook", "a", "n", "b"], ("a.ipynb", 0.333333, 2**70, 1), 40, 2),
        (["notebook"], ("x" * 100,), 5, 1),
    ],
)
def test_how_many_columns_a_terminal_has_room_for(
    columns: list[str], row: tuple[Any, ...], width: int, expected: int
) -> None:
    assert room(columns, [row], width) == expected
    lines = written("table", columns[:expected], [row[:expected]], width).splitlines()
    assert max(map(display_width, lines)) <= max(width, 16)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("runs/2026-11-21/report.ipynb", "…-21/report.ipynb"),
        ("runs/日本語日本/report.ipynb", "…本/report.ipynb"),
        ("bnypi.reversed/report.ipynb", "…sed/report.ipynb"),
        ("runs/2026-11-21/report.txt", "runs/2026-11-21/…"),
    ],
)
def test_a_path_of_a_notebook_is_cut_in_front(path: str, expected: str) -> None:
    assert written("table", ["notebook", "b"], [(path, "y" * 11)], width=30).splitlines()[1].split() == [
        expected,
        "y" * 11,
    ]


def test_a_very_long_text_in_a_table_takes_no_time() -> None:
    assert len(written("table", ["a", "b"], [("日" * 300_000, 1)], width=80).splitlines()[1]) < 80


def test_a_table_without_columns_is_empty() -> None:
    assert [written(format_, [], []) for format_ in ("table", "md", "csv", "tsv")] == ["", "", "", ""]


def test_parquet_comes_back_from_pandas(tmp_path: Path) -> None:
    columns = {
        "integers": [1, None, 2**62],
        "floats": [0.1 + 0.2, None, math.inf],
        "booleans": [True, None, False],
        "texts": ["a\x1b", None, "日本"],
        "bytes": [b"\0", None, b"\xff"],
        "nothing": [None, None, None],
        "large": [2**70, None, 1],
        "mixed": [1, "x", None],
        "json": [[1, 2], {"a": None}, None],
        "surrogate": ["\ud800", "x", None],
        "cells": [FrameCell(1, "prices", 3, 2), None, 1.5],
    }
    path = tmp_path / "rows.parquet"
    write("parquet", [*columns], zip(*columns.values(), strict=True), path)
    frame = pd.read_parquet(path, dtype_backend="numpy_nullable").astype(object)
    expected = columns | {
        "large": [str(2**70), None, "1"],
        "mixed": ["1", "x", None],
        "json": ["[1, 2]", '{"a": null}', None],
        "surrogate": ["\\ud800", "x", None],
        "cells": ["DataFrame 3 × 2", None, "1.5"],
    }
    assert {name: [None if value is pd.NA else value for value in frame[name]] for name in frame} == expected


def test_times_are_timestamps_in_parquet_and_text_elsewhere(tmp_path: Path) -> None:
    text = "2026-11-01T12:00:00.000001Z"
    rows = [(text, text), (None, None)]
    write("parquet", ["t", "text"], rows, tmp_path / "rows.parquet", times=["t"])
    frame = pd.read_parquet(tmp_path / "rows.parquet")
    assert frame["t"].tolist() == [pd.Timestamp(text), pd.NaT]
    assert frame["text"].tolist()[0] == text
    for format_ in TEXT_FORMATS:
        write(format_, ["t", "text"], rows, tmp_path / "times", times=["t"])
        write(format_, ["t", "text"], rows, tmp_path / "texts")
        assert (tmp_path / "times").read_text() == (tmp_path / "texts").read_text()


def test_parquet_without_rows_has_its_columns(tmp_path: Path) -> None:
    write("parquet", ["a", "b"], [], tmp_path / "rows.parquet")
    assert pd.read_parquet(tmp_path / "rows.parquet").columns.tolist() == ["a", "b"]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_appears_only_when_it_is_complete(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "rows"
    path.write_text("old")

    def rows() -> Iterator[tuple[int]]:
        for number in range(100_000):
            yield (number,)
        assert path.read_text() == "old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(format_, ["a"], rows(), path)
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_new_file_has_the_mode_of_the_shell_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write("csv", ["a"], [], tmp_path / "new")
    finally:
        os.umask(mask)
    old = tmp_path / "old"
    old.touch()
    old.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(old)
    write("csv", ["a"], [], link)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", old)] == [0o640, 0o600]
    assert (link.is_symlink(), old.read_text()) == (True, "a\n")


def test_a_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ScrapdbError, match=r"^The file \S+/no/rows cannot be written: No such file or directory\.$"):
        write("csv", ["a"], [], tmp_path / "no" / "rows")
    with pytest.raises(ScrapdbError, match=r"cannot be written: Not a directory\.$"):
        write("csv", ["a"], [], Path(os.devnull, "rows"))
    nobody.let_in(tmp_path)
    code = f"""
try: write("csv", ["a"], [], Path({str(tmp_path)!r}, "rows"))
except ScrapdbError as error: print(error)"""
    imports = (
        "import tempfile\nfrom pathlib import Path\n"
        "from scrapdb.errors import ScrapdbError\nfrom scrapdb.formats import write"
    )
    assert nobody.run(imports, code) == f"The file {tmp_path}/rows cannot be written: Permission denied.\n"


def test_standard_output_by_its_name_is_no_file_to_replace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("kept\n")
    code = """
from pathlib import Path
from scrapdb.formats import write
write("csv", ["a"], [(1,)], Path("/dev/stdout"))"""
    with log.open("a") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True, cwd=sessions.ROOT)
    assert log.read_text() == "kept\na\n1\n"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sessions.ROOT)
    assert piped.stdout == "a\n1\n"


@pytest.mark.parametrize("format_", TEXT_FORMATS)
@pytest.mark.parametrize("to", ["None", "Path('/dev/stdout')", "Path('/dev/tty')"])
def test_no_control_character_reaches_a_terminal(tmp_path: Path, format_: str, to: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from scrapdb.formats import write\nfrom scrapdb.formats.streams import print_text\n"
        f"write('{format_}', ['a\\x1b[31m'], [('\\x1b]0;owned\\x07\\x9b\\r\\u202e',), ({{'\\x1b': 1}},)], {to})\n"
        "print_text('\\x1b[2J')\n"
    )
    # setsid makes the pseudo-terminal the controlling one, which is what /dev/tty is.
    ran = sessions.run(f"setsid --ctty --wait python {script} <&1", tmp_path, columns=80)
    assert ran.code == 0, ran.stderr
    assert len(ran.stdout) > 20
    assert not [char for char in ran.stdout if is_harmful(char) and char not in "\n\t"]


@pytest.mark.parametrize("format_", ["parquet", "xlsx"])
def test_bytes_are_not_for_a_terminal(tmp_path: Path, format_: str) -> None:
    code = f"import scrapdb.formats as formats; formats.write('{format_}', ['a'], [(1,)])"
    ran = sessions.run(f'python -c "{code}"', tmp_path, columns=80)
    assert ran.code == 1
    assert ran.stdout == ""
    assert "Bytes are not for a terminal; write them to a file with -o FILE." in ran.stderr


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_disk_without_room_is_not_silent(format_: str) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        write(format_, ["a"], [(os.urandom(15_000).hex(),) for _ in range(10)], Path("/dev/full"))
