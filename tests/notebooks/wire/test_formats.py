"""Outputs as writers in the wild leave them, and the scraps that they hold."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks import wire
from tests.notebook_builder import PNG

Row = tuple[Any, Any, list[Glued]]


def v1(payload: Any, encoder: str = "json") -> dict[str, Any]:
    return {f"application/scrapbook.scrap.{encoder}+json": payload}


def note(**keys: Any) -> dict[str, Any]:
    return {"scrapbook": keys}


IMAGE = {"image/png": PNG, "text/plain": "<Figure size 640x480 with 1 Axes>"}
NUMBER = {"name": "num", "data": 123, "encoder": "json", "version": 1}

SCRAPBOOK: list[Row] = [
    (v1(NUMBER), note(name="num", data=True, display=False), [Glued("num", "json", 123)]),
    (v1(NUMBER), {}, [Glued("num", "json", 123)]),  # reglued with unattached=True
    (v1({**NUMBER, "version": 2}), {}, [Glued("num", "json", 123)]),
    (v1({"name": "num", "data": 123}), {}, [Glued("num", "json", 123)]),  # the MIME type names the encoder
    (v1({"name": "x", "data": "a", "encoder": "text"}, "text"), {}, [Glued("x", "text", "a")]),
    (v1({"name": "x", "data": "UEFS", "encoder": "pandas"}, "pandas"), {}, [Glued("x", "pandas", "UEFS")]),
    (v1({"name": "x", "data": [1], "encoder": "own"}, "own"), {}, [Glued("x", "own", [1])]),
    (v1({"name": "x", "data": None}), {}, [Glued("x", "json", None)]),
    (v1({"name": "", "data": 1}), {}, [Glued("", "json", 1)]),
    (IMAGE, note(name="disp", data=False, display=True), [Glued("disp", "display", UNSET, IMAGE)]),
    ({}, note(name="disp", data=False, display=True), [Glued("disp", "display", UNSET, {})]),
    (
        {**v1(NUMBER), "text/plain": "123"},
        note(name="num", data=True, display=True),
        [Glued("num", "json", 123, {"text/plain": "123"})],
    ),
    (
        {**v1(NUMBER), "text/plain": "other"},
        note(name="other", data=False, display=True),
        [Glued("num", "json", 123), Glued("other", "display", UNSET, {"text/plain": "other"})],
    ),
    (
        {**v1(NUMBER), **v1({"name": "x", "data": "a"}, "text")},
        {},
        [Glued("num", "json", 123), Glued("x", "text", "a")],
    ),
]
SCRAPBOOK_01: list[Row] = [
    ({"application/scrapbook.scrap+json": {"x": 1}}, {}, [Glued("x", "json", 1)]),
    (
        {"application/scrapbook.scrap+json": {"x": None, "y": []}},
        {},
        [Glued("x", "json", None), Glued("y", "json", [])],
    ),
    (IMAGE, note(name="chart"), [Glued("chart", "display", UNSET, IMAGE)]),
    ({}, note(name="chart"), []),
    (v1(NUMBER), note(name="num"), [Glued("num", "json", 123)]),
]
PAPERMILL: list[Row] = [
    ({"application/papermill.record+json": {"x": 1}}, {}, [Glued("x", "json", 1)]),
    (
        {"application/papermill.record+json": {"x": 1, "y": "a"}},
        {},
        [Glued("x", "json", 1), Glued("y", "json", "a")],
    ),
    (IMAGE, {"papermill": {"name": "some_display"}}, [Glued("some_display", "display", UNSET, IMAGE)]),
    ({}, {"papermill": {"name": "some_display"}}, []),
]
MYST_HIDDEN = "application/papermill.record/"


def myst(text: Any, **more: Any) -> Row:
    """A hidden glue of myst-nb without the scraps that it holds."""
    return {f"{MYST_HIDDEN}text/plain": text, **more}, note(name="x", mime_prefix=MYST_HIDDEN), []


def shown(text: Any) -> dict[str, Any]:
    return {"text/plain": text}


MYST_NB: list[Row] = [
    (*myst(text)[:2], [Glued("x", "text" if isinstance(value, str) else "json", value, shown(text))])
    for text, value in [
        ("'undisplayed'", "undisplayed"),
        ("1", 1),
        (" -1.5\n", -1.5),
        ("True", True),
        ("None", None),
        ("inf", float("inf")),
        ("(1, 'a')", [1, "a"]),
        ("{'a': [1, {'b': None}]}", {"a": [1, {"b": None}]}),
        ("np.float64(0.9)", 0.9),
        ("np.int64(-3)", -3),
        ("{'auc': np.float64(0.9), 'ok': np.True_}", {"auc": 0.9, "ok": True}),
        ("array([1, 2])", [1, 2]),
        ("{1, 2}", [1, 2]),
        ("datetime.date(2026, 1, 1)", "2026-01-01"),
        (["[1,\n", " 2]"], [1, 2]),
    ]
]
MYST_NB += [
    (*myst(text)[:2], [Glued("x", "display", UNSET, shown(text))])
    for text in [
        "array([1, 2, ..., 9])",
        "<Figure size 640x480>",
        "{1: 2}",  # JSON has no such key
        "b'bytes'",
        "1 +",
        "1if 1else 2",
        "__import__('os').getcwd()",
        "0x" + "f" * 5000,
        "-" * 90_000 + "1",
        "1+" * 40_000 + "1",
        "'" + "a" * 200_000 + "'",
        "'\0'",
        ["1", 2],
        7,
        None,
    ]
]
MYST_NB += [
    (IMAGE, note(name="x", mime_prefix=""), [Glued("x", "display", UNSET, IMAGE)]),
    ({"text/plain": "'a'"}, note(name="x", mime_prefix=""), [Glued("x", "text", "a", {"text/plain": "'a'"})]),
    (
        {f"{MYST_HIDDEN}text/plain": "1", f"{MYST_HIDDEN}image/png": PNG},
        note(name="x", mime_prefix=MYST_HIDDEN),
        [Glued("x", "json", 1, {"text/plain": "1", "image/png": PNG})],
    ),
]
RECOMMENDERS = {"name": "map", "data": 0.055, "encoder": "json"}
NOTEBOOK_UTILS: list[Row] = [
    (
        {"application/notebook_utils.json+json": RECOMMENDERS},
        {"notebook_utils": {"name": "map", "data": True, "display": False}},
        [Glued("map", "json", 0.055)],
    ),
]
NOTHING: list[Row] = [
    (IMAGE, {}, []),
    (IMAGE, {"isolated": True}, []),
    (IMAGE, note(), []),
    (IMAGE, note(name="x", data=True, display=False), []),
    (IMAGE, note(name="x", display="yes"), []),
    (IMAGE, note(name=7), []),
    (IMAGE, note(name=7, display=True), []),
    (IMAGE, {"scrapbook": None}, []),
    (IMAGE, {"scrapbook": ["x"]}, []),
    (IMAGE, {"papermill": "x"}, []),
    ({}, {}, []),
]


@pytest.mark.parametrize(
    ("data", "metadata", "glued"),
    SCRAPBOOK + SCRAPBOOK_01 + PAPERMILL + MYST_NB + NOTEBOOK_UTILS + NOTHING,
    ids=lambda part: str(part)[:40],
)
def test_scraps_of_an_output(data: Any, metadata: Any, glued: list[Glued]) -> None:
    assert wire.read(data, metadata) == glued
    assert [item for member in wire.FORMATS for item in member.read(data, metadata)] == glued


def test_myst_nb_glues_nan() -> None:
    data, metadata, _ = myst("nan")
    (glued,) = wire.read(data, metadata)
    assert isinstance(glued, Glued)
    assert glued.encoder == "json"
    assert glued.data != glued.data  # as only NaN does


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (v1(None), None, "payload is not a JSON object"),
        (v1([1]), None, "payload is not a JSON object"),
        (v1("text"), None, "payload is not a JSON object"),
        (v1({}), None, "name is not a text"),
        (v1({"data": 1}), None, "name is not a text"),
        (v1({"name": None, "data": 1}), None, "name is not a text but None"),
        (v1({"name": 7, "data": 1}), None, "name is not a text but 7"),
        (v1({"name": "x"}), "x", "has no data"),
        ({"application/scrapbook.scrap+json": [1]}, None, "payload is not a JSON object"),
        ({"application/scrapbook.scrap+json": "x"}, None, "payload is not a JSON object"),
        ({"application/papermill.record+json": 1}, None, "payload is not a JSON object"),
        ({"application/papermill.record+json": None}, None, "payload is not a JSON object"),
        ({"application/notebook_utils.json+json": None}, None, "payload is not a JSON object"),
        ({"application/notebook_utils.json+json": {"name": "x"}}, "x", "has no data"),
    ],
)
def test_malformed_outputs(data: Any, name: str | None, message: str) -> None:
    (problem,) = wire.read(data, {})
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.name) == ("malformed", name)
    assert message in problem.message
    assert len(problem.message) < 200


def test_every_format_has_what_the_table_needs() -> None:
    for member in wire.FORMATS:
        assert member.MIME_PREFIX.startswith("application/")
        assert member.METADATA_KEY
        assert list(member.read({}, {})) == []
