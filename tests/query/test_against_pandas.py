"""The main referee: random stores and random questions, answered by scrapdb and by pandas with nullable types."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck
from hypothesis import event
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.errors import ExpressionError
from scrapdb.facts import Expression
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from scrapdb.query.select import count
from scrapdb.query.select import fields_of
from scrapdb.query.select import notebook_ids
from scrapdb.query.select import select
from tests.query.stores import Display
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import build

Notebooks = list[Notebook]
NAMES = ("x", "y", "flag", "text", "dj", "odd name/with.dots", "in", "ünïcode", "a-b", "tick`s")
# Shared, so that a question asks for the names of its store.
shared_names = st.shared(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True), key="names")

numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.5, -0.5, 1.5, 0.1, 1e300, -1e300, math.inf, -math.inf, 2**40, -(2**63), 2**70]),
)
# The wide table cuts texts after so many characters, and has tokens for frames and displays.
LONG = "ab" * 2_048
TOKENS = (f"frame:2x3:{'0' * 64}", "display:image/png:h", f"{LONG[:-1]}…")
texts = st.sampled_from(
    [
        *("", "a", "A", "ab", "abc", "b%", "a_c", "a*c", "[a]", "É", "é", "1", "007", "it's", 'a"b', "😀z", "a\nb"),
        *(LONG, f"{LONG}c", f"{LONG}d", *TOKENS),
    ]
)
scalars = st.one_of(numbers, texts, st.booleans())
members = scalars.filter(lambda value: not isinstance(value, float) or math.isfinite(value)) | st.none()
lists = st.lists(members, max_size=3)
dicts = st.dictionaries(st.sampled_from(["a", "b", "odd key", "list"]), st.one_of(members, lists), max_size=3)
values = st.one_of(
    scalars,
    numbers,
    st.none(),
    st.just(math.nan),
    lists,
    dicts,
    st.just(Frame(2, 3)),
    st.just(Display()),
    st.just(Display(())),
)
RECORDS: dict[str, Any] = {
    "state": st.sampled_from(["killed", "completed"]),
    "peak_memory": st.sampled_from([None, 1, 2**40]),
    "limits": st.sampled_from([None, '{"memory":2,"timeout":1.5}', "{}"]),
}
TIMES = ("2026-11-01T00:00:00.000000Z", "2026-11-01T12:30:00.250000Z", "2026-10-31T23:59:59.999999Z", None)


@st.composite
def stores(draw: st.DrawFn) -> Notebooks:
    """Up to a dozen notebooks; a name has values of one kind in most stores, of all kinds in some."""
    names = draw(shared_names)
    kinds = {
        name: draw(st.sampled_from([numbers, texts, st.booleans(), scalars, lists, dicts, values])) for name in names
    }
    found = []
    for number in range(draw(st.integers(1, 12))):
        cells = {name: st.one_of(kind, kind, st.none(), st.just(math.nan)) for name, kind in kinds.items()}
        scraps = draw(st.fixed_dictionaries({}, optional=cells))
        given_cells = {name: st.one_of(cell, st.just(Expression("a()"))) for name, cell in cells.items()}
        parameters = draw(st.fixed_dictionaries({}, optional=given_cells))
        parameters = {name: value for name, value in parameters.items() if not isinstance(value, Frame | Display)}
        columns = {
            "status": draw(st.sampled_from(["completed", "failed"])),
            "seconds": draw(st.sampled_from([None, 0.5, 2.0])),
            "started_at": draw(st.sampled_from(TIMES)),
        }
        record = draw(st.none() | st.fixed_dictionaries(RECORDS))
        found.append(Notebook(f"{number % 3}/{number}.ipynb", scraps, parameters, columns, record or {}))
    return found


class WrongKindError(Exception):
    """The question compares what cannot be compared."""


MISSING = object()


@dataclass(frozen=True)
class Operand:
    """Text, and the value that it has in a notebook: anything, or MISSING."""

    text: str
    value: Callable[[Notebook], Any]
    constant: bool = False
    computed: bool = False

    def cells(self, notebooks: Notebooks) -> list[Any]:
        """The value in each notebook."""
        return [self.value(notebook) for notebook in notebooks]


@dataclass(frozen=True)
class Question:
    """Text, and what pandas says of it: a Series of true, false and NA."""

    text: str
    answer: Callable[[Notebooks], pd.Series]


def is_number(value: Any) -> bool:
    """Whether a value counts as a number; NaN does not."""
    return isinstance(value, int | float) and not (isinstance(value, float) and math.isnan(value))


def kind(value: Any) -> str | None:
    """The kind of a value, None for none, or for one that nobody knows."""
    if value is MISSING or value is None or isinstance(value, Expression):
        return None
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def number_face(cells: list[Any]) -> pd.Series:
    """The numbers, NA elsewhere."""
    return pd.Series([float(cell) if is_number(cell) else pd.NA for cell in cells], dtype="Float64")


def text_face(cells: list[Any]) -> pd.Series:
    """The texts, NA elsewhere."""
    return pd.Series([cell if isinstance(cell, str) else pd.NA for cell in cells], dtype="string")


def truths(found: list[bool | None]) -> pd.Series:
    """True, false and NA."""
    return pd.Series([pd.NA if one is None else one for one in found], dtype="boolean")


def check(cells: list[list[Any]], *wanted: set[str]) -> None:
    """Raise if what is known of the values excludes an answer; NaN is known as a number."""
    for side, kinds in zip(cells, wanted, strict=True):
        known = {kind(cell) for cell in side} - {None}
        if known and not known & kinds:
            raise WrongKindError


RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<>": lambda left, right: left != right,
}


def compare(operator: str, left: list[Any], right: list[Any]) -> pd.Series:
    """Numbers with numbers, texts with texts; one of each are different, and neither greater nor smaller."""
    by_number = RELATIONS[operator](number_face(left), number_face(right)).astype("boolean")
    by_text = RELATIONS[operator](text_face(left), text_face(right)).astype("boolean")
    found: pd.Series = by_number.fillna(by_text)
    if operator in ("=", "==", "!=", "<>"):
        mixed = [
            (is_number(one) and isinstance(other, str)) or (isinstance(one, str) and is_number(other))
            for one, other in zip(left, right, strict=True)
        ]
        found[pd.Series(mixed, dtype="bool")] = operator in ("!=", "<>")
    return found


def known_kinds(operand: Operand, notebooks: Notebooks) -> set[str]:
    """What is known of an operand before any question, from all its values: both roles of a bare name."""
    return operand.kinds(notebooks) if isinstance(operand, FieldOperand) else _kinds(operand, notebooks)


def _kinds(operand: Operand, notebooks: Notebooks) -> set[str]:
    if operand.computed:
        return {"number"}
    return {found for cell in operand.cells(notebooks) if (found := kind(cell))}


@dataclass(frozen=True)
class FieldOperand(Operand):
    """A name with a role and a path."""

    name: str = ""
    role: str = ""
    path: tuple[str | int, ...] = ()

    def kinds(self, notebooks: Notebooks) -> set[str]:
        """The kinds of its values; a path can lead to anything."""
        cells = [
            notebook.scraps[self.name]
            for notebook in notebooks
            if self.role != "param" and self.name in notebook.scraps
        ]
        cells += [
            notebook.parameters[self.name]
            for notebook in notebooks
            if self.role != "scrap" and self.name in notebook.parameters
        ]
        if not cells:
            raise WrongKindError
        known = {found for cell in cells if (found := kind(cell))}
        if not self.path:
            return known
        if known and not any(isinstance(cell, list | dict) for cell in cells):
            raise WrongKindError
        return {"number", "text", "other"}


def look_up(name: str, role: str, path: tuple[str | int, ...]) -> Callable[[Notebook], Any]:
    """The value of a field in a notebook."""

    def found(notebook: Notebook) -> Any:
        value: Any = MISSING
        if role != "scrap" and name in notebook.parameters:
            value = notebook.parameters[name]
        if role != "param" and name in notebook.scraps:
            value = notebook.scraps[name]
        for step in path:
            if isinstance(step, str):
                value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
            else:
                inside = isinstance(value, list) and -len(value) <= step < len(value)
                value = value[step] if inside else MISSING
        return value

    return found


PATHS: tuple[tuple[str, tuple[str | int, ...]], ...] = (
    ("", ()),
    ("", ()),
    ("", ()),
    ('["a"]', ("a",)),
    ('["odd key"]', ("odd key",)),
    ("[0]", (0,)),
    ("[-1]", (-1,)),
    ('["list"][0]', ("list", 0)),
)


@st.composite
def fields(draw: st.DrawFn) -> Operand:
    """A field, with or without a role and a path."""
    name, role = draw(shared_names.flatmap(st.sampled_from)), draw(st.sampled_from(["", "", "", "scrap", "param"]))
    path, steps = draw(st.sampled_from(PATHS))
    plain = name.isidentifier() and name != "in"
    quoted = name if plain and draw(st.booleans()) else "`" + name.replace("`", "``") + "`"
    text = (f"{role}." if role else "") + quoted + path
    return FieldOperand(text, look_up(name, role, steps), name=name, role=role, path=steps)


def spelled(value: Any) -> str:
    """Write a constant."""
    if isinstance(value, bool):
        return "TRUE" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'" if "'" in value or '"' in value else f'"{value}"'
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return repr(value)


constants = scalars.map(lambda value: Operand(spelled(value), lambda _: value, constant=True))
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left % right,
}


def calculate(operator: str, left: Any, right: Any) -> Any:
    """One calculation in floating point; what has no result is missing."""
    if not is_number(left) or not is_number(right):
        return MISSING
    try:
        found = ARITHMETIC[operator](float(left), float(right))
    except ZeroDivisionError:
        return MISSING
    return MISSING if math.isnan(found) else found


@st.composite
def calculations(draw: st.DrawFn) -> Operand:
    """`x + 1`, `x / y`."""
    left, right = draw(fields()), draw(st.one_of(fields(), constants))
    operator = draw(st.sampled_from(list(ARITHMETIC)))

    def value(notebook: Notebook) -> Any:
        return calculate(operator, left.value(notebook), right.value(notebook))

    return Calculation(f"({left.text} {operator} {right.text})", value, computed=True, parts=(left, right))


@dataclass(frozen=True)
class Calculation(Operand):
    """A calculation; its parts must be numbers."""

    parts: tuple[Operand, ...] = ()


def verify(operand: Operand, notebooks: Notebooks, *wanted: str) -> set[str]:
    """Raise if an operand cannot be of a wanted kind."""
    if isinstance(operand, Calculation):
        for part in operand.parts:
            verify(part, notebooks, "number")
    known = known_kinds(operand, notebooks)
    if known and not known & set(wanted):
        raise WrongKindError
    return known


def verify_alike(left: Operand, right: Operand, notebooks: Notebooks) -> None:
    """Raise if two operands cannot be compared."""
    kinds = [verify(side, notebooks, "number", "text", "other") for side in (left, right)]
    if all(kinds) and not kinds[0] & kinds[1] & {"number", "text"}:
        raise WrongKindError


operands = st.one_of(fields(), fields(), constants, calculations())


@st.composite
def comparisons(draw: st.DrawFn) -> Question:
    """`x < 1`, `1 < x`, `x = y`."""
    left, right = draw(operands), draw(operands)
    operator = draw(st.sampled_from(list(RELATIONS)))

    def answer(notebooks: Notebooks) -> pd.Series:
        verify_alike(left, right, notebooks)
        return compare(operator, left.cells(notebooks), right.cells(notebooks))

    return Question(f"{left.text} {operator} {right.text}", answer)


@st.composite
def ranges(draw: st.DrawFn) -> Question:
    """`0 < x <= 1`, `x between 0 and 1`."""
    low, middle, high = draw(constants), draw(fields()), draw(constants)
    between, negated = draw(st.booleans()), draw(st.booleans())

    def answer(notebooks: Notebooks) -> pd.Series:
        verify_alike(low, middle, notebooks)
        verify_alike(middle, high, notebooks)
        first = compare("<=" if between else "<", low.cells(notebooks), middle.cells(notebooks))
        found = first & compare("<=", middle.cells(notebooks), high.cells(notebooks))
        return ~found if negated and between else found

    if between:
        return Question(f"{middle.text} {'NOT ' if negated else ''}between {low.text} and {high.text}", answer)
    return Question(f"{low.text} < {middle.text} <= {high.text}", answer)


@st.composite
def choices(draw: st.DrawFn) -> Question:
    """`x in (1, 2)`."""
    operand, items = draw(fields()), draw(st.lists(constants, min_size=1, max_size=4))
    items = items * draw(st.sampled_from([1, 1, 1, 60]))
    negated = draw(st.booleans())

    def answer(notebooks: Notebooks) -> pd.Series:
        for item in items:
            verify_alike(operand, item, notebooks)
        found = truths([False] * len(notebooks))
        for item in items[:4]:
            found = found | compare("=", operand.cells(notebooks), item.cells(notebooks))
        return ~found if negated else found

    return Question(
        f"{operand.text} {'not in' if negated else 'in'} [{', '.join(item.text for item in items)}]", answer
    )


@st.composite
def patterns(draw: st.DrawFn) -> Question:
    """`x like "a%"`, `x ~ "^a"`."""
    operand, negated = draw(fields()), draw(st.booleans())
    if draw(st.booleans()):
        pattern = draw(st.text(st.sampled_from("aAbc%_*[]?é1"), max_size=4))
        regex = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
        word = "not like" if negated else "like"
    else:
        pattern = draw(st.sampled_from(["^a", "b$", "a.c", "[ab]{2}", "É", "^$", "(?i)AB", r"\d"]))
        regex = f"(?s:.*)(?:{pattern})(?s:.*)" if not pattern.startswith("(?i)") else "(?is:.*)(?i:AB)(?s:.*)"
        word = "!~" if negated else "~"

    def answer(notebooks: Notebooks) -> pd.Series:
        verify(operand, notebooks, "text")
        found = []
        for cell in operand.cells(notebooks):
            match = _matches(word, pattern, regex, cell) if isinstance(cell, str) else None
            found.append(match if match is None else match != negated)
        return truths(found)

    return Question(f"{operand.text} {word} {spelled(pattern)}", answer)


def _matches(word: str, pattern: str, regex: str, cell: str) -> bool:
    if "~" in word:
        # Where Python's $ also matches before a last newline, the end of the text is meant.
        return re.search(pattern.replace("$", r"\Z"), cell) is not None
    return re.fullmatch(regex, cell, re.DOTALL) is not None


@st.composite
def containments(draw: st.DrawFn) -> Question:
    """`x contains "a"`."""
    operand, item, negated = draw(fields()), draw(constants), draw(st.booleans())

    def answer(notebooks: Notebooks) -> pd.Series:
        known = known_kinds(operand, notebooks)
        cells = operand.cells(notebooks)
        if not (isinstance(operand, FieldOperand) and operand.path):
            verify_holder(operand, notebooks)
            if known == {"text"} and kind(item.value(notebooks[0])) == "number":
                raise WrongKindError
        found = [contains(cell, item.value(notebooks[0])) for cell in cells]
        return truths([one if one is None else one != negated for one in found])

    return Question(f"{operand.text} {'not ' if negated else ''}contains {item.text}", answer)


def verify_holder(operand: Operand, notebooks: Notebooks) -> None:
    """Raise if no value can contain anything."""
    assert isinstance(operand, FieldOperand)
    operand.kinds(notebooks)
    cells = [notebook.scraps.get(operand.name) for notebook in notebooks if operand.role != "param"]
    cells += [notebook.parameters.get(operand.name) for notebook in notebooks if operand.role != "scrap"]
    known = [cell for cell in cells if kind(cell)]
    if known and not any(isinstance(cell, str | list | dict) for cell in known):
        raise WrongKindError


def contains(cell: Any, item: Any) -> bool | None:
    """What `contains` means for one value."""
    if isinstance(cell, str):
        return item in cell if isinstance(item, str) else None
    if isinstance(cell, dict):
        return item in cell if isinstance(item, str) else False
    if isinstance(cell, list):
        return any(kind(one) == kind(item) and one == item for one in cell)
    return None


@st.composite
def presences(draw: st.DrawFn) -> Question:
    """`x is null`."""
    operand, negated = draw(st.one_of(fields(), calculations())), draw(st.booleans())

    def answer(notebooks: Notebooks) -> pd.Series:
        verify(operand, notebooks, "number", "text", "other")
        found = [
            not isinstance(cell, Expression)
            and (kind(cell) is None or (kind(cell) == "number" and not is_number(cell)))
            for cell in operand.cells(notebooks)
        ]
        return truths([one != negated for one in found])

    return Question(f"{operand.text} is {'not ' if negated else ''}null", answer)


@st.composite
def holdings(draw: st.DrawFn) -> Question:
    """`flag`, `!flag`."""
    operand, negated = draw(fields()), draw(st.booleans())

    def answer(notebooks: Notebooks) -> pd.Series:
        verify(operand, notebooks, "number")
        found = [cell != 0 if is_number(cell) else None for cell in operand.cells(notebooks)]
        return truths([one if one is None else one != negated for one in found])

    return Question(f"{'!' if negated else ''}{operand.text}", answer)


def first_of(notebook: Notebook, *arguments: Operand) -> Any:
    """The first number or text; nobody knows it if an expression, or something in one, comes before."""
    for argument in arguments:
        assert isinstance(argument, FieldOperand)
        if isinstance(look_up(argument.name, argument.role, ())(notebook), Expression):
            return MISSING
        found = argument.value(notebook)
        if is_number(found) or isinstance(found, str):
            return found
    return MISSING


@st.composite
def calls(draw: st.DrawFn) -> Question:
    """`abs(x) < 1`, `length(x) = 2`, `lower(x) = "a"`, `coalesce(x, y) = 1`."""
    operand, other = draw(fields()), draw(fields())
    function = draw(st.sampled_from(["abs", "length", "lower", "upper", "coalesce"]))
    wanted = draw(texts if function in ("lower", "upper") else numbers)

    def answer(notebooks: Notebooks) -> pd.Series:
        constant = [wanted] * len(notebooks)
        cells = operand.cells(notebooks)
        if function == "coalesce":
            both = [verify(side, notebooks, "number", "text") for side in (operand, other)]
            known = [kinds & {"number", "text", "other"} for kinds in both if kinds]
            if known and not set.intersection(*known):
                raise WrongKindError
            if known and not set.intersection(*known) & {"number"}:
                raise WrongKindError
            cells = [first_of(notebook, operand, other) for notebook in notebooks]
            # The value of a coalesce is of the kinds that all its arguments can be.
            if known and "text" not in set.intersection(*known):
                cells = [cell if is_number(cell) else MISSING for cell in cells]
            return compare("=", cells, constant)
        if function == "length":
            if isinstance(operand, FieldOperand) and not operand.path:
                verify_holder(operand, notebooks)
            known_kinds(operand, notebooks)
            found = [len(cell) if isinstance(cell, str | list | dict) else MISSING for cell in cells]
        elif function == "abs":
            verify(operand, notebooks, "number")
            found = [abs(cell) if is_number(cell) and cell != -(2**63) else MISSING for cell in cells]
        else:
            verify(operand, notebooks, "text")
            found = [getattr(cell, function)() if isinstance(cell, str) else MISSING for cell in cells]
        return compare("=", found, constant)

    arguments = f"{operand.text}, {other.text}" if function == "coalesce" else operand.text
    return Question(f"{function.upper() if len(arguments) % 2 else function}({arguments}) = {spelled(wanted)}", answer)


def of_column(column: str, operator: str, constant: Any, text: str) -> Question:
    """A question about an attribute of the notebook."""

    def answer(notebooks: Notebooks) -> pd.Series:
        cells = [notebook.columns[column] for notebook in notebooks]
        return compare(operator, [MISSING if cell is None else cell for cell in cells], [constant] * len(cells))

    return Question(text, answer)


def of_record(column: str, operator: str, constant: Any, text: str) -> Question:
    """A question about a field of the record, which not every notebook has; of the limits that of the memory."""

    def answer(notebooks: Notebooks) -> pd.Series:
        cells = [notebook.record.get(column) for notebook in notebooks]
        if column == "limits":
            cells = [cell and json.loads(cell).get("memory") for cell in cells]
        if operator == "is null":
            return truths([cell is None for cell in cells])
        return compare(operator, [MISSING if cell is None else cell for cell in cells], [constant] * len(cells))

    return Question(text, answer)


attributes = st.sampled_from(
    [
        of_record("state", "=", "killed", "exec.state = 'killed'"),
        of_record("state", "!=", "killed", "exec.state != 'killed'"),
        of_record("state", "is null", None, "exec.state is null"),
        of_record("peak_memory", ">", 1, "exec.peak_memory > 1"),
        of_record("peak_memory", "is null", None, "exec.peak_memory is null"),
        of_record("limits", ">=", 2, "2 <= exec.limits.memory"),
        of_record("limits", "is null", None, 'exec.limits["memory"] is null'),
        of_column("status", "=", "failed", "nb.status = 'failed'"),
        of_column("status", "!=", "failed", "not nb.status = 'failed'"),
        of_column("seconds", ">", 1, "nb.seconds > 1"),
        of_column("started_at", ">=", TIMES[0], "nb.started_at >= '2026-11-01'"),
        of_column("started_at", ">=", TIMES[1], 'nb.started_at >= "2026-11-01T13:30:00.25+01:00"'),
        of_column("started_at", "<", TIMES[0], "'2026-11-01 00:00' > nb.started_at"),
    ],
)
leaves = st.one_of(
    comparisons(),
    comparisons(),
    ranges(),
    choices(),
    patterns(),
    containments(),
    presences(),
    holdings(),
    calls(),
    attributes,
)


def both(word: str, terms: list[Question]) -> Question:
    """Join by `and` or `or`."""

    def answer(notebooks: Notebooks) -> pd.Series:
        found = terms[0].answer(notebooks)
        for term in terms[1:]:
            other = term.answer(notebooks)
            found = found & other if word in ("and", "&", "AND") else found | other
        return found

    return Question(f" {word} ".join(f"({term.text})" for term in terms), answer)


def contrary(term: Question) -> Question:
    """Negate."""
    return Question(f"not ({term.text})", lambda notebooks: ~term.answer(notebooks))


questions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(contrary),
        st.tuples(st.sampled_from(["and", "&", "AND"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda pair: both(*pair)
        ),
        st.tuples(st.sampled_from(["or", "|", "Or"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda pair: both(*pair)
        ),
    ),
    max_leaves=6,
)


def referee(notebooks: Notebooks, question: Question) -> list[str] | None:
    """The paths that pandas finds, or None if the question compares what cannot be compared."""
    try:
        answer = question.answer(notebooks)
    except WrongKindError:
        return None
    return sorted(notebook.path for notebook, one in zip(notebooks, answer.fillna(value=False), strict=True) if one)


# Of the names of a store all have columns in the wide table, or some, or none.
rooms = st.sampled_from([100, 100, 100, 2, 0])


_UNHEALTHY = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("examples", [80, pytest.param(600, marks=pytest.mark.slow)])
def test_pandas_gives_the_same_answer(examples: int) -> None:
    found = settings(max_examples=examples, suppress_health_check=_UNHEALTHY)
    found(given(stores(), questions, rooms)(agree))()


def agree(notebooks: Notebooks, question: Question, room: int) -> None:
    connection = build(notebooks, columns=room)
    found_fields = fields_of(connection)
    expected = referee(notebooks, question)
    event("wrong kind" if expected is None else "some" if expected else "none")
    if expected is None:
        with pytest.raises(ExpressionError):
            select(connection, found_fields, question.text)
        return
    rows = list(select(connection, found_fields, question.text, columns="nb.path").rows)
    assert [row[0] for row in rows] == expected
    assert count(connection, found_fields, question.text) == len(expected)
    assert len(notebook_ids(connection, found_fields, question.text)) == len(expected)


@pytest.mark.parametrize("examples", [60, pytest.param(400, marks=pytest.mark.slow)])
def test_every_value_comes_back_as_it_was(examples: int) -> None:
    settings(max_examples=examples, suppress_health_check=_UNHEALTHY)(given(stores(), rooms)(come_back))()


def come_back(notebooks: Notebooks, room: int) -> None:
    connection = build(notebooks, columns=room)
    found_fields = fields_of(connection)
    known = [(name, role) for name in found_fields.names() for role in ("", "scrap", "param")]
    known = [(name, role) for name, role in known if _has(notebooks, name, role)]
    columns = [f"{role}{'.' if role else ''}`{name.replace('`', '``')}`" for name, role in known]
    for shown in ([*columns, "nb.status"], *([column, "nb.path"] for column in columns)):
        rows = list(select(connection, found_fields, columns=", ".join(shown), sort="nb.path").rows)
        wanted = [known[columns.index(column)] for column in shown[:-1]]
        by_path = sorted(enumerate(notebooks, 1), key=lambda pair: pair[1].path)
        for (notebook_id, notebook), row in zip(by_path, rows, strict=True):
            assert repr(row[:-1]) == repr(tuple(_shown(notebook_id, notebook, *which) for which in wanted))


def _has(notebooks: Notebooks, name: str, role: str) -> bool:
    roles = {"": ("scraps", "parameters"), "scrap": ("scraps",), "param": ("parameters",)}[role]
    return any(name in getattr(notebook, one) for notebook in notebooks for one in roles)


def _shown(notebook_id: int, notebook: Notebook, name: str, role: str) -> Any:
    value = look_up(name, role, ())(notebook)
    if isinstance(value, Frame):
        return FrameCell(notebook_id, name, value.rows, value.columns)
    if isinstance(value, Display):
        return DisplayCell(notebook_id, name, value.mime_types)
    return None if value is MISSING else value
