"""The example does what its README and the documentation say; read without scrapdb."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

SCRAPS = ["length", "symbol", "distance", "close_to_ath", "dj", "prices", "message"]


def outputs(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def glued(notebook: Path) -> dict[str, Any]:
    """Read the data scraps as the format of scrapbook 0.5 has them."""
    payloads = [
        payload
        for output in outputs(notebook)
        for mime_type, payload in output["data"].items()
        if mime_type.startswith("application/scrapbook.scrap.")
    ]
    return {payload["name"]: payload["data"] for payload in payloads}


def test_every_ticker_is_executed_and_glues_everything(tickers: Path) -> None:
    notebooks = sorted(tickers.iterdir())
    assert " ".join(path.stem for path in notebooks) == "AAA ABC BCD DEF GHI JKL MMN MNO OOP PDQ PQD XYZ"
    for notebook in notebooks:
        scraps = glued(notebook)
        assert list(scraps) == SCRAPS
        assert scraps["symbol"] == notebook.stem


def test_two_tickers_are_close_to_their_high(tickers: Path) -> None:
    distances = {path.stem: glued(path)["distance"] for path in tickers.iterdir()}
    assert {symbol: round(value, 4) for symbol, value in distances.items() if value < 0.1} == {
        "BCD": 0.0018,
        "MNO": 0.0272,
    }
    assert {path.stem for path in tickers.iterdir() if glued(path)["close_to_ath"]} == {"BCD", "MNO"}


def test_a_chart_is_shown_once_and_small(tickers: Path) -> None:
    for notebook in tickers.iterdir():
        (chart,) = (output for output in outputs(notebook) if "image/png" in output["data"])
        assert chart["metadata"]["scrapbook"] == {"data": False, "display": True, "name": "chart"}
        assert 5_000 < len(base64.b64decode(chart["data"]["image/png"])) < 40_000
