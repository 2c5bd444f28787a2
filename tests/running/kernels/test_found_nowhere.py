"""A secret that a notebook shows in any way it can think of is found in no byte of what is kept, told or stored.

All files, names, events and records are searched by `redaction.holds`, whose own tests say what it finds; and by plain
searches for the commonest forms.
"""

from __future__ import annotations

import base64
import json
import logging
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from scrapdb.database import Database
from scrapdb.facts import Execution
from scrapdb.indexing.loop import index
from scrapdb.running.events import Event
from scrapdb.running.kernels import redaction
from scrapdb.running.kernels import servers
from scrapdb.running.kernels.execute import execute
from scrapdb.running.task import Confines
from scrapdb.running.task import Task
from tests import sessions
from tests.running.kernels.telling import CASES
from tests.running.kernels.telling import ENDS
from tests.running.kernels.telling import ENVIRONMENT
from tests.running.kernels.telling import PNG
from tests.running.kernels.telling import PYTHON
from tests.running.kernels.telling import TOKEN
from tests.running.kernels.telling import WAYS


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    yield
    servers.close()


def made(*sources: str) -> bytes:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON))
    return text.encode()


def ran(output: Path, way: str, seen: list[bytes]) -> Execution:
    """Run a notebook that does something with its token; all that is told of it, and its file meanwhile, is seen."""

    def watch(event: Event) -> None:
        seen.append(repr(event).encode())
        seen.append(output.read_bytes() if output.exists() else b"")

    task = Task(
        id="1",
        batch="2",
        notebook="source.ipynb",
        content=made("import os", ENVIRONMENT, PNG, WAYS[way], "print('next')"),
        output=str(output),
        parameters={"site": "north"},
        secrets={"TOKEN": TOKEN},
        keep_files=("output.json", "static"),
        confines=Confines(env=(("PYTHONPATH", str(sessions.ROOT)),)),
    )
    texts: list[str] = []

    def told(event: Event) -> None:
        texts.append(event.text)
        watch(event)

    execution = execute(task, told)
    seen += ["".join(texts).encode(), repr(execution).encode()]
    return execution


@pytest.mark.parametrize("way", CASES)
def test_a_token_is_found_nowhere(
    way: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[bytes] = []
    execution = ran(tmp_path / "x.ipynb", way, seen)
    index(tmp_path / "scraps.db", [str(tmp_path)])
    rows = Database(tmp_path / "scraps.db").notebook("x.ipynb")

    seen += [repr(rows).encode(), repr([*rows.scraps.values()]).encode(), caplog.text.encode()]
    seen += [text.encode() for text in capfd.readouterr()]
    seen += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    seen += [str(path).encode() for path in tmp_path.rglob("*")]
    hidden = redaction.forms([TOKEN])
    assert not [place[:300] for place in seen if redaction.holds(place, hidden)]
    common = {TOKEN, base64.b64encode(TOKEN.encode())[:-4].decode(), urllib.parse.quote(TOKEN, safe="")}
    common |= {json.dumps(TOKEN)[1:-1], TOKEN.encode().hex()}
    assert not [form for form in common for place in seen if form.encode() in place]
    assert execution.state == ENDS.get(way, "completed"), execution.reason
    cells = [cell.source for cell in nbformat.read(tmp_path / "x.ipynb", as_version=4).cells]
    assert (
        "#ENVIRONMENT\ntoken = TOKEN\nheaders = {\"Authorization\": 'Bearer {}'.format(TOKEN)}\nsite = 'north'" in cells
    )
    kept = sorted(path.name for path in (tmp_path / "x.files").rglob("*") if path.is_file())
    assert kept == []
    assert execution.warnings or not way.startswith(("output.json", "files", "names"))
