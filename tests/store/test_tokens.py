from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.facts import Expression
from scrapdb.store import schema
from scrapdb.store.tokens import IS_SHOWN
from scrapdb.store.tokens import DisplayToken
from scrapdb.store.tokens import FrameToken
from scrapdb.store.tokens import cell
from scrapdb.store.tokens import display_token
from scrapdb.store.tokens import frame_token
from scrapdb.store.tokens import read_display_token
from scrapdb.store.tokens import read_frame_token
from scrapdb.store.values import Stored
from scrapdb.store.values import store

HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
SIZES = st.integers(0, 10**18 - 1)
WORDS = st.from_regex(r"[a-z0-9.+-]+", fullmatch=True)
MIME_TYPES = st.builds("{}/{}".format, WORDS | st.just("image"), WORDS)
DIGEST = "0123456789abcdef" * 4


@given(SIZES, SIZES, HASHES)
def test_a_frame_is_read_as_it_was_written(rows: int, columns: int, digest: str) -> None:
    assert read_frame_token(frame_token(rows, columns, digest)) == FrameToken(rows, columns, digest)
    assert read_display_token(frame_token(rows, columns, digest)) is None


@given(st.dictionaries(MIME_TYPES, HASHES, min_size=1))
def test_a_display_is_read_as_it_was_written(shown: dict[str, str]) -> None:
    token = display_token(shown)
    assert token
    read = read_display_token(token)
    assert read
    assert read == DisplayToken(read.mime_type, shown[read.mime_type])
    assert read.mime_type.startswith("image/") or not any(mime.startswith("image/") for mime in shown)
    assert read_frame_token(token) is None


@pytest.mark.parametrize(
    "text",
    [
        "frame:", f"frame:1x2:{DIGEST}0", f"frame:1x2:{DIGEST}\n", f"frame:-1x2:{DIGEST}",
        f"frame:{'9' * 19}x1:{DIGEST}",
        "display:", f"display:image/png:{DIGEST[1:]}", f"display:<b>/png:{DIGEST}", f"display:text/html; x=1:{DIGEST}",
        f"display:image/png:{DIGEST.upper()}", f" frame:1x2:{DIGEST}",
    ],
)  # fmt: skip
def test_other_texts_are_no_tokens(text: str) -> None:
    assert (read_frame_token(text), read_display_token(text)) == (None, None)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.floats()) | st.just({}))
@example(math.nan)
@example(2**2000)
@example("")
@example(Expression("today()"))
def test_what_is_counted_is_what_is_shown(value: Any) -> None:
    stored = store(value)
    assert counted(stored, {}) == (cell("x", stored, None) is not None)


@pytest.mark.parametrize("shown", [{}, {"image/png": DIGEST}])
def test_a_display_counts_if_anything_of_it_was_kept(shown: dict[str, str]) -> None:
    assert counted(Stored("display"), shown) == (cell("x", Stored("display"), display_token(shown)) is not None)
    assert counted(Stored("frame"), {})  # which always has its token


def counted(stored: Stored, shown: dict[str, str]) -> bool:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(next(sql for sql in schema.statements() if "CREATE TABLE displays" in sql))
        connection.executemany("INSERT INTO displays VALUES (1, 2, ?, ?, 0)", shown.items())
        row = (stored.type, stored.number)
        source = "(SELECT 1 AS notebook_id, 2 AS name_id, ? AS type, ? AS number)"
        return bool(connection.execute(f"SELECT {IS_SHOWN} FROM {source} AS v", row).fetchone()[0])
