"""What either library glues in a real kernel, the other reads. The referee is scrapbook 0.5.0 itself."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pandas.testing import assert_series_equal

import scrapdb as sb
from scrapdb.encoders.scrap import Scrap
from scrapdb.scrapbook.notebook import Notebook
from tests.executed import EXAMPLE
from tests.scrapbook import glued
from tests.scrapbook.values import VALUES
from tests.scrapbook.values import Value

with warnings.catch_warnings(action="ignore"):  # it is of 2021
    import scrapbook
    from scrapbook.schemas import scrap_schema


def read_by_scrapbook(path: Path) -> dict[str, Any]:
    with warnings.catch_warnings(action="ignore"):
        return dict(scrapbook.read_notebook(str(path)).scraps)


@pytest.fixture(scope="session")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return glued.values(tmp_path_factory.mktemp("values"))


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return glued.encoders(tmp_path_factory.mktemp("encoders"))


def assert_same(one: Any, other: Any) -> None:
    """Compare values with their types; NaN equals NaN, and a dict equals scrapbook's kind of dict."""
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_same(value, other[key])
        return
    assert type(one) is type(other), (one, other)
    if isinstance(one, pd.DataFrame):
        assert_frame_equal(one, other)
    elif isinstance(one, pd.Series):
        assert_series_equal(one, other)
    elif isinstance(one, pd.Index | pd.api.extensions.ExtensionArray):
        assert_series_equal(pd.Series(one), pd.Series(other))
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
        np.testing.assert_array_equal(one, other)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
    elif isinstance(one, np.datetime64):
        np.testing.assert_equal(one, other)
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.name)
def test_scrapdb_reads_what_was_glued(value: Value, values: Path) -> None:
    assert_same(sb.read_notebook(values, strict=True).scraps[value.name].data, value.scrapdb)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.name)
def test_scrapbook_reads_what_scrapdb_glued(value: Value, values: Path) -> None:
    assert_same(read_by_scrapbook(values)[value.name].data, value.scrapbook)


def test_every_payload_is_valid_v1(values: Path, encoders: Path) -> None:
    payloads = [
        part
        for path in (values, encoders)
        for cell in json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)["cells"]
        for output in cell.get("outputs", [])
        for mime, part in output["data"].items()
        if mime.startswith("application/scrapbook")
    ]
    assert len(payloads) > len(VALUES)
    for payload in payloads:
        jsonschema.validate(payload, scrap_schema(1))


def in_the_old_reading(path: Path) -> Notebook:
    return Notebook(path, strict=True, old_reading=True)


def assert_same_scraps(path: Path, different: dict[str, Any]) -> None:
    """Compare scrapdb's old reading with scrapbook's; `different` says what scrapbook reads where they differ."""
    expected = read_by_scrapbook(path)
    scraps = in_the_old_reading(path).scraps
    assert list(scraps) == list(expected)
    for name, scrap in scraps.items():
        assert (scrap.name, scrap.encoder, scrap.display) == (name, expected[name].encoder, expected[name].display)
        if name in different:
            assert_same(expected[name].data, different[name])
        else:
            assert_same(scrap.data, expected[name].data)


def test_both_read_the_same_of_what_scrapbook_glued(executed: Callable[[str], Path]) -> None:
    path = executed("encoders")
    assert_same_scraps(path, {"nan": "nan", "infinity": "-inf"})
    scraps = in_the_old_reading(path).scraps
    assert math.isnan(scraps["nan"].data)
    assert scraps["infinity"].data == -math.inf


def test_both_read_the_same_of_what_scrapdb_glued(encoders: Path) -> None:
    assert_same_scraps(encoders, {})


def test_both_glue_the_same_outputs(executed: Callable[[str], Path], encoders: Path) -> None:
    bent = {"nan", "infinity", "dict"}  # scrapbook glues NaN as text, which no reader can tell from text
    ours, theirs = (outputs(path) for path in (encoders, executed("encoders")))
    assert len(ours) == len(theirs) > 20
    for one, other in zip(ours, theirs, strict=True):
        if one["metadata"]["scrapbook"]["name"] not in bent:
            assert one == other


def outputs(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "display_data"]


@pytest.mark.parametrize(("name", "value"), [("shown text", "héllo\n☃"), ("shown json", {"a": 1})])
def test_a_value_and_its_display_are_both_kept(name: str, value: Any, executed: Callable[[str], Path]) -> None:
    scrap = sb.read_notebook(executed("encoders")).scraps[name]
    assert scrap.data == value
    assert scrap.display is not None
    assert scrap.display["data"] == {"text/plain": repr(value)}
    replaced = in_the_old_reading(executed("encoders")).scraps[name]
    assert replaced == Scrap(name, None, "display", scrap.display)


def test_the_example_glued_by_scrapdb_is_the_same_to_both(tickers: Path, tmp_path: Path) -> None:
    ours, theirs = glued.by_scrapdb(EXAMPLE / "source.ipynb", tmp_path), tickers / "ABC.ipynb"
    assert_same_scraps(ours, {})
    before, after = sb.read_notebook(theirs).scraps, sb.read_notebook(ours).scraps
    assert list(after) == list(before)
    for name, scrap in after.items():
        assert_same(scrap.data, before[name].data)
    assert before["chart"].display is not None
    assert after["chart"].display is not None
    assert after["chart"].display["data"].keys() == before["chart"].display["data"].keys()


def test_the_index_keeps_the_json_values(values: Path, tmp_path: Path) -> None:
    store = sb.open(tmp_path / "scraps.db")
    store.index(values)
    assert list(store.problems()) == []
    scraps = store.notebook("values").scraps
    assert {name: scraps[name].type for name in ("none", "nan", "date", "decimal", "array", "bytes", "series")} == {
        "none": "null",
        "nan": "float",
        "date": "text",
        "decimal": "float",
        "array": "json",
        "bytes": "text",
        "series": "frame",
    }
    assert store.count("decimal = 1.1 and date = '2026-11-21' and duration > 60") == 1
