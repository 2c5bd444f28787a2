"""The effective parameters of a run: defaults, then what the runner recorded, then what it injected.

Sources are parsed, never executed. Runners leave parameters in three places: the cell tagged `parameters` holds the
defaults, `metadata.papermill.parameters` what papermill was given, and the cell tagged `injected-parameters` what was
set in the kernel. jupyter-scheduler and ploomber-engine leave only the last.
"""

from __future__ import annotations

import ast
import functools
import json
import warnings
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from scrapdb import facts
from scrapdb.notebooks import ipynb

DEFAULTS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
_LONGEST_SOURCE = 1_000_000  # characters of a cell; parsing takes a hundred times its memory


def effective(
    cells: Iterable[tuple[int, ipynb.Cell]], recorded: Mapping[str, Any], *, python: bool
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
    for index, cell in cells if python else ():
        if INJECTED_TAG in cell.metadata.tags:
            by_source["injected"].update(_assignments(index, cell, problems))
        elif DEFAULTS_TAG in cell.metadata.tags:
            by_source["default"].update(_assignments(index, cell, problems))
    problems += _disagreements(by_source["recorded"], by_source["injected"])
    values: dict[str, facts.Parameter] = {}
    for source, named in by_source.items():
        values |= {name: facts.Parameter(name, value, source) for name, value in named.items()}
    return list(values.values()), problems


def recorded(content: bytes) -> dict[str, Any]:
    """Read the parameters that papermill recorded in a notebook's metadata; what is no object counts as none.

    Raises:
        UnreadableError: as `ipynb.read`.
    """
    return ipynb.mapping(ipynb.mapping(ipynb.metadata(content), "papermill"), "parameters")


def _assignments(index: int, cell: ipynb.Cell, problems: list[facts.Problem]) -> dict[str, Any]:
    try:
        return dict(_assigned_in(ipynb.text(cell.source)))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        problems.append(facts.Problem("parameters", f"The cell of parameters cannot be parsed: {reason}.", cell=index))
        return {}


@functools.lru_cache(maxsize=64)
def _assigned_in(source: str) -> tuple[tuple[str, Any], ...]:
    """Parse a cell; the runs of one notebook all have the same cell of defaults."""
    if len(source) > _LONGEST_SOURCE:
        raise ValueError(f"it has {len(source):,} characters; {_LONGEST_SOURCE:,} are read")
    with warnings.catch_warnings(action="ignore"):  # of a stranger's code
        statements = ast.parse(_without_magics(source)).body
    return tuple(pair for statement in statements for pair in _assigned(statement))


def _without_magics(source: str) -> str:
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, Any]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, _literal(value)


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Any]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, _literal(value)
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), (ast.Tuple(elts=values) | ast.List(elts=values))):
            for one, item in zip(targets, values, strict=False):
                yield from _bound(one, item)


def _literal(node: ast.expr) -> Any:
    """Return a literal's value, if JSON can hold it, else the source as an Expression."""
    match node:
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(word))], keywords=[]):
            try:
                return float(word)  # how papermill writes NaN and infinities
            except ValueError:
                return facts.Expression(ast.unparse(node))
    try:
        value = ast.literal_eval(node)
        return json.loads(json.dumps(value))
    except (ValueError, TypeError, MemoryError, RecursionError):
        return facts.Expression(ast.unparse(node))


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
