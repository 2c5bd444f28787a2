"""Made histories: what notebooks that run every night leave behind, night after night.

Each is a really executed ticker with other values, whose run ends when it is written: whoever indexes between two
nights, and remembers when that was, knows what has been when. What happens is a pure function of ticker and night.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import random
import time
from collections.abc import Iterator
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests import executed
from tests.notebook_builder import error

TICKERS = tuple(executed.TICKERS.split(","))
_PNG = "image/png"
_LARGE = 12_000  # rows of a frame that becomes a sidecar
# What becomes of a ticker in a night, as likely as the number says.
_FATES = {"runs": 60, "rests": 14, "fails": 8, "is touched": 6, "is as it was": 6, "is torn": 2}
_LOOPING, _BY_HAND, _RECORDED = 2, 3, 4  # places of those with another nature among the tickers


def play(directory: Path, count: int, tickers: tuple[str, ...] = TICKERS) -> Iterator[dict[str, bytes]]:
    """Write the notebooks of one night after the other, and yield what lies there when it is over, by path."""
    directory.mkdir(parents=True, exist_ok=True)
    before: dict[str, list[bytes]] = {ticker: [] for ticker in tickers}
    for number in range(count):
        for place, ticker in enumerate(tickers):
            _befall(directory / f"{ticker}.ipynb", place, number / count, number, before[ticker])
        yield {path.name: path.read_bytes() for path in sorted(directory.glob("*.ipynb"))}


def now() -> str:
    """Write the time as stores do."""
    return _written(datetime.now(UTC))


def fate(ticker: str, number: int) -> str:
    """Tell what becomes of a ticker in a night; it is missing for some nights in a row, and in the first it runs."""
    if number and _chance(ticker, number // 3).random() < 0.12:
        return "is missing"
    chance = _chance(ticker, number, "fate")
    return chance.choices([*_FATES], [*_FATES.values()])[0] if number else "runs"


def _befall(path: Path, place: int, share: float, number: int, before: list[bytes]) -> None:
    what = fate(path.stem, number)
    if what == "is missing":
        path.unlink(missing_ok=True)
        return
    if what == "rests" and path.exists():
        return
    if what == "is touched" and path.exists():
        os.utime(path)
        return
    kinds = [*dict.fromkeys(before)]
    if len(kinds) > 1 and (what == "is as it was" or place == _LOOPING):
        _write(path, kinds[number % 2 if place == _LOOPING else -2])
        return
    written = json.dumps(notebook(path.stem, number, share, place, fails=what == "fails"), indent=1).encode()
    before.append(written[: len(written) // 2] if what == "is torn" else written)
    _write(path, before[-1])


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    moment = time.time_ns()  # the file system's own clock is some milliseconds behind
    os.utime(path, ns=(moment, moment))


def notebook(ticker: str, number: int, share: float = 0.0, place: int = 0, *, fails: bool = False) -> dict[str, Any]:
    """Make the notebook of a ticker and a night, which has just ended.

    Args:
        ticker: which one.
        number: of the night.
        share: of the history that is over before it, by which names come, go and change their types.
        place: among the tickers: some have no times of a run, some have scrapdb's record besides papermill's.
        fails: it ends with an error after its first values.
    """
    made = copy.deepcopy(_original())
    chance = _chance(ticker, number, "values")
    _tell_times(made, place, chance, fails=fails)
    parameters = {"symbol": ticker, "threshold": chance.choice([0.1, 0.2])}
    if "papermill" in made["metadata"]:
        made["metadata"]["papermill"]["parameters"] = parameters
    made["cells"][2]["source"] = ["# Parameters\n", *(f"{name} = {value!r}\n" for name, value in parameters.items())]
    cell = made["cells"][-1]
    cell["outputs"] = [*_glued(ticker, number, chance, share, ends=2 if fails else None)]
    if fails:
        cell["outputs"].append(error("KeyError", repr(ticker), ["KeyError"]))
    return made


def _tell_times(made: dict[str, Any], place: int, chance: random.Random, *, fails: bool) -> None:
    metadata, ended = made["metadata"], datetime.now(UTC)
    seconds = chance.uniform(1, 100)
    started = ended - timedelta(seconds=seconds)
    if place == _BY_HAND:
        del metadata["papermill"]
    else:
        times = {"start_time": started.isoformat(), "end_time": ended.isoformat(), "duration": seconds}
        metadata["papermill"] |= times | {"exception": fails or None}
    if place == _RECORDED:
        state = "failed" if fails else "completed"
        metadata["scrapdb"]["run"] |= {"started_at": _written(started), "ended_at": _written(ended), "state": state}
    else:
        del metadata["scrapdb"]
    for cell in made["cells"]:
        cell["metadata"] = {"tags": cell["metadata"]["tags"]}  # without the times of the real run


def _glued(ticker: str, number: int, chance: random.Random, share: float, ends: int | None) -> list[Any]:
    """Make what a run glues, or the first few of it."""
    distance = float("nan") if number % 9 == 8 else chance.random() * chance.choice([1, 0.2])
    values: dict[str, Any] = {
        "symbol": ticker,
        "distance": distance,
        "close_to_ath": distance <= 0.1,
        "grade": [number, f"grade {number % 4}", number / 4][int(share * 3)],
        "dj": {"a": number % 3, "b": [number, None]},
    }
    if share < 0.5:
        values["spread"] = chance.randrange(100)
    else:
        values["volume"] = chance.randrange(10**6)
    if number % 5 == 4:
        values |= {"rare": [number], "huge": 2**70 + number, "odd": float("inf")}
    found = [_scrap(name, value, "text" if isinstance(value, str) else "json") for name, value in values.items()]
    if chance.random() < 0.8:
        rows = _LARGE if chance.random() < 0.1 else 2 + number % 4
        found.append(_scrap("prices", _frame(rows, chance.randrange(50), wide=share >= 0.5), "pandas"))
    if chance.random() < 0.8:
        found.append(_display("chart", _picture() + bytes([number % 256, chance.randrange(4)])))
    return found[:ends]


@cache
def _original() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((executed.tickers() / "BCD.ipynb").read_text())
    return read


@cache
def _picture() -> bytes:
    outputs = _original()["cells"][-1]["outputs"]
    return base64.b64decode(next(output["data"][_PNG] for output in outputs if _PNG in output["data"]))


@cache
def _frame(rows: int, seed: int, *, wide: bool) -> str:
    import numpy as np
    import pandas as pd

    numbers = np.random.default_rng(seed)
    frame = pd.DataFrame({"price": numbers.random(rows), "day": pd.date_range("2026-01-01", periods=rows, freq="min")})
    if wide:
        frame["volume"] = numbers.integers(0, 100, rows)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def _scrap(name: str, data: Any, encoder: str) -> dict[str, Any]:
    payload = {"data": data, "encoder": encoder, "name": name, "version": 1}
    return _output({f"application/scrapbook.scrap.{encoder}+json": payload}, name, is_data=True)


def _display(name: str, picture: bytes) -> dict[str, Any]:
    bundle = {_PNG: base64.b64encode(picture).decode() + "\n", "text/plain": "<Figure size 432x216 with 1 Axes>"}
    return _output(bundle, name, is_data=False)


def _output(bundle: dict[str, Any], name: str, *, is_data: bool) -> dict[str, Any]:
    metadata = {"scrapbook": {"data": is_data, "display": not is_data, "name": name}}
    return {"data": bundle, "metadata": metadata, "output_type": "display_data"}


def _chance(*what: Any) -> random.Random:
    return random.Random(" ".join(map(str, what)))  # noqa: S311 (no secrets)


def _written(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat('T', 'microseconds')}Z"
