"""Two steps, as scrapbook's users take them: notebooks that glue, and a notebook that reads them; in real kernels."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

import scrapdb as sb
from tests import executed
from tests.scrapbook import glued

with warnings.catch_warnings(action="ignore"):  # it is of 2021
    import scrapbook

NEAR = ["BCD", "MNO"]


@pytest.fixture(scope="module")
def report() -> list[dict[str, Any]]:
    return outputs(executed.report(glued.GLUING))


def outputs(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def payloads(path: Path) -> dict[str, Any]:
    data = [part for output in outputs(path) for mime, part in output["data"].items() if "scrapbook.scrap." in mime]
    return {payload["name"]: payload["data"] for payload in data}


def chart(path: Path) -> str:
    return str(next(output["data"]["image/png"] for output in outputs(path) if "image/png" in output["data"]))


def test_what_a_notebook_glued_is_read_back_as_scrapbook_reads_it(tmp_path: Path) -> None:
    path = glued.cells("one_value", tmp_path, "import scrapdb as sb", "x = 1", 'sb.glue("x", x)')
    ours, theirs = sb.read_notebook(path), scrapbook.read_notebook(str(path))
    assert ours.scraps["x"].data == 1
    assert repr(ours.scraps) == repr(theirs.scraps)
    assert_frame_equal(ours.scrap_dataframe, theirs.scrap_dataframe)


def test_a_report_tells_of_every_notebook(report: list[dict[str, Any]], tickers: Path) -> None:
    printed = "".join("".join(output["text"]) for output in report if output["output_type"] == "stream")
    expected = [
        f"{scraps['symbol']:<5} {scraps['distance']:8.2%}" for scraps in map(payloads, sorted(tickers.glob("*.ipynb")))
    ]
    assert printed.splitlines() == expected


def test_a_report_shows_the_charts_of_some(report: list[dict[str, Any]], tickers: Path) -> None:
    charts = [output["data"]["image/png"] for output in report if "image/png" in output.get("data", {})]
    assert charts[:-1] == [chart(tickers / f"{symbol}.ipynb") for symbol in NEAR]


def test_a_report_passes_on_what_it_read(report: list[dict[str, Any]], tickers: Path) -> None:
    length2, picture = report[-2:]
    last = max(tickers.glob("*.ipynb"))
    assert length2["data"]["application/scrapbook.scrap.json+json"] == {
        "data": payloads(last)["length"],
        "encoder": "json",
        "name": "length2",
        "version": 1,
    }
    assert picture["data"]["image/png"] == chart(last)
    assert picture["metadata"]["scrapbook"] == {"data": False, "display": True, "name": "chart"}
