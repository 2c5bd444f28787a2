"""The parameters that papermill recorded: what `json` finds in the metadata, of every notebook there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrapdb.notebooks.ipynb import UnreadableError
from scrapdb.notebooks.recorded import parameters
from tests.hostile.files import Hostile
from tests.hostile.files import fixed
from tests.notebook_builder import content
from tests.notebook_builder import notebook

IN_THE_BYTES = {"empty", "encoding", "git-lfs", "html", "json", "nbformat", "nesting", "not a notebook", "truncated"}


def expected(document: Any) -> Any:
    recorded = document.get("metadata", {}).get("papermill", {}).get("parameters", {})
    return recorded if isinstance(recorded, dict) else {}


def test_of_other_peoples_notebooks(corpora: Path, tickers: Path) -> None:
    with_parameters = 0
    for path in [*corpora.rglob("*.ipynb"), *tickers.glob("*.ipynb")]:
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        if document.get("nbformat") == 4:
            assert parameters(path.read_bytes()) == expected(document), path
            with_parameters += bool(expected(document))
    assert with_parameters > 10


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (b'{"parameters": {"a": [1, 1.5, "\\u00e9", null]}}', {"a": [1, 1.5, "é", None]}),
        (b'{"parameters": {"a": Infinity}}', {"a": float("inf")}),
        (b'{"parameters": {"a": "\\ud800"}}', {"a": "\ud800"}),
        (b'{"parameters": {"a": 1e999}}', {"a": float("inf")}),
        (b'{"parameters": {"a": 18446744073709551617}}', {"a": 2**64 + 1}),
        (b'{"parameters": {"a": 1}, "parameters": {"b": 2}}', {"b": 2}),
        (b'{"parameters": null}', {}),
        (b'{"parameters": [1]}', {}),
        (b"{}", {}),
        (b"7", {}),
    ],
)
def test_of_any_shape(part: bytes, value: dict[str, Any]) -> None:
    assert parameters(content(notebook(papermill="PART")).replace(b'"PART"', part)) == value


def test_of_a_notebook_whose_cells_are_malformed() -> None:
    document = notebook(7, "text", papermill={"parameters": {"a": 1}})
    assert parameters(content(document)) == {"a": 1}
    assert parameters(content(document).decode().encode("utf-16")) == {"a": 1}


@pytest.mark.parametrize("file", [file for file in fixed() if not file.readable and file.must <= IN_THE_BYTES], ids=str)
def test_what_is_no_notebook_is_refused(file: Hostile) -> None:
    assert isinstance(file.make, bytes)
    with pytest.raises(UnreadableError) as caught:
        parameters(file.make)
    assert {caught.value.problem.kind} == file.must
