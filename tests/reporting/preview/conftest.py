"""A bundle that counts how often its notebook runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import notebook_builder as nb

PARAMETERS = 'site = "north"\ncount = 1\nday = "2026-02-02"\nloud = False'
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CODE = """import json, uuid
print(f"measuring {site}")
output = {"who": f"{site} {count * 2}", "when": day, "loud": loud, "run": uuid.uuid4().hex}
open("output.json", "w").write(json.dumps(output))"""
TEMPLATE = """<!doctype html>
<title>{{ title }}</title>
<h1>{{ _("Hello") }} {{ who }}</h1>
<p id="when">{{ when }}</p>
<p id="loud">{{ loud }}</p>
<p id="run">{{ run }}</p>
<script>parent.document.title = "acted"</script>
"""
CONFIG = {
    "title": "A greeting",
    "languages": ["en", "ca"],
    "parameters": {
        "site": {"type": "choice", "label": "Where", "choices": ["north", "south"], "default": "north"},
        "count": {"type": "integer", "default": 1, "range": [1, 9]},
        "day": {"type": "date", "default": "2026-02-02"},
        "loud": {"type": "boolean", "default": False},
    },
}
CATALOGUE = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Hello"
msgstr "Hola"
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle in two languages, with a parameter of each kind."""
    directory = tmp_path / "greeting"
    parameters = nb.code(PARAMETERS, tags=("parameters",)) | {"id": "parameters"}
    nb.write(directory / "report.ipynb", nb.notebook(parameters, nb.code(CODE), kernelspec=KERNEL))
    (directory / "template.html").write_text(TEMPLATE)
    (directory / "config.json").write_text(json.dumps(CONFIG))
    catalogue = directory / "languages" / "ca" / "LC_MESSAGES" / "messages.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(CATALOGUE)
    (directory / "static").mkdir()
    (directory / "static" / "style.css").write_text("h1 { color: red }")
    return directory
