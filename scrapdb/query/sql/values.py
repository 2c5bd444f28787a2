"""Values as SQL. Each has two faces, its number and its text; the one that it is not is NULL, as is a missing value."""

from __future__ import annotations

from scrapdb.query import bound
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.sql import rows

_NUMBERS = "('integer', 'real', 'true', 'false')"
_FACELESS = frozenset({"expression", "json", "frame", "display"})
_LIKE_A_DATE = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"


def faces(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> dict[str, str]:
    """The faces that a value can have, by `number` and `text`."""
    found = {}
    if "number" in bound.kinds(node):
        found["number"] = number(node, scope, bind)
    if bound.kinds(node) & {"text", "time"}:
        found["text"] = text(node, scope, bind)
    return found


def number(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> str:
    """The number that a value is."""
    if isinstance(node, bound.Place):
        return _face(node, "number", scope, bind)
    if isinstance(node, nodes.Negative):
        return f"(- {number(node.operand, scope, bind)})"
    if isinstance(node, nodes.Arithmetic):
        return _arithmetic(node, scope, bind)
    if isinstance(node, nodes.Call):
        return _call(node, scope, bind)
    if isinstance(node, nodes.Constant) and not isinstance(node.value, str):
        return bind(int(node.value) if isinstance(node.value, bool) else node.value)
    return "NULL"


def text(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> str:
    """The text that a value is; times are text too."""
    if isinstance(node, bound.Place):
        return _face(node, "text", scope, bind)
    if isinstance(node, nodes.Constant):
        return bind(node.value) if isinstance(node.value, str) else "NULL"
    if isinstance(node, bound.Instant):
        return bind(node.text)
    if isinstance(node, nodes.Call) and node.function in ("lower", "upper"):
        return f"text_{node.function}({text(node.arguments[0], scope, bind)})"
    if isinstance(node, nodes.Call) and node.function == "coalesce":
        return _coalesce(node, "text", scope, bind)
    return "NULL"


def moment(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> str:
    """The time that a value is, in days; text that does not look like a time is none."""
    found = text(node, scope, bind)
    if "time" in bound.kinds(node):
        return f"julianday({found})"
    return f"iif({found} GLOB {_LIKE_A_DATE}, julianday({found}), NULL)"


def document(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> tuple[str, str]:
    """The JSON in which a value stands, and the path to it."""
    if not isinstance(node, bound.Place):
        return "NULL", bind("$")
    column = node.field.column if isinstance(node.field, Attribute) else "json"
    return rows.looked_up(rows.row_of(node), lambda alias: f"{alias}.{column}", scope, bind), bind(json_path(node.path))


def json_path(path: tuple[str | int, ...]) -> str:
    """Write a path as SQLite's JSON functions read it."""
    steps = [f'."{step}"' if isinstance(step, str) else f"[{step}]" if step >= 0 else f"[#{step}]" for step in path]
    return "$" + "".join(steps)


def _face(place: bound.Place, face: str, scope: rows.Scope, bind: rows.Binder) -> str:
    attribute = place.field if isinstance(place.field, Attribute) else None
    if not place.path:
        column = attribute.column if attribute else face
        return rows.looked_up(rows.row_of(place), lambda alias: f"{alias}.{column}", scope, bind)
    column = attribute.column if attribute else "json"
    path = bind(json_path(place.path))
    types = _NUMBERS if face == "number" else "('text')"
    return rows.looked_up(
        rows.row_of(place),
        lambda alias: (
            f"iif(json_type({alias}.{column}, {path}) IN {types}, json_extract({alias}.{column}, {path}), NULL)"
        ),
        scope,
        bind,
    )


def _arithmetic(node: nodes.Arithmetic, scope: rows.Scope, bind: rows.Binder) -> str:
    if "time" in bound.kinds(node.left) | bound.kinds(node.right):
        # SQLite knows times to the millisecond; a day as a float is not exact.
        return f"round(({moment(node.left, scope, bind)} - {moment(node.right, scope, bind)}) * 86400.0, 3)"
    left, right = number(node.left, scope, bind), number(node.right, scope, bind)
    if node.operator == "/":
        return f"(CAST({left} AS REAL) / {right})"
    if node.operator == "%":
        return f"remainder({left}, {right})"
    return f"({left} {node.operator} {right})"


def _call(node: nodes.Call, scope: rows.Scope, bind: rows.Binder) -> str:
    if node.function == "abs":
        # abs() of the smallest integer is an error that would end the whole query.
        return f"abs(nullif({number(node.arguments[0], scope, bind)}, {bind(-(2**63))}))"
    if node.function == "round":
        return f"round({', '.join(number(argument, scope, bind) for argument in node.arguments)})"
    if node.function == "length":
        return _length(node.arguments[0], scope, bind)
    if node.function == "coalesce":
        return _coalesce(node, "number", scope, bind)
    return "NULL"


def _length(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> str:
    parts = [f"length({text(node, scope, bind)})"] if "text" in bound.kinds(node) else []
    if "json" in bound.kinds(node):
        json, path = document(node, scope, bind)
        parts.append(
            f"CASE json_type({json}, {path}) WHEN 'array' THEN json_array_length({json}, {path})"
            f" WHEN 'object' THEN (SELECT count(*) FROM json_each({json}, {path})) END"
        )
    return f"coalesce({', '.join(parts)}, NULL)" if parts else "NULL"


def _coalesce(node: nodes.Call, face: str, scope: rows.Scope, bind: rows.Binder) -> str:
    """The first value that is there, if it has that face; a list is there and has none, as an expression."""
    faceless = [_faceless(argument, scope, bind) for argument in node.arguments]
    if not any(faceless) and not any(len(bound.kinds(argument) & bound.SCALARS) > 1 for argument in node.arguments):
        found = [faces(argument, scope, bind).get(face, "NULL") for argument in node.arguments]
        return f"coalesce({', '.join(found)}, NULL)"
    cases = []
    for argument, conditions in zip(node.arguments, faceless, strict=True):
        cases += [f"WHEN {condition} THEN NULL" for condition in conditions]
        for other, value in faces(argument, scope, bind).items():
            cases.append(f"WHEN {value} IS NOT NULL THEN {value if other == face else 'NULL'}")
    return f"CASE {' '.join(cases)} END" if cases else "NULL"


def _faceless(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> list[str]:
    """Conditions that a value is there, and neither number nor text: an expression, a list, a dict, a frame, a display.

    What is calculated of an expression is there too, though nobody knows what it is.
    """
    places = [found for found, _ in nodes.walk(node) if isinstance(found, bound.Place)]
    fields = dict.fromkeys(place.field for place in places if isinstance(place.field, Field))
    whole = isinstance(node, bound.Place) and not node.path
    types = {field: field.types & (_FACELESS if whole else {"expression"}) for field in fields}
    conditions = [
        f"{rows.looked_up(field, lambda alias: f'{alias}.type', scope, bind)} IN ({_listed(found)})"
        for field, found in types.items()
        if found
    ]
    if isinstance(node, bound.Place) and node.path:
        json, path = document(node, scope, bind)
        conditions.append(f"json_type({json}, {path}) IN ('array', 'object')")
    return conditions


def _listed(types: frozenset[str]) -> str:
    return ", ".join(f"'{type_}'" for type_ in sorted(types))
