"""Notebooks glued by scrapdb and by scrapbook, in real kernels, once for every version of what glues."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from tests import executed
from tests.executed import NOTEBOOKS
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.scrapbook.values import SETTING
from tests.scrapbook.values import VALUES

HOUSE = Path(__file__).parent.parent.parent / "scrapdb"
GLUING = sorted(path for room in ("encoders", "scrapbook", "wire") for path in (HOUSE / room).glob("*.py"))


def by_scrapdb(source: Path, directory: Path) -> Path:
    """Return a notebook that was written for scrapbook, executed with scrapdb in its place.

    Args:
        source: the notebook.
        directory: where the notebook that is executed is written.
    """
    text = source.read_text(encoding="utf-8")
    assert "import scrapbook as sb" in text
    return _execute(source.stem, text.replace("import scrapbook as sb", "import scrapdb as sb"), directory)


def encoders(directory: Path) -> Path:
    """Return tests/notebooks/encoders.ipynb, glued by scrapdb."""
    return by_scrapdb(NOTEBOOKS / "encoders.ipynb", directory)


def values(directory: Path) -> Path:
    """Return a notebook that glues every value of `VALUES`."""
    glues = "\n".join(f"sb.glue({value.name!r}, {value.expression})" for value in VALUES)
    return _execute("values", json.dumps(_new(SETTING, glues)), directory)


def cells(name: str, directory: Path, *sources: str) -> Path:
    """Return a notebook of these cells, executed."""
    return _execute(name, json.dumps(_new(*sources)), directory)


def _new(*sources: str) -> dict[str, Any]:
    new = notebook(
        *(code(source, count=None) for source in sources),
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
    )
    for index, cell in enumerate(new["cells"]):
        cell["id"] = f"cell-{index}"
    return new


def _execute(name: str, text: str, directory: Path) -> Path:
    source = directory / f"{name}.ipynb"
    source.write_text(text, encoding="utf-8")
    executed_in = executed._once(f"scrapdb-{name}", [source, *GLUING], partial(executed._run_papermill, source))
    return executed_in / source.name
