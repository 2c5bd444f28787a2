"""Notebooks to index. Each is of one generation, which everything in it tells: a mixture of two would show."""

from __future__ import annotations

import base64
import io
import json
import os
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap

_SMALL, _LARGE = 10, 10_000  # rows of frames, inline and in sidecars
_OFTEN_LARGE = 20  # one notebook in so many
# Runs that are of no generation, or of two: there must be none.
MIXED = """
SELECT notebook, generation, label, generation_asked, list FROM runs
 WHERE nb_status <> 'unreadable' AND
       (generation, 'g' || generation, json_array(generation, generation, generation)) IS NOT
       (generation_asked, label, list)"""


def document(number: int, generation: int) -> Any:
    """Make a notebook that glues its number and its generation, as a number, a text, a list, frames and a display."""
    glued = [
        scrap("number", number),
        scrap("generation", generation),
        scrap("label", f"g{generation}", "text"),
        scrap("mixed", f"g{generation}" if number % 3 else generation, "text" if number % 3 else "json"),
        scrap("list", [generation] * 3),
        scrap("small", frame(generation % 7, _SMALL), "pandas"),
        display("chart", {"image/png": PNG, "text/plain": f"chart of {generation}"}),
    ]
    if number % _OFTEN_LARGE == 0:
        glued.append(scrap("large", frame(generation, _LARGE), "pandas"))
    parameters = {"number": number, "generation_asked": generation}
    return notebook(code("glue()", *glued), papermill={"parameters": parameters})


def content(number: int, generation: int) -> bytes:
    """Write a notebook; each 50th is damaged in one generation of two."""
    written = json.dumps(document(number, generation)).encode()
    return written[: len(written) // 2] if number % 50 == 49 and generation % 2 else written


def place(root: Path, number: int) -> Path:
    """Name the file of a notebook."""
    return root / str(number % 10) / f"{number}.ipynb"


def write(root: Path, number: int, generation: int) -> None:
    """Write a notebook's file, wholly or not at all."""
    path = place(root, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".writing")
    temporary.write_bytes(content(number, generation))
    temporary.replace(path)


def plant(root: Path, count: int) -> Path:
    """Write notebooks into a new directory."""
    for number in range(count):
        write(root, number, 0)
    return root


def shake(root: Path, count: int, generation: int, chance: random.Random) -> None:
    """Change a share of the notebooks: most are written anew, some go, some come back."""
    for number in chance.sample(range(count), chance.randint(1, count // 2)):
        if chance.random() < 0.1:
            place(root, number).unlink(missing_ok=True)
        else:
            write(root, number, generation)


def age(path: Path, seconds: float) -> None:
    """Set the time of a file back, or forward."""
    moment = path.stat().st_mtime_ns - int(seconds * 1e9)
    os.utime(path, ns=(moment, moment))


@lru_cache(100)  # of the last generations only: there are thousands
def frame(generation: int, rows: int) -> str:
    """Write a DataFrame as scrapbook does: parquet in base64. All of its columns tell the generation."""
    import pyarrow as pa
    from pyarrow import parquet

    chance = random.Random(generation)  # noqa: S311 (numbers that do not compress)
    table = pa.table({"generation": pa.repeat(generation, rows), "x": [chance.random() for _ in range(rows)]})
    file = io.BytesIO()
    parquet.write_table(table, file)
    return base64.b64encode(file.getvalue()).decode()
