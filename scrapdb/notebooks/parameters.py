"""The effective parameters of a run: defaults, then what the runner recorded, then what it injected.

Sources are parsed, never executed. Runners leave parameters in three places: the cell tagged `parameters` holds the
defaults, `metadata.papermill.parameters` what papermill was given, and the cell tagged `injected-parameters` what was
set in the kernel. jupyter-scheduler and ploomber-engine leave only the last. papermill before 0.14 (2018) tagged the
injected cell `parameters`, and the one with the defaults `default parameters`. What `running` has filled into cells
that begin with `#ENVIRONMENT`, which it tags `filled-parameters`, it has recorded as papermill does.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from typing import NamedTuple
from typing import TypeGuard

from msgspec import UNSET

from scrapdb import facts
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import ipython
from scrapdb.notebooks import syntax
from scrapdb.notebooks.assignments import Assignments
from scrapdb.text import composed

FILLED_TAG = "filled-parameters"
_OLD_DEFAULTS_TAG = "default parameters"
_DEFAULTS_TAGS = frozenset({"parameters", _OLD_DEFAULTS_TAG})
_INJECTED_TAGS = frozenset({"injected-parameters"})
_OLD_INJECTED_TAGS = _INJECTED_TAGS | {"parameters"}
_LONGEST_SOURCE = 1_000_000  # characters of a cell; parsing takes a hundred times its memory
_MOST_REASONS = 3  # that a problem tells
_MOST_FAULTS = 1_000  # statements that cannot be parsed, after which the rest of a cell is not read
_FAILURES = (SyntaxError, ValueError, MemoryError, RecursionError)
_TYPE_COMMENT = re.compile(r"\s*#\s*type:\s*(\S+)")  # as papermill.translators.PythonTranslator reads it
_Text = Callable[[ast.AST], str]


class Declared(NamedTuple):
    """A parameter that a notebook's own cells take.

    Args:
        name: in NFC.
        value: its default, a JSON value or an Expression; UNSET if it has only an annotation.
        annotation: source of its annotation, or what papermill's comment `# type: int` says.
        cell: index of the cell that sets it last.
    """

    name: str
    value: Any
    annotation: str | None
    cell: int


def effective(
    cells: Sequence[tuple[int, ipynb.Cell]], recorded: Mapping[str, Any], *, python: bool
) -> tuple[list[facts.Parameter], list[facts.Problem]]:
    """Find the effective parameters of a notebook.

    Args:
        cells: its code cells with their indexes.
        recorded: `metadata.papermill.parameters`.
        python: whether the cells are Python; cells of other languages are not parsed.

    Returns:
        The parameters by first appearance, and what was suspicious about them. One that is recorded but not injected
        keeps that source: it may be of an earlier run.
    """
    problems: list[facts.Problem] = []
    by_source: dict[facts.ParameterSource, dict[str, Any]] = {"default": {}, "recorded": dict(recorded), "injected": {}}
    if python:
        tagged = [item for item in cells if item[1].metadata.tags]
        is_injected = injected([cell for _, cell in tagged])
        defaults = [item for item in tagged if not _DEFAULTS_TAGS.isdisjoint(item[1].metadata.tags)]
        by_source["default"] = _assigned([item for item in defaults if not is_injected(item[1])], problems)
        by_source["injected"] = _assigned([item for item in tagged if is_injected(item[1])], problems)
    problems += _disagreements(by_source["recorded"], by_source["injected"])
    values: dict[str, facts.Parameter] = {}
    for source, named in by_source.items():
        values |= {name: facts.Parameter(name, value, source) for name, value in named.items()}
    return list(values.values()), problems


def declared(cells: Iterable[tuple[int, ipynb.Cell]]) -> list[Declared]:
    """Find the parameters that code cells in Python take, by first appearance; what cannot be parsed is passed over."""
    assignments = Assignments()
    annotations: dict[str, str] = {}
    places: dict[str, int] = {}
    with warnings.catch_warnings(action="ignore"):
        for index, cell in cells:
            if _DEFAULTS_TAGS.isdisjoint(cell.metadata.tags):
                continue
            statements, text, lines = _parse(ipynb.text(cell.source), [])
            for statement in statements:
                assignments.run(statement, text)
                places |= dict.fromkeys(_set_by(statement), index)
                annotations |= _annotated(statement, text, lines)
    values = {name: UNSET if name in annotations else facts.Expression("…") for name in places} | assignments.values()
    return [Declared(composed(name), values[name], annotations.get(name), index) for name, index in places.items()]


def injected(cells: Iterable[ipynb.Cell]) -> Callable[[ipynb.Cell], bool]:
    """Return what tells which of a notebook's cells a runner has injected."""
    is_old = any(_OLD_DEFAULTS_TAG in cell.metadata.tags for cell in cells)
    tags = _OLD_INJECTED_TAGS if is_old else _INJECTED_TAGS
    return lambda cell: not tags.isdisjoint(cell.metadata.tags) and _OLD_DEFAULTS_TAG not in cell.metadata.tags


def recorded(content: bytes) -> dict[str, Any]:
    """Read the parameters that papermill recorded in a notebook's metadata; what is no object counts as none.

    Raises:
        UnreadableError: as `ipynb.read`.
    """
    return ipynb.mapping(ipynb.mapping(ipynb.metadata(content), "papermill"), "parameters")


def _assigned(cells: Sequence[tuple[int, ipynb.Cell]], problems: list[facts.Problem]) -> dict[str, Any]:
    """Find what cells assign one after the other, and what of them cannot be read."""
    values, faults = _assigned_in(tuple([ipynb.text(cell.source) for _, cell in cells]))
    for place, reason in faults:
        message = f"The cell of parameters cannot be parsed: {reason}."
        problems.append(facts.Problem("parameters", message, cell=cells[place][0]))
    return dict(values)


@functools.lru_cache(maxsize=64)
def _assigned_in(sources: tuple[str, ...]) -> tuple[tuple[tuple[str, Any], ...], tuple[tuple[int, str], ...]]:
    """Read cells, of which the runs of one notebook all have the same for their defaults: values, and what is wrong."""
    assignments = Assignments()
    with warnings.catch_warnings(action="ignore"):  # of a stranger's code
        reasons = [_read(source, assignments) for source in sources]
    faults = [(place, ", ".join(each[:_MOST_REASONS])) for place, each in enumerate(reasons) if each]
    return tuple(assignments.values().items()), tuple(faults)


def _read(source: str, assignments: Assignments) -> list[str]:
    """Run a cell's assignments; return what is wrong with statements that cannot be read, and are passed over."""
    reasons: list[str] = []
    statements, text, _ = _parse(source, reasons)
    for statement in statements:
        assignments.run(statement, text)
    return reasons


def _parse(source: str, reasons: list[str]) -> tuple[list[ast.stmt], _Text, list[str]]:
    """Parse a cell: its statements, what gives the source of their nodes, and the lines in which they stand."""
    source = python = source.replace("\r\n", "\n").replace("\r", "\n")
    if len(source) > _LONGEST_SOURCE:
        reasons.append(f"it has {len(source):,} characters; {_LONGEST_SOURCE:,} are read")
        return [], ast.unparse, []
    try:
        statements = syntax.module(source).body
    except _FAILURES:
        source = ipython.aligned(source)
        python = ipython.as_python(source) or ""
        statements = list(_parsed(python, reasons))
    return statements, _texts(python, source), python.split("\n")


def _set_by(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement assigns or annotates, also in one branch only."""
    match statement:
        case ast.Assign(targets=targets):
            yield from (node.id for target in targets for node in ast.walk(target) if _is_stored(node))
        case ast.AnnAssign(target=ast.Name(id=name), simple=1):
            yield name
        case ast.If() | ast.Try() | ast.With():
            yield from (node.id for node in ast.walk(statement) if _is_stored(node))


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _annotated(statement: ast.stmt, text: _Text, lines: list[str]) -> dict[str, str]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
            return {name: text(annotation)}
        case ast.Assign(targets=[ast.Name(id=name)], end_lineno=int(line), end_col_offset=column):
            comment = _TYPE_COMMENT.match(lines[line - 1].encode()[column:].decode())
            return {name: comment[1]} if comment else {}
    return {}


def _parsed(python: str, reasons: list[str]) -> Iterator[ast.stmt]:
    """Parse a cell at once or, if that fails, one statement after the other."""
    for blocks in ([(0, python)], ipython.blocks(python)):
        reasons.clear()
        for line, block in blocks:
            try:
                body = syntax.module(block)
                yield from (ast.increment_lineno(body, line) if line else body).body
            except _FAILURES as error:
                place = f" in line {line + error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
                reasons.append(f"{getattr(error, 'msg', error) or type(error).__name__}{place}")
            if len(reasons) > _MOST_FAULTS:
                return
        if not reasons:
            return


def _texts(python: str, source: str) -> _Text:
    """Return what gives the source of a node: of IPython's statements whole lines, of an expression one line."""
    lines: list[list[str]] = []  # of both, when they are needed
    known: dict[ast.AST, str] = {}

    def written(node: Any) -> str:
        lines[:] = lines or [python.split("\n"), source.split("\n")]
        part, whole = (each[node.lineno - 1 : node.end_lineno] for each in lines)
        if part != whole:
            return "\n".join(whole).strip()
        if isinstance(node, ast.expr) and part[1:]:
            with suppress(RecursionError):
                return ast.unparse(node)
        part[-1] = part[-1].encode()[: node.end_col_offset].decode()
        part[0] = part[0].encode()[node.col_offset :].decode()
        return "\n".join(part)

    return lambda node: known.get(node) or known.setdefault(node, written(node))


def _disagreements(recorded: Mapping[str, Any], injected: Mapping[str, Any]) -> list[facts.Problem]:
    return [
        facts.Problem(
            "parameters", f"The metadata record {recorded[name]!r:.60}, the injected cell {value!r:.60}.", name
        )
        for name, value in injected.items()
        if name in recorded and not isinstance(value, facts.Expression) and not _same(recorded[name], value)
    ]


def _same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; NaN is equal to itself, since it is written as such."""
    return bool(one == other) or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
