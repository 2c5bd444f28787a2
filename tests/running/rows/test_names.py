from __future__ import annotations

import datetime as dt
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.errors import UsageError
from scrapdb.running.rows import names

AAA = {"symbol": "AAA", "length": 7}
BCD = {"symbol": "BCD", "length": 7}


def named(*rows: dict[str, Any], pattern: str | None = None, **options: Any) -> list[str]:
    return names.outputs(rows, "runs", "notebooks/source.ipynb", pattern, **options)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{symbol}-{length}.ipynb", ["AAA-7.ipynb", "BCD-7.ipynb"]),
        ("{symbol}-{length:04d}", ["AAA-0007.ipynb", "BCD-0007.ipynb"]),
        ("{stem}-{n:02}", ["source-01.ipynb", "source-02.ipynb"]),
        ("{length}/{symbol}", ["7/AAA.ipynb", "7/BCD.ipynb"]),
        ("{symbol:>5}{{x}}", ["  AAA{x}.ipynb", "  BCD{x}.ipynb"]),
        ("{symbol:.1}.out", ["A.out.ipynb", "B.out.ipynb"]),
        ("{symbol}-{more}", ["AAA-9.ipynb", "BCD-9.ipynb"]),
    ],
)
def test_a_pattern_names_outputs(pattern: str, expected: list[str]) -> None:
    assert named(AAA, BCD, pattern=pattern, defaults={"more": 9, "length": 3}) == [f"runs/{name}" for name in expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([{}], ["source"]),
        ([AAA], ["source"]),
        ([AAA, BCD], ["AAA", "BCD"]),
        ([AAA, BCD, {**AAA, "length": 8}], ["AAA-7", "BCD-7", "AAA-8"]),
        ([{"length": 100}, {}], ["100", "50"]),
        ([{"other": 1}, {}], ["1", "source"]),
        ([{"x": 1}, {"x": True}, {"x": None}, {"x": 1.5}], ["1", "True", "None", "1.5"]),
        ([{"x": [1, "a"]}, {"x": {"a": None}}], ['[1,"a"]', '{"a":null}']),
        ([{"x": dt.date(2026, 1, 31)}, {"x": dt.datetime(2026, 1, 31, 12)}], ["2026-01-31", "2026-01-31T12:00:00"]),  # noqa: DTZ001
    ],
)
def test_by_default_names_are_what_varies(rows: list[dict[str, Any]], expected: list[str]) -> None:
    assert named(*rows, defaults={"length": 50}) == [f"runs/{name}.ipynb" for name in expected]


def test_a_parameter_keeps_its_name() -> None:
    assert named({"n": 50, "stem": "a"}, pattern="{n}-{stem}") == ["runs/50-a.ipynb"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a/b", "a_b"),
        ("..", "__"),
        ("../../etc/passwd", "__"[:2] + "_.._etc_passwd"),
        ("/etc", "_etc"),
        (".hidden", "_hidden"),
        ("", "_"),
        ("a\\b", "a_b"),
        ("a\0b\nc\x1b[31m\x7f", "a_b_c_[31m_"),
        ("\ud800", "_"),
        ("cafe\u0301", "caf\u00e9"),
        ("a.ipynb", "a.ipynb"),
        ("~", "~"),
        ("a b:c*?", "a b:c*?"),
    ],
)
def test_a_value_is_made_safe(value: str, expected: str) -> None:
    assert named({"x": value}, pattern="{x}") == [f"runs/{expected}.ipynb"]
    assert named({"x": value}, pattern="{x}/{n}") == [f"runs/{expected}/1.ipynb"]


def test_what_is_too_long_is_shortened_and_stays_different() -> None:
    long = "é" * 300
    one, other = named({"x": f"{long}1"}, {"x": f"{long}2"}, pattern="{x}/{x}")
    assert one != other
    for path in (one, other):
        assert all(len(part.encode()) <= 200 for part in path.split("/"))
        assert path.endswith(".ipynb")


@given(st.lists(st.text(), min_size=1, max_size=3), st.sampled_from(["{x}", "a/{x}", "{x}/b", "{x:>3}", None]))
def test_no_value_leads_out_of_the_directory(values: list[str], pattern: str | None) -> None:
    try:
        paths = named(*({"x": value} for value in values), pattern=pattern)
    except UsageError:  # two that collide
        assert len(values) > 1
        return
    assert len({unicodedata.normalize("NFC", path).casefold() for path in paths}) == len(values)
    for path in paths:
        assert os.path.normpath(path) == path
        assert path.startswith("runs/")
        assert path.count("/") == 1 + (pattern or "").count("/")
        assert path.encode()


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("a/b", "a_b", "Two runs would be written to a_b.ipynb: x='a/b', and x='a_b'. Let --name tell them apart"),
        ("AAA", "aaa", "to AAA.ipynb and aaa.ipynb, which some file systems hold for one: x='AAA', and x='aaa'."),
        ("caf\u00e9", "cafe\u0301", "Two runs would be written to caf\u00e9.ipynb"),
        ("ß", "SS", "which some file systems hold for one"),
        (".", "_", "x='.', and x='_'"),
        (1, "1", "x=1, and x='1'"),
    ],
)
def test_names_that_collide_are_refused(one: Any, other: Any, said: str) -> None:
    for pattern in (None, "{x}"):
        with pytest.raises(UsageError) as caught:
            named({"x": one}, {"x": other}, pattern=pattern)
        assert said in str(caught.value)
    assert named({"x": one}, {"x": other}, pattern="{n}") == ["runs/1.ipynb", "runs/2.ipynb"]


@pytest.mark.parametrize(
    "pattern",
    [
        *("../{x}", "a/../../{x}", "/etc/{x}", "..", ".", "", ".ipynb", "a//b", "{x}/", "./{x}"),
        *("{x.__class__}", "{x[0]}", "{x!r}", "{}", "{0}", "{x:{n}}", "{x:99999}", "{x:d}", "{unknown}", "{x", "x}"),
    ],
)
def test_a_wrong_pattern_is_a_sentence(pattern: str) -> None:
    with pytest.raises(UsageError, match="name"):
        named({"x": "a"}, pattern=pattern)


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"^\{symbl\} in the name is no parameter with a value: did you mean symbol\?$"
    ):
        named(AAA, pattern="{symbl}")


def test_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs" / "file.ipynb").symlink_to(tmp_path / "elsewhere" / "file.ipynb")
    (tmp_path / "runs" / "real").mkdir()
    (tmp_path / "runs" / "in").symlink_to("real")
    for pattern in ("out/{x}", "{x}"):
        with pytest.raises(UsageError, match="a link leads out of it"):
            names.outputs([{"x": "file"}], str(tmp_path / "runs"), "source.ipynb", pattern)
    inside = names.outputs([{"x": "file"}], str(tmp_path / "runs"), "source.ipynb", "in/{x}")
    assert inside == [str(tmp_path / "runs" / "in" / "file.ipynb")]
    (tmp_path / "link").symlink_to("runs")
    assert names.outputs([{"x": "a"}], str(tmp_path / "link"), "source.ipynb") == [
        str(tmp_path / "link" / "source.ipynb")
    ]


def test_the_notebook_that_is_run_is_not_overwritten(tmp_path: Path) -> None:
    source = str(tmp_path / "source.ipynb")
    with pytest.raises(UsageError, match="is the notebook that is run"):
        names.outputs([{}], str(tmp_path), source)
    assert names.outputs([{}], str(tmp_path), source, "{stem}-{n}") == [str(tmp_path / "source-1.ipynb")]


def test_outputs_may_be_urls() -> None:
    rows = [{"x": "a/b"}]
    assert names.outputs(rows, "s3://bucket/runs/", "s3://bucket/source.ipynb") == ["s3://bucket/runs/source.ipynb"]
    assert names.outputs(rows, "s3://bucket/runs", "source.ipynb", "{x}") == ["s3://bucket/runs/a_b.ipynb"]
