"""`scrapdb show NOTEBOOK NAME -o FILE` of what was shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scrapdb as sb
from tests import notebook_builder as nb
from tests import sessions

CHART = {"data": [{"type": "scatter", "x": [1, 2]}]}
HTML = "<div>chart</div>"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    bundle = {"application/vnd.plotly.v1+json": CHART, "text/html": HTML, "text/plain": "Figure()"}
    outputs = [nb.display("chart", bundle), nb.display("nothing", {}), nb.display("plain", {"text/plain": ""})]
    nb.write(tmp_path / "a.ipynb", nb.notebook(nb.code("1", *outputs)))
    sb.open(tmp_path / "scraps.db").index(tmp_path)
    return tmp_path


def test_json_asks_for_any_type_that_is_json(directory: Path) -> None:
    assert sessions.run("scrapdb show a chart -o chart.json", directory) == sessions.Ran("", "", 0)
    assert json.loads((directory / "chart.json").read_text(encoding="utf-8")) == CHART


def test_other_suffixes_ask_for_their_type(directory: Path) -> None:
    assert sessions.run("scrapdb show a chart -o chart.html", directory).code == 0
    assert (directory / "chart.html").read_text(encoding="utf-8") == HTML
    assert sessions.run("scrapdb show a chart -o chart.png", directory).code == 2


@pytest.mark.parametrize("options", ["", "-o chart.json", "-o chart.png", "-o chart", "--json"])
def test_a_display_of_nothing_is_an_error(options: str, directory: Path) -> None:
    ran = sessions.run(f"scrapdb show a nothing {options}", directory)
    assert (ran.stdout, ran.code) == ("", 1)
    assert ran.stderr == "Error: Nothing was shown of nothing when it was glued, so there is nothing to write.\n"
    assert sorted(path.name for path in directory.iterdir() if path.name.startswith("chart")) == []


def test_an_empty_text_is_something(directory: Path) -> None:
    assert sessions.run("scrapdb show a plain -o plain.txt", directory).code == 0
    assert (directory / "plain.txt").read_bytes() == b""
