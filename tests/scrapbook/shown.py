"""What is displayed, as Jupyter would put it into the cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from scrapdb.scrapbook.notebook import Notebook
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import write


@contextmanager
def shown() -> Iterator[list[dict[str, Any]]]:
    """Collect the outputs of what is displayed meanwhile, as they look in a notebook file."""
    InteractiveShell.instance()
    outputs: list[dict[str, Any]] = []
    with capture_output() as captured:
        yield outputs
    for rich in captured.outputs:
        output = {"output_type": "display_data", "data": rich.data, "metadata": rich.metadata or {}}
        outputs.append(json.loads(json.dumps(output)))


def file_of(path: Path, outputs: list[dict[str, Any]]) -> Path:
    """Write a notebook whose only cell has these outputs."""
    return write(path, notebook(code("glue()", *outputs)))


def read(path: Path, outputs: list[dict[str, Any]]) -> Notebook:
    """Read a notebook whose only cell has these outputs."""
    return Notebook(file_of(path, outputs), strict=True)
