"""IPython's own transformer, which is never imported by the reader, says what Python a cell is."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from scrapdb.facts import Expression
from scrapdb.notebooks.ipython import aligned
from scrapdb.notebooks.ipython import as_python
from scrapdb.notebooks.ipython import blocks
from tests.notebook_builder import code
from tests.notebook_builder import facts_of

CELLS = {
    "magics": "%matplotlib inline\na = 1\n!ls\n%time\n%%timeit\nb = 2",
    "a command that is no Python": "a = 1\n!echo \"it's ( [ {\nb = 2\nhost = !echo 'x\nc = 3",
    "an assigned command": "a = 0.1\nhost = !hostname\nb = 2",
    "an assigned magic": "a = 1\nwhere = %pwd\nb, c = 2, 3",
    "assigned to many": "a = 1\nx, y = !ls\nb = 2",
    "help": "a = 1\na?\n?a\na.real??\nb = 2\n%time?\nlist[0]?",
    "help is not in a comment": "!ls\na = 1  # or 2?\nb = 2  # and\n# why?\nc = 3",
    "a percent in brackets": "!ls\na = (7\n  % 5)\nb = [\n1\n%  2\n]\nc = 1",
    "a percent in a continued line": "!ls\na = 7 \\\n  % 5\nb = 2",
    "a text with magics": "a = \"\"\"\n%time\n!ls\nb?\n\"\"\"\n!ls\nb = '''\n?x\n'''",
    "quotes in texts": "!ls\na = 'it''s'\nb = \"it's\"\nc = '\\''\nd = '''a\"'b\\''''\ne = 1",
    "continued commands": "a = 1\n!ls \\\n  -l\n%run x \\\n y\nfiles = !ls \\\n  -l\nb = 2",
    "commands in blocks": "for i in x:\n    !ls\n    # comment\n    %cd {i}\na = 1\nif a:\n    y = !ls\nelse:\n    ?a",
    "a comparison is no assignment": "!ls\na = x != 2\nb = {1: 2}\nc = f(x=3) == 4\nd = 5",
    "escapes of shells": "a = 1\n,print a b\n;print a b\n/print a\n!!ls\nb = 2",
    "a cell of a capture": "%%capture out\na = 1\n!ls\nb = 2",
    "a cell of a cell": "\n\n%%time\n%%capture\na = 1\n%pwd\nb = 2",
    "blanks in front": "    a = 1\n    !ls\n    if a:\n        b = 2\n    c = 3",
    "prompts": ">>> a = 1\n>>> !ls\n>>> b = [1,\n... 2]",
    "numbered prompts": "In [1]: a = 1\n\nIn [2]: !ls\n   ...: b = 2",
    "values without quotes": "a = 1\n%env PATH=/bin:$PATH\n!pip install 'x>=1' -q\nb = 2",
    "types": "a: int = 1\nb: 'list[str]' = ['x']\n!ls",
    "a formatted text": "!ls\na = 1\nprint(f'{a=!r}')\nb = 2",
    "no end of line": "a = 1\n!ls",
    "lines end as on Windows": "a = 1\r\n!ls\r\nb = 2\r\n",
}


def assigned_by_python(cell: str) -> dict[str, Any]:
    """Find what a cell assigns and needs no other name for, by IPython's transformer and Python."""
    body = ast.parse(TransformerManager().transform_cell(cell)).body  # type: ignore[no-untyped-call]
    match body:
        case [ast.Expr(ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=[ast.Constant(), _, inner]))]:
            return assigned_by_python(ast.literal_eval(inner))
    found: dict[str, Any] = {}
    for statement in body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            with suppress(NameError):
                alone = ast.fix_missing_locations(ast.Module([statement], []))
                # A literal of this file, without anything to call.
                exec(compile(alone, "cell", "exec"), {"__builtins__": {}}, found)  # noqa: S102
    return {name: value for name, value in found.items() if name != "__annotations__"}


def expected(cell: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(assigned_by_python(cell)))
    return found


def assigned(cell: str) -> tuple[dict[str, Any], tuple[Any, ...]]:
    facts = facts_of(code(cell, tags=("parameters",)))
    return {parameter.name: parameter.value for parameter in facts.parameters}, facts.problems


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_cell_is_read_as_ipython_reads_it(cell: str) -> None:
    found, problems = assigned(cell)
    assert {name: value for name, value in found.items() if not isinstance(value, Expression)} == expected(cell)
    assert problems == ()


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_what_is_made_is_python_of_as_many_lines(cell: str) -> None:
    text = aligned(cell.replace("\r\n", "\n"))
    python = as_python(text)
    assert python is not None
    ast.parse(python)
    assert python.count("\n") == text.count("\n")
    assert "".join(block for _, block in blocks(python)) == python


@pytest.mark.parametrize(
    "cell",
    [
        "%%bash\na=1\necho 'x",
        "%%sql\nselect 1",
        "\n%%html\n<b>",
        "%%writefile x.py\na = 1",
        "%%timeit\na = 1",
        "%%R\na <- 1",
        "%%time\n%%bash\na=1",
    ],
)
def test_the_cell_of_another_language_has_no_parameters_and_no_problem(cell: str) -> None:
    assert assigned(cell) == ({}, ())


def test_a_timed_statement_is_a_statement() -> None:
    assert assigned("%time a = 1\n%time !ls\n%time\nb = 2") == ({"a": 1, "b": 2}, ())


def test_ipython_takes_a_value_away() -> None:
    facts = facts_of(code("a = 1\nb = 2\na = !hostname\n[b, c] = %pwd", tags=("parameters",)))
    assert [(parameter.name, parameter.value) for parameter in facts.parameters] == [
        ("a", Expression("a = 1\na = !hostname")),
        ("b", Expression("b = 2\n[b, c] = %pwd")),
    ]


@pytest.mark.parametrize(
    ("cell", "rest", "lines"),
    [
        ("a = 1\nb = = 2\nc = 3", {"a": 1, "c": 3}, [2]),
        ("a = 1\nif:\n    b = 2\n  x\nelse:\n    y\nc = 3", {"a": 1, "c": 3}, [2]),
        ("!ls\na = 1\n\nprint 'x'\nb = 2\nthis is prose.\nc = 3", {"a": 1, "b": 2, "c": 3}, [4, 6]),
        ("@decorator\n@other(1)\ndef f():\n    pass\nx = )\na = 1", {"a": 1}, [5]),
        ("a = 1\ndef f():\n    x =\n# comment\n    y\nb = 2", {"a": 1, "b": 2}, [3]),
    ],
)
def test_a_statement_that_nobody_can_read_costs_itself(cell: str, rest: dict[str, Any], lines: list[int]) -> None:
    found, (problem,) = assigned(cell)
    assert found == rest
    assert problem.message.startswith("The cell of parameters cannot be parsed: ")
    assert [int(word.strip(".,")) for word in problem.message.split() if word.strip(".,").isdigit()] == lines


def test_a_cell_of_many_statements() -> None:
    lines = [f"name_{number} = !echo '{number}\nvalue_{number} = [{number}\n% 3]" for number in range(5_000)]
    found, problems = assigned("\n".join(lines))
    assert found == {f"value_{number}": [number % 3] for number in range(5_000)}
    assert problems == ()


def test_the_reader_does_not_import_ipython() -> None:
    code_ = "import sys, scrapdb.notebooks.extract; print('IPython' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code_], text=True).strip() == "False"
