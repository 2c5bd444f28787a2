from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from typing import Any

import pandas as pd
import pytest

from scrapdb.store.rows import INLINE_FRAME_BYTES
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import mtime
from scrapdb.store.rows import rows
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import facts_of
from tests.notebook_builder import scrap

SMALL = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", None]})
LARGE = pd.DataFrame({"x": [math.sin(i) for i in range(10_000)]})


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def made(*outputs: Any, **metadata: Any) -> Rows:
    return rows(File("a.ipynb"), facts_of(code("glue()", *outputs), **metadata))


def run_cells(*outputs: Any, **metadata: Any) -> list[tuple[str, str, Any]]:
    return made(*outputs, **metadata).run_cells


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, [("x", "number", 1)]),
        (True, [("x", "number", 1)]),
        (0.5, [("x", "number", 0.5)]),
        (2**70, [("x", "number", 2.0**70)]),
        ("a", [("x", "text", "a")]),
        ("", [("x", "text", "")]),
        ([1], [("x", "text", "[1]")]),
        ({}, [("x", "text", "{}")]),
        (None, []),
        (math.nan, []),
        (["x" * 5000], [("x", "text", '["' + "x" * 4093 + "…")]),
    ],
)
def test_a_value_in_the_wide_table(value: Any, shown: list[Any]) -> None:
    assert run_cells(scrap("x", value)) == shown


def test_a_scrap_hides_a_parameter_of_its_name() -> None:
    found = made(scrap("x", 1), papermill={"parameters": {"x": 2, "y": 3}})
    assert found.run_cells == [("x", "number", 1), ("y", "number", 3)]
    assert [(row[0], row[2], row[-2], row[-1]) for row in found.parameters] == [
        ("x", 2, "recorded", 1),
        ("y", 3, "recorded", 0),
    ]


def test_displays_become_bytes() -> None:
    bundle = {
        "image/png": PNG,
        "text/html": ["<b>\n", "é</b>"],
        "image/svg+xml": "<svg/>",
        "application/json": {"a": [1, math.nan]},
        "application/vnd.plotly.v1+json": {"data": []},
        "application/pdf": "no base64!",
        "a/list": ["x", "y"],
        "a/number": 7,
    }
    expected = {
        "image/png": base64.b64decode(PNG),
        "text/html": "<b>\né</b>".encode(),
        "image/svg+xml": b"<svg/>",
        "application/json": b'{"a":[1,null]}',
        "application/vnd.plotly.v1+json": b'{"data":[]}',
        "application/pdf": b"no base64!",
        "a/list": b"xy",
        "a/number": b"7",
    }
    found = made(display("x", bundle))
    assert {mime: found.blobs[digest] for _, mime, digest, _ in found.displays} == expected
    for _, mime, digest, size in found.displays:
        assert (hashlib.sha256(expected[mime]).hexdigest(), len(expected[mime])) == (digest, size)
    png = hashlib.sha256(expected["image/png"]).hexdigest()
    assert found.run_cells == [("x", "text", f"display:image/png:{png}")]
    assert found.scraps[0][:6] == ("x", "display", None, None, None, None)


@pytest.mark.parametrize(("frame", "stored"), [(SMALL, "inline"), (LARGE, "sidecar")])
def test_a_frame_is_kept_as_the_parquet_file_that_it_is(frame: pd.DataFrame, stored: str) -> None:
    content = parquet(frame)
    assert (len(content) <= INLINE_FRAME_BYTES) == (stored == "inline")
    found = made(scrap("prices", base64.b64encode(content).decode(), "pandas"))
    digest = hashlib.sha256(content).hexdigest()
    (row,) = found.frames
    assert row[:3] == ("prices", *frame.shape)
    assert [column["name"] for column in json.loads(row[3])] == list(frame.columns)
    assert row[4:] == (digest, len(content), stored)
    assert (found.blobs if stored == "inline" else found.sidecars) == {digest: content}
    assert found.run_cells == [("prices", "text", f"frame:{frame.shape[0]}x{frame.shape[1]}:{digest}")]


def test_a_payload_that_cannot_be_read_is_kept() -> None:
    found = made(scrap("x", "no base64!", "pandas"), scrap("y", {"a": 1}, "own"))
    assert [row[:7] for row in found.scraps] == [
        ("x", "text", None, "no base64!", None, None, "pandas"),
        ("y", "json", None, None, '{"a":1}', None, "own"),
    ]
    assert [(row[2], row[3]) for row in found.problems] == [("x", "payload"), ("y", "encoder")]


@pytest.mark.parametrize(
    ("output", "size"),
    [
        (scrap("x", "abc"), 3),
        (scrap("x", "é"), 2),
        (scrap("x", {"a": [1, 2]}), 11),
        (scrap("x", None), 4),
        (display("x", {"text/plain": "abc", "application/json": [1]}), 6),
    ],
)
def test_the_size_of_a_scrap_is_that_of_its_payload(output: Any, size: int) -> None:
    assert made(output).scraps[0][7] == size


def test_the_row_of_a_notebook() -> None:
    found = rows(
        File("a.ipynb", b"x", 7, 1_600_000_000_123_456_789, "hash", "mark"),
        facts_of(code("1", error("\0", "a\ud800")), papermill={"input_path": "source.ipynb"}, x=math.nan),
    )
    path, os_path, status, *_, size, changed, mtime_ns, etag, content_hash, _, version, number, metadata = (
        found.notebook
    )
    assert (path, os_path, status, etag) == ("a.ipynb", b"x", "failed", "mark")
    assert (size, mtime_ns, content_hash, version, number) == (7, 1_600_000_000_123_456_789, "hash", "4.5", 1)
    assert changed == "2020-09-13T12:26:40.123456Z"
    assert json.loads(metadata) == {"papermill": {"input_path": "source.ipynb"}, "x": None}
    assert found.run[4:] == ("\\u0000", "a\\ud800", None)


@pytest.mark.parametrize(
    ("mtime_ns", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (10**30, None),
        (-(10**30), None),
    ],
)
def test_times_of_files(mtime_ns: int | None, text: str | None) -> None:
    assert mtime(mtime_ns) == text
