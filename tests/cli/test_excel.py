"""`-o FILE.xlsx` and `--pictures`, held against JSON and SQL."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
import zipfile
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.utils.escape import unescape
from PIL import Image

from tests import notebook_builder as nb
from tests import sessions


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a sheet by the names in its head, with text as it is meant."""
    head, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    cells = [[unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    return [dict(zip(head, row, strict=True)) for row in cells]


def as_cell(value: Any) -> Any:
    """What Excel has for a value in JSON."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    is_large = type(value) is int and abs(value) > 2**53
    return str(value) if is_large else None if value == "" else value


@pytest.mark.parametrize(
    "command",
    [
        "query",
        "query -c '*'",
        "query -c 'symbol, distance * 100 as percent, distance < 0.1 as close, prices, chart, dj.a'",
        "fields --all",
        "show BCD",
        "show BCD prices",
        "show BCD distance",
        "show BCD dj",
        "frame prices",
        "sql 'SELECT * FROM runs'",
        "sql 'SELECT 9007199254740993 AS a, 0.1 + 0.2 AS b, NULL AS c, 1 AS d'",
        "check 'distance < 0.1'",
        "du",
        "problems",
        "prune --keep-last 0 --dry-run",
        "report list",
    ],
)
def test_every_command_that_prints_rows_writes_those_of_json(ticker_store: Path, tmp_path: Path, command: str) -> None:
    ask = f"scrapdb --db {ticker_store} {command}"
    expected = json.loads(sessions.run(f"{ask} --json", tmp_path).stdout)
    ran = sessions.run(f"{ask} -o rows.xlsx", tmp_path)
    assert (ran.code, ran.stdout) == (command.startswith("check"), "")
    found = rows_of(tmp_path / "rows.xlsx")
    times = {name for row in found for name in row if name.endswith(" (UTC)")}
    for row in expected:
        for name in times:
            text = row.pop(name.removesuffix(" (UTC)"))
            row[name] = text and datetime.fromisoformat(text).replace(tzinfo=None)
    plain = [
        # Times of DataFrames that have no zone are no times in JSON.
        {name: str(value) if isinstance(value, datetime) else value for name, value in row.items() if name not in times}
        for row in found
    ]
    assert plain == [{name: as_cell(value) for name, value in row.items() if name not in times} for row in expected]
    for row, wanted in zip(found, expected, strict=True):
        assert all(abs(row[name] - wanted[name]) < timedelta(milliseconds=1) for name in times if wanted[name])
    assert bool(times) is any(word in command for word in ("*'", "prune"))


def test_it_comes_through_a_pipe_and_into_a_program(ticker_store: Path, tmp_path: Path) -> None:
    ask = f"scrapdb --db {ticker_store} query -c symbol,distance,nb.started_at --sort symbol"
    assert sessions.run(f"{ask} -f xlsx | cat > piped.xlsx; {ask} -o FILE.XLSX", tmp_path).stderr == ""
    assert (tmp_path / "piped.xlsx").read_bytes() == (tmp_path / "FILE.XLSX").read_bytes()
    frame = pd.read_excel(tmp_path / "piped.xlsx")
    with sqlite3.connect(ticker_store) as connection:
        wide = connection.execute("SELECT symbol, distance FROM runs ORDER BY symbol").fetchall()
    connection.close()
    assert list(zip(frame["symbol"], frame["distance"], strict=True)) == wide
    assert frame["nb.started_at (UTC)"].dtype.kind == "M"
    terminal = sessions.run(f"{ask} -f xlsx", tmp_path, columns=80)
    assert (terminal.code, terminal.stdout) == (1, "")
    assert "Bytes are not for a terminal; write them to a file with -o FILE." in terminal.stderr


def test_times_of_dataframes_are_in_utc_where_they_have_a_zone(tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-07-01 12:00", "NaT", "2026-12-01 12:00:00.25"], format="ISO8601")
    frame = pd.DataFrame({"zoned": times.tz_localize("Europe/Berlin"), "naive": times, "x": [1.5, None, 2**-1074]})
    frame["day"] = times.date
    output = nb.scrap("large", base64.b64encode(frame.to_parquet()).decode(), "pandas")
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", output)))
    assert sessions.run("scrapdb -q index . && scrapdb frame large -o rows.xlsx", tmp_path).stderr == ""
    found = rows_of(tmp_path / "rows.xlsx")
    assert list(found[0]) == ["notebook", "zoned (UTC)", "naive", "x", "day"]
    noon = datetime(2026, 7, 1, 12)  # noqa: DTZ001
    assert list(found[0].values()) == ["a.ipynb", noon - timedelta(hours=2), noon, 1.5, noon.replace(hour=0)]
    assert list(found[1].values()) == ["a.ipynb", None, None, None, None]
    assert (found[2]["zoned (UTC)"], found[2]["x"]) == (datetime(2026, 12, 1, 11, 0, 0, 250_000), "5e-324")  # noqa: DTZ001
    assert sessions.run("scrapdb frame large -o rows.parquet", tmp_path).stderr == ""
    assert pd.read_parquet(tmp_path / "rows.parquet")["zoned"][0] == datetime(2026, 7, 1, 10, tzinfo=UTC)


def picture(kind: str, width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), 128).save(file, kind)
    return file.getvalue()


PICTURES = [("image/png", picture("PNG", 640, 480)), ("image/jpeg", picture("JPEG", 30, 20))]


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A store of five notebooks that show a chart, of which the last three are nothing that Excel can show."""
    shown = [(mime, base64.b64encode(content).decode()) for mime, content in PICTURES]
    others = [("image/svg+xml", "<svg/>"), ("image/png", base64.b64encode(PICTURES[0][1][:50]).decode())]
    for number, (mime, data) in enumerate([*shown, *others, ("text/html", "<b>chart</b>")]):
        outputs = [nb.display("chart", {mime: data, "text/plain": "<Figure>"}), nb.scrap("x", number)]
        nb.write(tmp_path / f"{number}.ipynb", nb.notebook(nb.code("1", *outputs)))
    assert sessions.run("scrapdb -q index .", tmp_path).code == 0
    return tmp_path


def images(path: Path) -> list[tuple[int, int, bytes]]:
    """Row and column, from 1, and bytes of the pictures in a sheet."""
    found = openpyxl.load_workbook(path).active._images
    return [(image.anchor._from.row + 1, image.anchor._from.col + 1, image._data()) for image in found]


def test_pictures_of_displays_are_placed_where_they_are_asked_for(gallery: Path) -> None:
    ask = "scrapdb query -c x,chart --sort x -o rows.xlsx"
    expected = [(row, 2, content) for row, (_, content) in enumerate(PICTURES, 2)]
    texts = ["image/png", "image/jpeg", "image/svg+xml", "image/png", "text/html"]
    for option, shown, said in (
        ("", [], ""),
        ("--pictures", expected, "1 picture is left out: damaged, or too large.\n"),
        ("--pictures -q", expected, ""),
    ):
        ran = sessions.run(f"{ask} {option}", gallery)
        assert (ran.code, ran.stderr) == (0, said)
        assert images(gallery / "rows.xlsx") == shown
        assert [row["chart"] for row in rows_of(gallery / "rows.xlsx")] == texts


def test_a_display_is_no_sheet_and_a_value_is_one_in_parquet_too(gallery: Path) -> None:
    ran = sessions.run("scrapdb show 0.ipynb chart -o chart.xlsx", gallery)
    assert (ran.code, [*gallery.glob("*.xlsx")]) == (2, [])
    assert "chart was not shown as application/vnd" in ran.stderr
    assert sessions.run("scrapdb show 4.ipynb x -o x.parquet", gallery).stderr == ""
    assert pd.read_parquet(gallery / "x.parquet").to_dict("list") == {"x": [4]}


def test_pictures_of_one_notebook(gallery: Path) -> None:
    expected = json.loads(sessions.run("scrapdb show 1.ipynb --json", gallery).stdout)
    assert sessions.run("scrapdb show 1.ipynb -o rows.xlsx --pictures", gallery).stderr == ""
    names = [row["name"] for row in expected]
    row, column = names.index("chart") + 2, list(expected[0]).index("value") + 1
    assert images(gallery / "rows.xlsx") == [(row, column, PICTURES[1][1])]
    found = rows_of(gallery / "rows.xlsx")
    assert [each["value"] for each in found] == ["image/jpeg" if name == "chart" else 1 for name in names]
    assert sessions.run("scrapdb show 1.ipynb -o rows.xlsx", gallery).stderr == ""
    assert [row["value"] for row in rows_of(gallery / "rows.xlsx")] == [row["value"] for row in expected]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("query --pictures", "--pictures places them in an Excel file: add -o FILE.xlsx."),
        ("query --pictures -o rows.csv", "--pictures places them in an Excel file: add -o FILE.xlsx."),
        ("query --pictures -o rows.xlsx --json", "--pictures places them in an Excel file: add -o FILE.xlsx."),
        ("show 1.ipynb --pictures", "--pictures places them in an Excel file: add -o FILE.xlsx."),
        ("show 1.ipynb chart -o rows.xlsx --pictures", "--pictures is for all values of a notebook: leave out NAME"),
        ("query --count -o rows.xlsx --pictures", "--count prints no rows: leave out --pictures."),
        ("query --explain -o rows.xlsx --pictures", "--explain asks nothing and prints no rows: leave out --count,"),
    ],
)
def test_pictures_are_for_rows_in_excel_only(gallery: Path, command: str, sentence: str) -> None:
    ran = sessions.run(f"scrapdb {command}", gallery)
    assert (ran.code, ran.stdout) == (2, "")
    assert sentence in ran.stderr
    assert not [*gallery.glob("rows.*")]


def test_a_display_beside_a_value_leaves_the_value(tmp_path: Path) -> None:
    glued = nb.scrap("x", 5)
    glued["data"] |= {"image/png": base64.b64encode(PICTURES[0][1]).decode()}
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", glued)))
    ran = sessions.run(
        "scrapdb -q index . && scrapdb show a -o a.xlsx --pictures && scrapdb query -c x --csv", tmp_path
    )
    assert ran.stdout == "x\n5\n"
    assert [row["value"] for row in rows_of(tmp_path / "a.xlsx")] == [5]


def test_what_a_cell_cannot_hold_is_cut_and_said(tmp_path: Path) -> None:
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", nb.scrap("long", "x" * 40_000, "text"))))
    said = "1 text is cut to the 32,767 characters of a cell, with … at the end.\n"
    assert sessions.run("scrapdb -q index .", tmp_path).code == 0
    for command in ("query -c long", "show a", "show a long", "sql 'SELECT text FROM scraps'"):
        assert sessions.run(f"scrapdb {command} -o a.xlsx", tmp_path).stderr == said, command
        assert any(cell == "x" * 32_766 + "…" for cell in rows_of(tmp_path / "a.xlsx")[0].values())
    assert zipfile.ZipFile(tmp_path / "a.xlsx").testzip() is None


@pytest.mark.slow  # the size of the table, not of the code
def test_too_many_columns_are_a_sentence_and_no_file(tmp_path: Path) -> None:
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", *(nb.scrap(f"n{number}", 1) for number in range(16_385)))))
    assert sessions.run("scrapdb -q index .", tmp_path).code == 0
    ran = sessions.run("scrapdb query -c '*' -o a.xlsx", tmp_path)
    assert (ran.code, [*tmp_path.glob("*a.xlsx*")]) == (1, [])
    assert ran.stderr.startswith("Error: A sheet of Excel has 16,384 columns, and here are ")


def test_charts_that_notebooks_really_drew_are_placed(ticker_store: Path, tmp_path: Path) -> None:
    ask = f"scrapdb --db {ticker_store} query 'distance < 0.1' -c symbol,chart,distance --sort symbol"
    assert sessions.run(f"{ask} -o a.xlsx --pictures; {ask} -o b.xlsx --pictures", tmp_path) == sessions.Ran("", "", 0)
    connection = sqlite3.connect(ticker_store)
    drawn = connection.execute(
        """SELECT data FROM displays JOIN blobs USING (hash) JOIN runs ON runs.nb_id = displays.notebook_id
            WHERE mime_type = 'image/png' AND distance < 0.1 ORDER BY symbol"""
    ).fetchall()
    connection.close()
    assert len(drawn) > 1
    assert images(tmp_path / "a.xlsx") == [(row, 2, content) for row, (content,) in enumerate(drawn, 2)]
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
