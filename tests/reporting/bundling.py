"""Bundles made by hand, for tests."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrapdb import report
from scrapdb.reporting.making.reports import Made
from tests import notebook_builder as nb

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
TEMPLATE = '{% extends "scrapdb/report.html" %}{% block content %}<h1>{{ _("Voltage") }}</h1>{{ site }}{% endblock %}'
CONFIG: dict[str, Any] = {"title": "Voltage", "languages": ["en", "ca"]}
PARAMETERS = 'site = "north"\nlanguage = "en"'
OUTPUT = """
import json
with open("output.json", "w") as file:
    json.dump({"site": site, "language": language}, file)
"""


def bundle(
    directory: Path,
    *cells: str,
    template: str = TEMPLATE,
    config: Mapping[str, Any] = CONFIG,
    files: Mapping[str, str | bytes] | None = None,
    parameters: str = PARAMETERS,
) -> Path:
    """Write a bundle whose notebook has these cells, by default one that writes what it was given."""
    sources = [textwrap.dedent(cell).strip("\n") for cell in cells or (OUTPUT,)]
    code = [nb.code(parameters, count=None, tags=("parameters",)), *(nb.code(each, count=None) for each in sources)]
    for number, cell in enumerate(code):
        cell["id"] = f"cell-{number}"
    written = {
        "report.ipynb": json.dumps(nb.notebook(*code, **KERNEL)),
        "template.html": template,
        "config.json": json.dumps(config),
        **(files or {}),
    }
    for path, content in written.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def made(directory: Path, *cells: str, how: Mapping[str, Any] | None = None, **more: Any) -> Made:
    """Make one report of such a bundle, into `reports` here."""
    (one,) = report.build(bundle(directory / "voltage", *cells, **more), output=directory / "reports", **(how or {}))
    return one


def record(one: Made) -> dict[str, Any]:
    """Return report.json."""
    assert one.directory
    found: dict[str, Any] = json.loads((one.directory / "report.json").read_bytes())
    return found


def page(one: Made) -> str:
    """Return the page."""
    assert one.path
    return one.path.read_text()
