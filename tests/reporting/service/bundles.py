"""Small bundles, as their authors would write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat.v4 as nbf

_METADATA = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
CONFIG: dict[str, Any] = {
    "title": "Sales",
    "parameters": {
        "region": {"type": "choice", "choices": ["north", "south"], "default": "north"},
        "times": {"type": "integer", "default": 1, "range": [0, 1000]},
    },
    "languages": ["en", "ca"],
}


def write(directory: Path, code: str, *, config: str | dict[str, Any] | None = None) -> Path:
    """Write a bundle whose notebook does this with `region` and `times`."""
    directory.mkdir(parents=True)
    cells = [
        nbf.new_code_cell("region = 'north'\ntimes = 1", metadata={"tags": ["parameters"]}),
        nbf.new_code_cell(f"import scrapdb\n{code}"),
    ]
    (directory / "report.ipynb").write_text(
        json.dumps(nbf.new_notebook(cells=cells, metadata=_METADATA)), encoding="utf-8"
    )
    (directory / "template.html").write_text(
        "<!doctype html><html lang='{{ report.language }}'><title>{{ _('Sales') }}</title>"
        "<h1>{{ _('Sales') }} {{ parameters.region }}</h1><p>{{ total }}</p>",
        encoding="utf-8",
    )
    said = config if isinstance(config, str) else json.dumps({**CONFIG, **(config or {})})
    (directory / "config.json").write_text(said, encoding="utf-8")
    return directory
