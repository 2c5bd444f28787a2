"""Values as SQL. Each has two faces, its number and its text; the one that it is not is NULL, as is a missing value."""

from __future__ import annotations

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query import times
from scrapdb.query.fields import Field
from scrapdb.query.functions import TIMES
from scrapdb.query.sql.places import Run

_NUMBERS = "('integer', 'real', 'true', 'false')"
_FACELESS = frozenset({"expression", "json", "frame", "display"})
_LIKE_A_DATE = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"


def faces(node: nodes.Value, at: Run) -> dict[str, str]:
    """The faces that a value can have, by `number` and `text`."""
    found = {}
    if "number" in bound_nodes.kinds(node):
        found["number"] = number(node, at)
    if bound_nodes.kinds(node) & {"text", "time"}:
        found["text"] = text(node, at)
    return found


def number(node: nodes.Value, at: Run) -> str:
    """The number that a value is."""
    if isinstance(node, bound_nodes.FieldValue):
        return _face(node, "number", at)
    if isinstance(node, bound_nodes.Key | bound_nodes.Aggregate):
        return at.of_group(node, "number")
    if isinstance(node, bound_nodes.OfRows):
        return _of_rows(node, "number", at)
    if isinstance(node, bound_nodes.Then | bound_nodes.Streak):
        return at.over_time(node, "number")
    if isinstance(node, nodes.Negative):
        return f"(- {number(node.operand, at)})"
    if isinstance(node, nodes.Arithmetic):
        return _arithmetic(node, at)
    if isinstance(node, nodes.Call):
        return _call(node, at)
    if isinstance(node, nodes.Constant) and not isinstance(node.value, str):
        return at.bind(int(node.value) if isinstance(node.value, bool) else node.value)
    return "NULL"


def text(node: nodes.Value, at: Run) -> str:
    """The text that a value is; times are text too."""
    if isinstance(node, bound_nodes.FieldValue):
        return _face(node, "text", at)
    if isinstance(node, bound_nodes.Key | bound_nodes.Aggregate):
        return at.of_group(node, "text")
    if isinstance(node, bound_nodes.OfRows):
        return _of_rows(node, "text", at)
    if isinstance(node, bound_nodes.Then | bound_nodes.Streak):
        return at.over_time(node, "text")
    if isinstance(node, nodes.Constant):
        return at.bind(node.value) if isinstance(node.value, str) else "NULL"
    if isinstance(node, bound_nodes.Instant):
        return at.bind(node.text)
    if isinstance(node, nodes.Call) and node.function in ("lower", "upper"):
        return f"text_{node.function}({text(node.arguments[0], at)})"
    if isinstance(node, nodes.Call) and node.function in TIMES:
        return _part_of_time(node, at)
    if isinstance(node, nodes.Call) and node.function == "coalesce":
        return _coalesce(node, "text", at)
    return "NULL"


def moment(node: nodes.Value, at: Run) -> str:
    """The time that a value is, in days; text that does not look like a time is none."""
    found = text(node, at)
    if "time" in bound_nodes.kinds(node):
        return f"julianday({found})"
    return f"iif({found} GLOB {_LIKE_A_DATE}, julianday({found}), NULL)"


def document(node: nodes.Value, at: Run) -> tuple[str, str]:
    """The JSON in which a value stands, and the path to it."""
    if isinstance(node, bound_nodes.Then) and isinstance(node.operand, nodes.Value):
        return document(node.operand, at.then(node))
    if not isinstance(node, bound_nodes.FieldValue):
        return "NULL", at.bind("$")
    return at.of(node.field, "json"), at.bind(json_path(node.path))


def json_path(path: tuple[str | int, ...]) -> str:
    """Write a path as SQLite's JSON functions read it."""
    steps = [f'."{step}"' if isinstance(step, str) else f"[{step}]" if step >= 0 else f"[#{step}]" for step in path]
    return "$" + "".join(steps)


def _of_rows(node: bound_nodes.OfRows, face: str, at: Run) -> str:
    """What a function gives of the rows of a DataFrame; SQLite tests what has a SELECT of its own after the others."""
    named = f"f.notebook_id = {at.nb_id} AND f.name_id = {at.bind(node.frame.field.name_id)}"  # type: ignore[union-attr]
    if not node.expression:
        return f"(SELECT f.rows FROM {at.tables}frames AS f WHERE {named})"
    given = "".join(f", coalesce({', '.join(faces(each, at).values())}, NULL)" for each in node.given)
    found = f"of_rows({at.bind(node.expression)}, f.hash, b.data, n.path{given})"
    if len(node.kinds) > 1:
        is_face = f"typeof(value) {'=' if face == 'text' else '<>'} 'text'"
        found = f"(SELECT iif({is_face}, value, NULL) FROM (SELECT {found} AS value))"
    return (
        f"(SELECT {found} FROM {at.tables}frames AS f JOIN {at.tables}notebooks AS n ON n.id = f.notebook_id"
        f" LEFT JOIN blobs AS b ON f.stored = 'inline' AND b.hash = f.hash WHERE {named})"
    )


def _face(place: bound_nodes.FieldValue, face: str, at: Run) -> str:
    if not place.path:
        return at.of(place.field, "number" if face == "number" else "text")
    return _in_json(place, face, at, "iif({type}, {value}, NULL)")


def compared(place: bound_nodes.FieldValue, face: str, comparison: str, at: Run) -> str:
    """A comparison with what stands in a list or dict; its type is read only where it holds."""
    return _in_json(place, face, at, f"({{value}} {comparison} AND {{type}})")


def _in_json(place: bound_nodes.FieldValue, face: str, at: Run, form: str) -> str:
    path, types = at.bind(json_path(place.path)), _NUMBERS if face == "number" else "('text')"
    extract, type_ = f"json_extract({{json}}, {path})", f"json_type({{json}}, {path}) IN {types}"
    form = form.format(value=extract, type=type_)
    return at.of(place.field, "json", lambda json: form.format(json=json))


def _arithmetic(node: nodes.Arithmetic, at: Run) -> str:
    if "time" in bound_nodes.kinds(node.left) | bound_nodes.kinds(node.right):
        # SQLite knows times to the millisecond; a day as a float is not exact.
        return f"round(({moment(node.left, at)} - {moment(node.right, at)}) * 86400.0, 3)"
    left, right = number(node.left, at), number(node.right, at)
    if node.operator == "/":
        return f"(CAST({left} AS REAL) / {right})"
    if node.operator == "%":
        return f"remainder({left}, {right})"
    return f"({left} {node.operator} {right})"


def _call(node: nodes.Call, at: Run) -> str:
    if node.function == "abs":
        # abs() of the smallest integer is an error that would end the whole query.
        return f"abs(nullif({number(node.arguments[0], at)}, {at.bind(-(2**63))}))"
    if node.function == "round":
        return f"round({', '.join(number(argument, at) for argument in node.arguments)})"
    if node.function == "length":
        return _length(node.arguments[0], at)
    if node.function in TIMES:
        return _part_of_time(node, at)
    if node.function == "coalesce":
        return _coalesce(node, "number", at)
    return "NULL"


def _part_of_time(node: nodes.Call, at: Run) -> str:
    part, moment = node.function, text(node.arguments[0], at)
    if bound_nodes.kinds(node.arguments[0]) == {"time"} and part in times.LENGTHS:  # in the store's own form
        found = f"substr({moment}, 1, {times.LENGTHS[part]})"
        return f"CAST({found} AS INTEGER)" if part == "year" else found
    return f"part_of_time('{part}', {moment})"


def _length(node: nodes.Value, at: Run) -> str:
    parts = [f"length({text(node, at)})"] if "text" in bound_nodes.kinds(node) else []
    if "json" in bound_nodes.kinds(node):
        json, path = document(node, at)
        parts.append(
            f"CASE json_type({json}, {path}) WHEN 'array' THEN json_array_length({json}, {path})"
            f" WHEN 'object' THEN (SELECT count(*) FROM json_each({json}, {path})) END"
        )
    return f"coalesce({', '.join(parts)}, NULL)" if parts else "NULL"


def _coalesce(node: nodes.Call, face: str, at: Run) -> str:
    """The first value that is there, if it has that face; a list is there and has none, as an expression."""
    faceless = [_faceless(argument, at) for argument in node.arguments]
    if not any(faceless) and not any(
        len(bound_nodes.kinds(argument) & bound_nodes.SCALARS) > 1 for argument in node.arguments
    ):
        found = [faces(argument, at).get(face, "NULL") for argument in node.arguments]
        return f"coalesce({', '.join(found)}, NULL)"
    cases = []
    for argument, conditions in zip(node.arguments, faceless, strict=True):
        cases += [f"WHEN {condition} THEN NULL" for condition in conditions]
        for other, value in faces(argument, at).items():
            cases.append(f"WHEN {value} IS NOT NULL THEN {value if other == face else 'NULL'}")
    return f"CASE {' '.join(cases)} END" if cases else "NULL"


def _faceless(node: nodes.Value, at: Run) -> list[str]:
    """Conditions that a value is there, and neither number nor text: an expression, a list, a dict, a frame, a display.

    What is calculated of an expression is there too, though nobody knows what it is.
    """
    if isinstance(node, bound_nodes.Then):
        return _faceless(node.operand, at.then(node)) if isinstance(node.operand, nodes.Value) else []
    places = [found for found, _ in nodes.walk(node) if isinstance(found, bound_nodes.FieldValue)]
    fields = dict.fromkeys(place.field for place in places if isinstance(place.field, Field))
    whole = isinstance(node, bound_nodes.FieldValue) and not node.path
    types = {field: field.types & (_FACELESS if whole else {"expression"}) for field in fields}
    conditions = [f"{at.looked_up(field, 'v.type')} IN ({_listed(found)})" for field, found in types.items() if found]
    if isinstance(node, bound_nodes.FieldValue) and node.path:
        json, path = document(node, at)
        conditions.append(f"json_type({json}, {path}) IN ('array', 'object')")
    return conditions


def _listed(types: frozenset[str]) -> str:
    return ", ".join(f"'{type_}'" for type_ in sorted(types))
