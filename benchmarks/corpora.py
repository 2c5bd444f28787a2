"""Directories of notebooks to measure with: clones of one really executed ticker, with other values in each.

Every corpus is a pure function of its number of notebooks, and of the night in which they ran.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import random
from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests import executed

Notebook = dict[str, Any]
_PNG = "image/png"
_FRAME_ROWS = 4_500
_NAMES = 5_000  # of the sparse corpus
_MANY = 300  # scraps of a notebook with many
_LINKS = 1_000  # different files in a tree of hard links


def small(directory: Path, count: int, night: int = 0) -> None:
    """Write notebooks of 11 KB: seven values, no picture and no frame."""
    _write(directory, count, lambda notebook, chance: _set_values(notebook, chance, drop=("prices", "chart")), night)


def large(directory: Path, count: int) -> None:
    """Write notebooks of 215 KB: seven values, three pictures and a frame of 4,500 rows."""
    picture = _picture()

    def change(notebook: Notebook, chance: random.Random) -> None:
        _set_values(notebook, chance, drop=("prices", "chart"))
        outputs = notebook["cells"][-1]["outputs"]
        outputs.append(_scrap("prices", _frame(chance), "pandas"))
        for number in range(3):
            outputs.append(_display(f"chart {number}", picture + chance.randbytes(8)))

    _write(directory, count, change)


def nightly(pictures: Iterable[bytes], chance: random.Random) -> Notebook:
    """Return a notebook with seven values, a frame of 4,500 rows and some pictures."""
    notebook = copy.deepcopy(_executed())
    _set_values(notebook, chance, drop=("prices", "chart"))
    outputs = notebook["cells"][-1]["outputs"]
    outputs.append(_scrap("prices", _frame(chance), "pandas"))
    outputs += [_display(f"chart {number}", picture) for number, picture in enumerate(pictures)]
    return notebook


def sparse(directory: Path, count: int) -> None:
    """Write small notebooks that glue seven of 5,000 names each."""

    def change(notebook: Notebook, chance: random.Random) -> None:
        _set_values(notebook, chance, drop=("prices", "chart", "distance", "length", "dj", "close_to_ath"))
        names = chance.sample(range(_NAMES), 7)
        notebook["cells"][-1]["outputs"] += [_scrap(f"name {number}", chance.random(), "json") for number in names]

    _write(directory, count, change)


def many(directory: Path, count: int) -> None:
    """Write notebooks with 300 values each."""

    def change(notebook: Notebook, chance: random.Random) -> None:
        _set_values(notebook, chance, drop=("prices", "chart"))
        outputs = notebook["cells"][-1]["outputs"]
        outputs += [_scrap(f"value {number}", chance.random(), "json") for number in range(_MANY)]

    _write(directory, count, change)


def links(directory: Path, count: int) -> None:
    """Write small notebooks, of which a thousand are files of their own and the others hard links to those."""
    small(directory / "0", min(count, _LINKS))
    files = sorted((directory / "0").iterdir())
    for number in range(len(files), count):
        folder = directory / str(number // _LINKS)
        folder.mkdir(exist_ok=True)
        os.link(files[number % _LINKS], folder / files[number % _LINKS].name)


def _write(directory: Path, count: int, change: Callable[[Notebook, random.Random], None], night: int = 0) -> None:
    directory.mkdir(parents=True)
    original = _executed()
    for number in range(count):
        notebook = copy.deepcopy(original)
        change(notebook, random.Random(number + count * night))  # noqa: S311 (values, no secrets)
        text = json.dumps(notebook, indent=1, ensure_ascii=False)
        (directory / f"{number:06}.ipynb").write_text(f"{text}\n")


def _set_values(notebook: Notebook, chance: random.Random, drop: tuple[str, ...]) -> None:
    """Give the scraps other values, and drop some by name."""
    cell = notebook["cells"][-1]
    cell["outputs"] = [output for output in cell["outputs"] if output["metadata"]["scrapbook"]["name"] not in drop]
    for output in cell["outputs"]:
        for payload in output["data"].values():
            if isinstance(payload, dict) and payload["name"] == "distance":
                payload["data"] = chance.random()
            elif isinstance(payload, dict) and payload["name"] == "symbol":
                payload["data"] = f"S{chance.randrange(10_000)}"
    cell["outputs"].append(_scrap("score", chance.randrange(1000), "json"))


def _picture() -> bytes:
    outputs = _executed()["cells"][-1]["outputs"]
    return base64.b64decode(next(output["data"][_PNG] for output in outputs if _PNG in output["data"]))


def _executed() -> Notebook:
    notebook: Notebook = json.loads((executed.tickers() / "BCD.ipynb").read_text())
    return notebook


def _frame(chance: random.Random) -> str:
    numbers = np.random.default_rng(chance.randrange(2**32))
    frame = pd.DataFrame({"date": pd.date_range("2026-01-01", periods=_FRAME_ROWS, freq="h")})
    frame["close"] = numbers.random(_FRAME_ROWS)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def _scrap(name: str, data: Any, encoder: str) -> dict[str, Any]:
    payload = {"data": data, "encoder": encoder, "name": name, "version": 1}
    return _output({f"application/scrapbook.scrap.{encoder}+json": payload}, name, is_data=True)


def _display(name: str, picture: bytes) -> dict[str, Any]:
    bundle = {_PNG: base64.b64encode(picture).decode() + "\n", "text/plain": "<Figure size 640x480 with 1 Axes>"}
    return _output(bundle, name, is_data=False)


def _output(bundle: dict[str, Any], name: str, *, is_data: bool) -> dict[str, Any]:
    metadata = {"scrapbook": {"data": is_data, "display": not is_data, "name": name}}
    return {"data": bundle, "metadata": metadata, "output_type": "display_data"}
