from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from scrapdb.facts import Expression
from scrapdb.facts import Facts
from scrapdb.facts import Parameter
from scrapdb.notebooks import ipynb
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.ipynb import UnreadableError
from scrapdb.notebooks.parameters import declared
from scrapdb.notebooks.parameters import recorded
from tests.hostile.files import Hostile
from tests.hostile.files import fixed
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import facts_of
from tests.notebook_builder import notebook

IN_THE_BYTES = {"empty", "encoding", "git-lfs", "html", "json", "nbformat", "nesting", "not a notebook", "truncated"}


def notebook_with(defaults: str = "", injected: str | None = None, recorded: Any = None, **metadata: Any) -> Facts:
    """Facts of a notebook with a cell of defaults and an injected one."""
    cells = [code(defaults, tags=("parameters",))]
    cells += [] if injected is None else [code(injected, tags=("injected-parameters",))]
    return facts_of(*cells, papermill={} if recorded is None else {"parameters": recorded}, **metadata)


def values(facts: Facts) -> dict[str, Any]:
    return {parameter.name: parameter.value for parameter in facts.parameters}


def test_the_last_known_value_counts_and_says_where_it_comes_from() -> None:
    facts = notebook_with("a = 1\nb = 2\nc = 3", "c = 30\nd = 40", {"b": 20, "c": 30, "d": 40})
    assert facts.parameters == (
        Parameter("a", 1, "default"),
        Parameter("b", 20, "recorded"),
        Parameter("c", 30, "injected"),
        Parameter("d", 40, "injected"),
    )
    assert facts.problems == ()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = 1", {"a": 1}),
        ("a = -1.5", {"a": -1.5}),
        ("a = '007'", {"a": "007"}),
        ("a = None\nb = True", {"a": None, "b": True}),
        ("a: int = 1", {"a": 1}),
        ('a: "NoneType" = None  # a comment', {"a": None}),
        ("a: int", {}),
        ("a = b = 1", {"a": 1, "b": 1}),
        ("a, b = 1, 'x'", {"a": 1, "b": "x"}),
        ("[a, (b, c)] = [1, (2, 3)]", {"a": 1, "b": 2, "c": 3}),
        ("a, b = pair", {}),
        ("a = (1, 2)", {"a": [1, 2]}),
        ("a = {'x': [1, {'y': None}]}", {"a": {"x": [1, {"y": None}]}}),
        ("a = 1\na = 2", {"a": 2}),
        ("a = 'x' 'y'", {"a": "xy"}),
        ("# only a comment", {}),
        ("", {}),
        ("import os\nprint(1)\nfor i in range(3):\n    a = i", {}),
        ("%matplotlib inline\na = 1\n!ls\n  %time", {"a": 1}),
        ("a = 10 * 60", {"a": 600}),
        ("a = today()", {"a": Expression("today()")}),
        ("a = {1, 2}", {"a": Expression("{1, 2}")}),
        ("a = b'x'", {"a": Expression("b'x'")}),
        ("a = 1j", {"a": Expression("1j")}),
        ("a = f'{x}'", {"a": Expression("f'{x}'")}),
        ("a = float('inf')", {"a": math.inf}),
        ("a = float('seven')", {"a": Expression("float('seven')")}),
        ("a = [float('-inf'), {'x': float('Infinity')}]", {"a": [-math.inf, {"x": math.inf}]}),
        ("a = [float('seven')]", {"a": Expression("[float('seven')]")}),
        (f"a = 0x{'f' * 6000}", {"a": Expression(f"0x{'f' * 6000}")}),
        ("x.a = 1\nx['a'] = 2", {}),
        ("a += 1", {}),
        ("a = 123456789012345678901234567890", {"a": 123456789012345678901234567890}),
        ("a = 1e400", {"a": math.inf}),
        ("é = 'é☃'", {"é": "é☃"}),
        ("a = '\\ud800'", {"a": "\ud800"}),
    ],
)
def test_defaults_are_parsed(source: str, expected: dict[str, Any]) -> None:
    facts = notebook_with(source)
    assert values(facts) == expected
    assert [type(value) for value in values(facts).values()] == [type(value) for value in expected.values()]
    assert facts.problems == ()


def test_nan_is_a_value_wherever_it_stands() -> None:
    found = values(notebook_with("a = float('nan')\nb = [1, {'x': float('nan')}]"))
    assert json.dumps(found) == '{"a": NaN, "b": [1, {"x": NaN}]}'


def test_nothing_is_executed(tmp_path: Path) -> None:
    victim = tmp_path / "written"
    source = f"a = open({str(victim)!r}, 'w')\nb = __import__('pathlib').Path({str(victim)!r}).touch()"
    assert all(isinstance(value, Expression) for value in values(notebook_with(source, source)).values())
    assert not victim.exists()


@pytest.mark.parametrize(
    "source",
    [
        "a = ",
        "= 2",
        "if:",
        "a = '\0'",
        "a = '\ud800'",
        "λ :: Int",
        f"a = {'(' * 90_000}",
        f"a = {'-' * 90_000}1",
        f"a = {'1+' * 45_000}1",
        f"a = '{'x' * 1_000_001}'",
    ],
    ids=lambda source: source[:12].encode("ascii", "replace").decode(),
)
def test_what_cannot_be_parsed_is_a_problem(source: str) -> None:
    facts = notebook_with(source, "b = 1")
    assert values(facts) == {"b": 1}
    (problem,) = facts.problems
    assert (problem.kind, problem.cell) == ("parameters", 0)
    assert problem.message.startswith("The cell of parameters cannot be parsed: ")


@pytest.mark.parametrize("source", [r"a = '\d'", "a = 1if 1else 2", "a = 1 is 1", "assert (1, 2)"])
def test_a_strangers_code_warns_nobody(source: str) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        notebook_with(source)
    assert warned == []


@pytest.mark.parametrize("language", ["R", "julia", "scala", "Haskell"])
def test_other_languages_are_not_parsed(language: str) -> None:
    facts = notebook_with("a <- 1\nb = 2", "b = 3", {"b": 3}, kernelspec={"name": "other", "language": language})
    assert facts.parameters == (Parameter("b", 3, "recorded"),)
    assert facts.problems == ()


PYSPARK = {
    "name": "pyspark",
    "codemirror_mode": {"name": "python", "version": 3},
    "mimetype": "text/x-python",
    "pygments_lexer": "python3",
}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "my-environment"}},
        {"kernelspec": {"name": "pysparkkernel", "language": "python"}, "language_info": PYSPARK},
        {"kernelspec": {"name": "pysparkkernel", "language": ""}, "language_info": PYSPARK},
        {"kernelspec": {"name": "x"}, "language_info": {"name": "pyspark", "codemirror_mode": {"name": "python"}}},
        {"kernelspec": {"name": "pysparkkernel", "language": "python"}, "language_info": {"name": "pyspark"}},
        {"kernelspec": {"name": "glue_pyspark"}, "language_info": {"name": "Python_Glue_Session"}},
        {"kernelspec": {"name": "synapse_pyspark", "language": "Python"}},
        {"kernelspec": {"name": "sagemath"}, "language_info": {"name": "sage", "pygments_lexer": "ipython3"}},
        {"language_info": {"name": "ipython", "codemirror_mode": "text/x-python"}},
        {"kernelspec": {"name": "special", "language": "python"}, "language_info": {"name": "special"}},
        {"kernelspec": 7, "language_info": {"name": 7, "codemirror_mode": [7], "pygments_lexer": None}},
    ],
    ids=str,
)
def test_python_by_many_names(metadata: Any) -> None:
    assert values(notebook_with("a = 1\nb = 2", "a = 3", **metadata)) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R", "codemirror_mode": "r"}},
        {"kernelspec": {"name": "ir"}},
        {"kernelspec": {"name": "sparkkernel"}},
        {
            "kernelspec": {"name": "sparkrkernel", "language": "python"},
            "language_info": {"name": "sparkR", "codemirror_mode": "text/x-rsrc", "pygments_lexer": "r"},
        },
        {
            "kernelspec": {"name": "sparkkernel", "language": ""},
            "language_info": {"name": "scala", "codemirror_mode": "text/x-scala", "pygments_lexer": "scala"},
        },
        {"kernelspec": {"name": "x", "language": "python"}, "language_info": {"name": "scala"}},
        {"language_info": {"name": "julia"}},
        {"kernelspec": {"name": "bash", "language": "bash"}, "language_info": {"name": "bash"}},
    ],
    ids=str,
)
def test_what_is_not_python(metadata: Any) -> None:
    facts = notebook_with("a = 1\nb <- ]", "a = 3", **metadata)
    assert (facts.parameters, facts.problems) == ((), ())


def test_tags_of_papermill_before_injected_parameters() -> None:
    """papermill 0.13 renamed the tag of the defaults, and gave theirs to the new cell (nteract/papermill#163)."""
    facts = facts_of(
        code("a = 1\nb = 2", tags=("default parameters",)),
        code("# Parameters\na = 9", tags=("parameters",)),
        papermill={"parameters": {"a": 9}},
    )
    assert facts.parameters == (Parameter("a", 9, "injected"), Parameter("b", 2, "default"))
    other = facts_of(
        code("a = 1\nb = 2", tags=("default parameters",)),
        code("# Parameters\na = 10", tags=("parameters",)),
    )
    assert facts.code_hash == other.code_hash


def test_a_notebook_of_old_tags_that_was_run_again() -> None:
    facts = facts_of(
        code("a = 1\nb = 2\nc = 3", tags=("default parameters",)),
        code("a = 9\nb = 8", tags=("parameters",)),
        code("a = 10", tags=("injected-parameters",)),
    )
    assert values(facts) == {"a": 10, "b": 8, "c": 3}
    assert [parameter.source for parameter in facts.parameters] == ["injected", "injected", "default"]


def test_a_cell_of_parameters_whose_lines_end_as_on_windows() -> None:
    assert values(notebook_with('a = f(\r\n1)\r\nb = """x\r\ny"""\r\n')) == {"a": Expression("f(1)"), "b": "x\ny"}


@pytest.mark.parametrize(
    ("recorded", "injected", "agree"),
    [
        (1, "1", True),
        (1, "1.0", True),
        (1, "2", False),
        ("1", "1", False),
        ([1, 2], "[1, 2]", True),
        ([1, 2], "(1, 2)", True),
        ({"b": 1, "a": [2]}, "{'a': [2], 'b': 1}", True),
        (math.nan, "float('nan')", True),
        ([math.nan], "float('nan')", False),
        (math.inf, "float('inf')", True),
        (None, "None", True),
        (None, "0", False),
        (600, "60 * 10", True),
        ("now", "now()", True),  # an expression says nothing
    ],
)
def test_disagreement_of_metadata_and_injected_cell(recorded: Any, injected: str, agree: bool) -> None:
    facts = notebook_with("", f"a = {injected}", {"a": recorded})
    assert facts.parameters[0].source == "injected"
    assert [(problem.kind, problem.name) for problem in facts.problems] == ([] if agree else [("parameters", "a")])


def test_parameters_of_an_earlier_run_are_told_by_their_source() -> None:
    facts = notebook_with("a = 1", None, {"a": 2})
    assert facts.parameters == (Parameter("a", 2, "recorded"),)


def test_the_injected_cell_counts_without_metadata() -> None:
    """jupyter-scheduler and ploomber-engine record nothing."""
    facts = facts_of(code("symbol = 'ABC'", tags=("injected-parameters",)))
    assert facts.parameters == (Parameter("symbol", "ABC", "injected"),)


def test_a_cell_with_both_tags_is_injected() -> None:
    facts = facts_of(code("a = 1", tags=("parameters", "injected-parameters")))
    assert facts.parameters == (Parameter("a", 1, "injected"),)


@pytest.mark.parametrize("recorded", [None, [], "x", 7, {}])
def test_metadata_without_parameters(recorded: Any) -> None:
    assert values(facts_of(code("a = 1", tags=("parameters",)), papermill={"parameters": recorded})) == {"a": 1}


def test_the_examples_parameters(tickers: Path) -> None:
    notebook = tickers / "BCD.ipynb"
    recorded = json.loads(notebook.read_text())["metadata"]["papermill"]["parameters"]
    named = {parameter.name: parameter for parameter in read_facts(notebook.read_bytes()).parameters}
    assert recorded == {"symbol": "BCD"}
    assert named["symbol"] == Parameter("symbol", "BCD", "injected")
    assert {name for name, parameter in named.items() if parameter.source == "default"} == {"length", "d", "threshold"}


def in_the_metadata(document: Any) -> Any:
    mapping = document.get("metadata", {}).get("papermill", {}).get("parameters", {})
    return mapping if isinstance(mapping, dict) else {}


def test_of_other_peoples_notebooks(corpora: Path, tickers: Path) -> None:
    with_parameters = 0
    for path in [*corpora.rglob("*.ipynb"), *tickers.glob("*.ipynb")]:
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        if document.get("nbformat") == 4:
            assert recorded(path.read_bytes()) == in_the_metadata(document), path
            with_parameters += bool(in_the_metadata(document))
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
    assert recorded(content(notebook(papermill="PART")).replace(b'"PART"', part)) == value


def test_of_a_notebook_whose_cells_are_malformed() -> None:
    document = notebook(7, "text", papermill={"parameters": {"a": 1}})
    assert recorded(content(document)) == {"a": 1}
    assert recorded(content(document).decode().encode("utf-16")) == {"a": 1}


@pytest.mark.parametrize("file", [file for file in fixed() if not file.readable and file.must <= IN_THE_BYTES], ids=str)
def test_what_is_no_notebook_is_refused(file: Hostile) -> None:
    assert isinstance(file.make, bytes)
    with pytest.raises(UnreadableError) as caught:
        recorded(file.make)
    assert {caught.value.problem.kind} == file.must


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = 1", [("a", 1, None)]),
        ("a: int = 1", [("a", 1, "int")]),
        ("a: int", [("a", UNSET, "int")]),
        ("a: int\na = 1", [("a", 1, "int")]),
        ("a: 'int | None' = None", [("a", None, "'int | None'")]),
        ("a: Literal[\n    'x',\n    'y',\n]", [("a", UNSET, "Literal['x', 'y']")]),
        ("a = None  # type: int  help", [("a", None, "int")]),
        ("a = [\n  1,  # one\n]  # type: List[int]", [("a", [1], "List[int]")]),
        ("a = '# type: int'", [("a", "# type: int", None)]),
        ("a = 1  # a comment, type: int", [("a", 1, None)]),
        ("é = 'é'  # type: str", [("é", "é", "str")]),
        ("cafe\u0301 = 1", [("caf\u00e9", 1, None)]),
        ("%matplotlib inline\r\na: int = 1\r\n!ls\r\nb = 2 # type: str\r\n", [("a", 1, "int"), ("b", 2, "str")]),
        ("import os\ndef f():\n    b = 1\nclass C:\n    d = 1\nfor i in x:\n    pass\nx.y = 1\nx[0] = 1", []),
        ("if x:\n    a = 1\nelse:\n    b = 1", [("a", Expression("…"), None), ("b", Expression("…"), None)]),
        ("a, (b, *c) = x", [(name, Expression("…"), None) for name in "abc"]),
        ("a = b = 1", [("a", 1, None), ("b", 1, None)]),
        ("a =\nb = 2", [("b", 2, None)]),
    ],
)
def test_what_a_notebook_declares_is_parsed(source: str, expected: list[tuple[str, Any, str | None]]) -> None:
    cells = ipynb.read(content(notebook(code("z = 1"), code(source, tags=("parameters",))))).cells
    assert [each[:3] for each in declared(enumerate(cells))] == expected
    assert {each.cell for each in declared(enumerate(cells))} <= {1}
