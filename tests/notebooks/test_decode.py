from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

import pandas as pd
import pytest
from msgspec import UNSET

from scrapdb.facts import Decoded
from scrapdb.facts import Found
from scrapdb.facts import Frame
from scrapdb.facts import Glued
from scrapdb.facts import Place
from scrapdb.facts import Problem
from scrapdb.notebooks.decode import decoded
from tests.notebook_builder import PNG

DEEP = 300  # levels: more than are kept, fewer than Python's json refuses
BOTTOMLESS = 100_000  # more than it writes


def glued(data: Any, encoder: str = "json", display: dict[str, Any] | None = None) -> Decoded:
    return decoded(Found(Glued("x", encoder, data, display), Place(3, 1, "cell", 7)))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def told(scrap: Decoded) -> list[tuple[str, str]]:
    assert all((problem.name, problem.cell, problem.output) == ("x", 3, 1) for problem in scrap.problems)
    return [(problem.kind, problem.message) for problem in scrap.problems]


@pytest.mark.parametrize(
    ("encoder", "data", "value", "size"),
    [
        ("json", 1, 1, 1),
        ("json", True, True, 4),
        ("json", None, None, 4),
        ("json", "[1, 2]", [1, 2], 6),
        ("json", "inf", math.inf, 3),
        ("json", {"a": [1, 2]}, {"a": [1, 2]}, 11),
        ("text", "é", "é", 2),
        ("text", "\ud800", "\ud800", 3),
        ("text", 7, "7", 1),
    ],
)
def test_a_value_and_the_bytes_of_its_payload(encoder: str, data: Any, value: Any, size: int) -> None:
    assert glued(data, encoder) == Decoded("x", encoder, Place(3, 1, "cell", 7), value, {}, size)


def test_a_frame_keeps_its_file() -> None:
    file = io.BytesIO()
    pd.DataFrame({"n": [1, 2], "s": ["a", None]}, index=["r1", "r2"]).to_parquet(file)
    payload = base64.b64encode(file.getvalue()).decode()
    scrap = glued(payload, "pandas")
    assert scrap.value == Frame(file.getvalue(), 2, (("n", "int64"), ("s", "large_string")))
    assert scrap.size == len(payload)


def test_a_display_joins_bytes_and_size() -> None:
    scrap = glued(12, display={"image/png": PNG, "text/html": ["é", "\n"], "application/json": {"a": math.nan}})
    assert (scrap.value, scrap.problems) == (12, ())
    assert scrap.displays == {
        "image/png": base64.b64decode(PNG),
        "text/html": "é\n".encode(),
        "application/json": b'{"a":null}',
    }
    assert scrap.size == 2 + len(PNG) + len('["é","\\n"]'.encode()) + len('{"a":NaN}')


def test_what_was_only_shown_has_no_value() -> None:
    assert glued(UNSET, "display", {"text/plain": "ab"}) == Decoded(
        "x", "display", Place(3, 1, "cell", 7), UNSET, {"text/plain": b"ab"}, 2
    )


@pytest.mark.parametrize(
    ("encoder", "data", "kind"),
    [("pandas", "no base64!", "payload"), ("pandas", [1], "payload"), ("own", {"a": 1}, "encoder")],
)
def test_what_cannot_be_decoded_stays_and_is_told(encoder: str, data: Any, kind: str) -> None:
    scrap = glued(data, encoder)
    assert scrap.value == data
    assert [kind for kind, _ in told(scrap)] == [kind]


@pytest.mark.parametrize("levels", [DEEP, BOTTOMLESS])
@pytest.mark.parametrize(("encoder", "kinds"), [("json", ["payload"]), ("own", ["encoder", "payload"])])
def test_a_value_that_is_nested_too_deeply_is_left_out(levels: int, encoder: str, kinds: list[str]) -> None:
    scrap = glued(nested(levels), encoder)
    assert scrap.value is None
    assert [kind for kind, _ in told(scrap)] == kinds
    assert scrap.problems[-1].message == "The value is nested too deeply."
    assert scrap.size == (2 * DEEP + 1 if levels == DEEP else 0)


def test_a_text_that_says_a_deep_value_stays_the_text() -> None:
    text = json.dumps(nested(DEEP))
    scrap = glued(text)
    assert scrap.value == text
    assert told(scrap) == [("payload", "The value is nested too deeply.")]


def test_a_display_that_is_nested_too_deeply_is_left_out() -> None:
    scrap = glued(1, display={"application/json": nested(DEEP), "text/plain": "1"})
    assert (scrap.value, scrap.displays) == (1, {"text/plain": b"1"})
    message = "The display application/json is nested too deeply; it is left out."
    assert scrap.problems == (Problem("payload", message, "x", 3, 1),)
