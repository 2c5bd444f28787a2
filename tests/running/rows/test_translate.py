from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papermill import translators

from scrapdb.errors import UsageError
from scrapdb.facts import Parameter
from scrapdb.notebooks.extract import read_facts
from scrapdb.running.rows import parameters
from scrapdb.running.rows.translate import parameterized
from tests.notebook_builder import code
from tests.notebook_builder import notebook

PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
MOMENTS = st.datetimes() | st.datetimes(timezones=st.just(dt.UTC)) | st.times()
TIMES = st.dates() | MOMENTS.map(lambda time: time.replace(fold=0))  # which ISO 8601 has no word for
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | TIMES
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def injected(values: dict[str, Any], metadata: dict[str, Any] = PYTHON) -> Any:
    """A notebook with these parameters, as papermill makes it."""
    cells = [code("x = None", tags=("parameters",)), code("print(x)")]
    node = nbformat.from_dict(notebook(*cells, **metadata))
    return parameterized(node, values)


def executed(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - this is what a kernel does with it
    del names["__builtins__"]
    return names


@given(VALUES)
def test_a_kernel_gets_the_very_value(value: Any) -> None:
    node = injected({"x": value})
    assert node.cells[1].metadata.tags == ["injected-parameters"]
    assert repr(executed(node.cells[1].source)) == repr({"x": value})
    assert repr(dict(node.metadata.papermill.parameters)) == repr(parameters.plain({"x": value}))
    assert json.dumps(node)


@pytest.mark.parametrize(
    "value",
    [
        10**100,
        -(2**63) - 1,
        math.inf,
        -math.inf,
        1e-320,
        0.1,
        -0.0,
        "\"'\\\n\r\t\0\x1b{}%",
        'ends in \\"',
        "é☃😀\ud800",
        {"a'b\"": [None, {"": True}]},
        dt.date(1, 1, 1),
        dt.datetime(2026, 1, 31, 12, 30, 1, 5, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
        dt.time(23, 59, 59, 999_999),
        [dt.date(2026, 1, 31)],
    ],
)
def test_a_value_is_injected_and_indexed_as_it_is(value: Any) -> None:
    node = injected({"x": value})
    assert repr(executed(node.cells[1].source)) == repr({"x": value})
    facts = read_facts(json.dumps(node).encode())
    assert facts.problems == ()
    assert facts.parameters == (Parameter("x", parameters.plain({"x": value})["x"], "injected"),)


def test_an_imitation_of_what_is_injected_stays_an_expression() -> None:
    for source in (
        "__import__('os').date.fromisoformat('2026-01-31')",
        "__import__('datetime').timedelta.fromisoformat('2026-01-31')",
        "__import__('datetime').date.fromisoformat(y)",
        "date.fromisoformat('2026-01-31')",
    ):
        node = notebook(code(f"x = {source}", tags=("injected-parameters",)), **PYTHON)
        (found,) = read_facts(json.dumps(node).encode()).parameters
        assert found.value.source == source


def test_another_language_gets_text() -> None:
    metadata = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    node = injected({"x": dt.date(2026, 1, 31), "y": [dt.datetime(2026, 1, 31, tzinfo=dt.UTC)], "z": 5}, metadata)
    assert node.cells[1].source.splitlines()[1:] == [
        'x = "2026-01-31"',
        'y = list("2026-01-31T00:00:00+00:00")',
        "z = 5",
    ]


def test_papermill_keeps_what_somebody_else_has_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(translators.PythonTranslator):  # type: ignore[misc] # papermill comes without types
        pass

    registry = translators.PapermillTranslators()
    registry.register("python", Own)
    registry.register("pysparkkernel", translators.PythonTranslator)
    monkeypatch.setattr(translators, "papermill_translators", registry)
    node = injected({"x": dt.date(2026, 1, 31)})
    assert executed(node.cells[1].source) == {"x": "2026-01-31"}
    assert registry.find_translator("", "python") is Own


def test_what_papermill_cannot_write_is_a_sentence() -> None:
    metadata = {"kernelspec": {"name": "bash", "language": "bash", "display_name": "Bash"}}
    assert injected({"x": "a b", "y": [1, "$z"]}, metadata).cells[1].source == "# Parameters\nx='a b'\ny=(1 '$z')\n"
    with pytest.raises(UsageError, match=r"^papermill cannot write these parameters in bash: dict type"):
        injected({"x": {"a": 1}}, metadata)


def test_what_the_signature_warns_of_is_not_logged_by_each_run(caplog: pytest.LogCaptureFixture) -> None:
    node = parameterized(nbformat.from_dict(notebook(code("print(x)"), **PYTHON)), {"x": 1})
    assert node.cells[0].source == "# Parameters\nx = 1\n"
    assert caplog.records == []
