"""The two readers, against each other and against `json` with nbformat's rejoining of lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import pytest
from nbformat.v4.rwbase import rejoin_lines

from scrapdb.facts import Problem
from scrapdb.notebooks import ipynb
from scrapdb.notebooks.extract import extract
from scrapdb.notebooks.extract import read_facts
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import display
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook

# What cannot be read of the notebooks that others wrote, by the end of its path.
UNREADABLE = {
    "dagstermill_tests/notebooks/cli_test_scaffold.ipynb": "empty",
    "nbformat-5.11.1/tests/test3_no_metadata.ipynb": "nbformat",
    "nbformat-5.11.1/tests/test3_no_worksheets.ipynb": "nbformat",
    "nbformat-5.11.1/tests/test3_worksheet_with_no_cells.ipynb": "nbformat",
    "resources/test/fixtures/jupyter/invalid_extension.ipynb": "json",
    "resources/test/fixtures/jupyter/not_json.ipynb": "json",
    "resources/test/fixtures/jupyter/wrong_schema.ipynb": "not a notebook",
}


def notebooks(corpora: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(corpora.rglob("*.ipynb")):
        if path.is_file():
            yield str(path), path.read_bytes()


def expected_problem(path: str) -> str | None:
    return next((kind for end, kind in UNREADABLE.items() if path.endswith(end)), None)


def test_every_notebook_of_others_is_read_or_says_why_not(corpora: Path) -> None:
    read = {path: read_facts(content) for path, content in notebooks(corpora)}
    assert len(read) > 300
    unreadable = {path: found for path, found in read.items() if found.status == "unreadable"}
    assert {path: found.problems[0].kind for path, found in unreadable.items()} == {
        path: kind for path in read if (kind := expected_problem(path))
    }
    assert len(unreadable) == len(UNREADABLE)


def test_both_readers_find_the_same(corpora: Path, tickers: Path) -> None:
    both = 0
    for path, found in (*notebooks(corpora), *notebooks(tickers)):
        try:
            fast = extract(ipynb.read_fast(found))
        except (msgspec.MsgspecError, UnicodeError):
            continue
        both += 1
        careful = ipynb.read_careful(found)
        assert fast == extract(careful), path
        assert ipynb.metadata(found) == careful.metadata, path
    assert both > 250


def seen(cells: list[Any]) -> list[Any]:
    """What the referee sees of cells."""
    return [
        (
            cell["cell_type"],
            "".join(cell["source"]),
            cell.get("execution_count"),
            [(output["output_type"], list(output.get("data", {}))) for output in cell.get("outputs", [])],
        )
        for cell in cells
    ]


def read(found: ipynb.Notebook) -> list[Any]:
    """The same of what was read."""
    return [
        (
            cell.cell_type,
            ipynb.text(cell.source),
            cell.execution_count,
            [(output.output_type, list(output.data)) for output in cell.outputs],
        )
        for cell in found.cells
    ]


def test_the_careful_reader_finds_what_the_referee_finds(corpora: Path, tickers: Path) -> None:
    compared = 0
    for path, found in (*notebooks(corpora), *notebooks(tickers)):
        try:
            document = json.loads(found)
        except ValueError:
            continue
        if document.get("nbformat") == 4 and all(
            "cell_type" in cell and "source" in cell for cell in document["cells"]
        ):
            compared += 1
            assert read(ipynb.read_careful(found)) == seen(rejoin_lines(nbformat.from_dict(document)).cells), path
    assert compared > 300


def test_old_notebooks_keep_their_cells(corpora: Path) -> None:
    majors = set()
    for path, found in notebooks(corpora):
        if expected_problem(path):
            continue
        document = json.loads(found)
        major = document.get("nbformat", 1)
        if major < 4:
            majors.add(major)
            cells = [cell for sheet in document["worksheets"] for cell in sheet["cells"]]
            between = "" if major > 2 else "\n"
            sources = [between.join(cell["input"]) for cell in cells if cell["cell_type"] == "code"]
            old = ipynb.read(found)
            assert [ipynb.text(cell.source) for cell in old.cells if cell.cell_type == "code"] == sources
            assert len(old.cells) == len(cells)
            assert read_facts(found).nbformat == f"{major}.{document.get('nbformat_minor', 0)}"
    assert majors >= {2, 3}


@pytest.mark.parametrize(
    "written",
    [
        b'{"nbformat": 4, "metadata": {"x": NaN}}',
        b"\xef\xbb\xbf" + content(notebook()),
        json.dumps(notebook()).encode("utf-16"),
        json.dumps(notebook()).encode("utf-16-le"),
        json.dumps(notebook()).encode("utf-32"),
        content(notebook(code("'\ud800'"))),
        b'{"nbformat": 4, "metadata": {"x": 1e400}}',
        content({**notebook(), "cells": None}),
        content({**notebook(), "problems": ["of ours?"]}),
        content({**notebook(), "nbformat": 4.0}),
        b'{"nbformat": 4, "cells": [], "metadata": {"x": "\xed\xa0\x80"}}',
    ],
)
def test_what_the_fast_reader_refuses_is_read_carefully(written: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeError)):
        ipynb.read_fast(written)
    assert ipynb.read(written).nbformat == 4
    assert repr(ipynb.metadata(written)) == repr(ipynb.read(written).metadata)  # in which NaN is what it is


def test_a_refused_display_is_read_carefully() -> None:
    """The fast reader does not look into MIME bundles that hold no scrap."""
    document = notebook(code("1", display("x", {"application/json": {"a": 1}})))
    written = content(document).replace(b'{"a": 1}', b'{"a": 1e400}')
    ipynb.read_fast(written)
    (scrap,) = read_facts(written).scraps
    assert scrap.displays == {"application/json": b'{"a":null}'}


@pytest.mark.parametrize(
    ("document", "kind", "message"),
    [
        (b"", "empty", "The file is empty."),
        (b" \n\t", "empty", "The file holds only blanks."),
        (b"\0" * 5, "empty", "The file holds only blanks."),
        (b"\xef\xbb\xbf", "empty", "The file holds only blanks."),
        ("é".encode("latin-1") + b'{"nbformat": 4}', "encoding", "not UTF-8: byte 0xe9 at offset 0"),
        (content(gluing(x=1)).replace(b"glue", b"gl\xfce"), "encoding", "not UTF-8: byte 0xfc"),
        (b"<!DOCTYPE html><title>Sign in</title>", "html", "an HTML page"),
        (b"\n<html>", "html", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-lfs", "git lfs pull"),
        (b'{"nbformat": 4, }', "json", "at line 1, column 1"),
        (b"{'nbformat': 4}", "json", "Not JSON"),
        (b'{"nbformat": 4}{}', "json", "Extra data"),
        (b"hello", "json", "Not JSON"),
        (b"{", "truncated", "half-written"),
        (b'{"nbformat": 4', "truncated", "half-written"),
        (b'{"nbformat": 4, "cells": [{}', "truncated", "half-written"),
        (b'{"x": "\xf0\x9f', "truncated", "in the middle of a character"),
        (json.dumps(notebook()).encode("utf-16")[:-1], "truncated", "half-written"),
        (b"null", "not a notebook", "holds null"),
        (b"[]", "not a notebook", "holds a list"),
        (b'"x"', "not a notebook", "holds a string"),
        (b"true", "not a notebook", "holds a boolean"),
        (b"4", "not a notebook", "holds a number"),
        (b"{}", "not a notebook", "no format version"),
        (b'{"nbformat": null}', "not a notebook", "no format version"),
        (b'{"nbformat": "4"}', "not a notebook", "no integer"),
        (b'{"nbformat": true}', "not a notebook", "no integer"),
        (b'{"nbformat": 4.5}', "not a notebook", "no integer"),
        (b'{"nbformat": 5, "cells": []}', "nbformat", "format 5 is not known"),
        (b'{"nbformat": 0}', "nbformat", "format 0 is not known"),
        (b'{"nbformat": -4}', "nbformat", "format -4 is not known"),
        (b'{"nbformat": 123456789012345678901234567890}', "nbformat", "is not known"),
        (b'{"nbformat": 3, "worksheets": [[]]}', "nbformat", "cannot be converted"),
        (b'{"nbformat": 2, "worksheets": 7}', "nbformat", "cannot be converted"),
        (b'{"nbformat": 1}', "nbformat", "cannot be converted"),
        (b'{"nbformat": 4, "x": ' + b"9" * 5000 + b", }", "json", "Not JSON"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "not a notebook", "no format version"),
        (b"[" * 10_000, "nesting", "too deeply"),
        (b'{"a":' * 200_000, "nesting", "too deeply"),
        (content(gluing(x="DEEP")).replace(b'"DEEP"', b"[" * 10_000 + b"]" * 10_000), "nesting", "too deeply"),
    ],
    ids=lambda part: part[:24].decode("ascii", "replace") if isinstance(part, bytes) else part[:16],
)
def test_what_is_no_notebook_says_so(document: bytes, kind: str, message: str) -> None:
    found = read_facts(document)
    assert found.status == "unreadable"
    (problem,) = found.problems
    assert problem.kind == kind
    assert message in problem.message
    assert len(problem.message) < 400


def test_a_notebook_cut_off_anywhere_is_truncated(tickers: Path) -> None:
    whole = (tickers / "BCD.ipynb").read_bytes().rstrip()
    assert read_facts(whole).status == "completed"
    for length in (*range(1, len(whole), 997), *range(len(whole) - 200, len(whole))):
        assert [problem.kind for problem in read_facts(whole[:length]).problems] == ["truncated"], whole[:length][-40:]


def test_a_document_cut_off_at_every_byte_is_truncated() -> None:
    whole = '{"é😀": [true, false, null, NaN, -Infinity, 1.5e-7, -3], "\\u12ab\\n": "a"}'.encode()
    for length in range(1, len(whole)):
        assert [problem.kind for problem in read_facts(whole[:length]).problems] == ["truncated"], whole[:length]


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ({"cells": ["text"]}, [("A cell is a string, not an object; it is left out.", 0, None)]),
        ({"cells": [None, 1]}, [("A cell is null", 0, None), ("A cell is a number", 1, None)]),
        ({"cells": {}}, [("`cells` is an object, not a list.", None, None)]),
        ({"cells": [], "metadata": []}, [("`metadata` is a list, not an object.", None, None)]),
        ({"cells": [code() | {"outputs": None}]}, [("`outputs` is null, not a list.", 0, None)]),
        ({"cells": [code() | {"outputs": ["x"]}]}, [("An output is a string", 0, 0)]),
        ({"cells": [code() | {"metadata": "x"}]}, [("`metadata` is a string", 0, None)]),
        ({"cells": [code() | {"id": 7, "execution_count": "x", "source": None}]}, []),
        ({"cells": [code("1", None)]}, [("An output is null", 0, 0)]),
        ({"cells": [code("1", {"output_type": 7, "data": [], "metadata": 3, "traceback": {}})]}, []),
    ],
)
def test_malformed_parts_are_left_out(document: dict[str, Any], problems: list[tuple[str, int, int]]) -> None:
    found = read_facts(content({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, **document}))
    assert found.status != "unreadable"
    assert [(problem.kind, problem.cell, problem.output) for problem in found.problems] == [
        ("malformed", cell, output) for _, cell, output in problems
    ]
    for problem, (message, _, _) in zip(found.problems, problems, strict=True):
        assert message in problem.message


@pytest.mark.parametrize("count", [-1, 2**31, 2**64, 1.5, True, "7", [], {}])
def test_a_strange_execution_count_is_none(count: Any) -> None:
    (cell,) = ipynb.read(content(notebook(code("1", count=count)))).cells
    assert cell.execution_count is None


def test_the_last_of_a_duplicate_key_counts_for_both_readers() -> None:
    written = b'{"nbformat": 3, "metadata": {"a": 1}, "cells": [{}], "metadata": {"b": 2}, "nbformat": 4, "cells": []}'
    for reader in (ipynb.read_fast, ipynb.read_careful):
        found = reader(written)
        assert (found.nbformat, found.metadata, found.cells) == (4, {"b": 2}, [])


def test_what_nobody_asked_for_may_be_anything() -> None:
    written = content({**notebook(code()), "x": "DIGITS"}).replace(b'"DIGITS"', b"9" * 5000)
    assert read_facts(written) == read_facts(content(notebook(code())))


def test_a_problem_keeps_its_place() -> None:
    found = read_facts(content({**notebook(), "cells": [code(), "text"]}))
    assert found.problems == (Problem("malformed", "A cell is a string, not an object; it is left out.", cell=1),)
