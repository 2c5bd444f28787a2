"""Leaves as SQL: a condition that is true exactly where the leaf is, and otherwise false or NULL."""

from __future__ import annotations

from scrapdb.query import bound
from scrapdb.query import nodes
from scrapdb.query import patterns
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.sql import rows
from scrapdb.query.sql import values

# Up to so many items are bound one by one; more go as one JSON list.
_FEW = 50
_LARGE = 2**63


def condition(leaf: bound.Leaf, scope: rows.Scope, bind: rows.Binder) -> str:
    """Write a leaf."""
    node = leaf.node
    if isinstance(node, nodes.IsNull):
        found = present(node.operand, scope, bind)
        return found if leaf.negated else f"NOT ifnull({found}, 0)"
    if isinstance(node, nodes.In):
        return _choice(node, scope, bind, negated=leaf.negated)
    if isinstance(node, nodes.Holds):
        return _holds(node.operand, scope, bind, negated=leaf.negated)
    if node.operator == "contains":
        return _contains(node, scope, bind, negated=leaf.negated)
    if node.operator in ("like", "~"):
        return _pattern(node, scope, bind, negated=leaf.negated)
    return _relation(node, scope, bind)


def present(node: nodes.Value, scope: rows.Scope, bind: rows.Binder) -> str:
    """Whether there is a value that is neither null nor NaN."""
    if not isinstance(node, bound.Place):
        return rows.joined("OR", [f"{face} IS NOT NULL" for face in values.faces(node, scope, bind).values()] or ["0"])
    row = rows.row_of(node)
    if row not in scope.rows:
        return rows.existing(row, lambda inner: present(node, inner, bind), scope, bind)
    return rows.joined("OR", [_present_in(node, alias, bind) for alias in scope.rows[row]])


def _present_in(place: bound.Place, alias: str, bind: rows.Binder) -> str:
    field = place.field
    if place.path:
        column = field.column if isinstance(field, Attribute) else "json"
        return f"json_type({alias}.{column}, {bind(values.json_path(place.path))}) <> 'null'"
    if isinstance(field, Attribute):
        return f"{alias}.{field.column} IS NOT NULL"
    return rows.joined("OR", _present_types(field, alias))


def _present_types(field: Field, alias: str) -> list[str]:
    """Conditions on the columns of the index where they are enough, since `type` is not in it."""
    checks = {"number": f"{alias}.number IS NOT NULL", "text": f"{alias}.text IS NOT NULL"}
    found = [check for kind, check in checks.items() if kind in field.kinds]
    if field.kinds - {"number", "text"} or "expression" in field.types:
        found.append(f"{alias}.type IN ('json', 'frame', 'display', 'expression')")
    return found or ["0"]


def _relation(node: nodes.Comparison, scope: rows.Scope, bind: rows.Binder) -> str:
    left, right = node.left, node.right
    operator = "<>" if node.operator == "!=" else node.operator
    times = [side for side in (left, right) if "time" in bound.kinds(side)]
    if len(times) == 1:
        return f"{values.moment(left, scope, bind)} {operator} {values.moment(right, scope, bind)}"
    lefts, rights = values.faces(left, scope, bind), values.faces(right, scope, bind)
    found = [f"{lefts[face]} {operator} {rights[face]}" for face in lefts if face in rights]
    if operator == "<>":
        # A number is not a text: that they differ is true.
        for face, other in (("number", "text"), ("text", "number")):
            if face in lefts and other in rights:
                found.append(_both(f"{lefts[face]} IS NOT NULL", right, f"{rights[other]} IS NOT NULL"))
    return rows.joined("OR", found or ["NULL"])


def _both(first: str, right: nodes.Value, second: str) -> str:
    return first if isinstance(right, nodes.Constant | bound.Instant) else f"({first} AND {second})"


def _choice(node: nodes.In, scope: rows.Scope, bind: rows.Binder, *, negated: bool) -> str:
    found = []
    for face, operand in values.faces(node.operand, scope, bind).items():
        items = _items(node.items, face, bind)
        if items:
            found.append(f"{operand} {'NOT ' if negated else ''}IN ({items})")
        elif negated:
            found.append(f"{operand} IS NOT NULL")
    return rows.joined("OR", found or ["NULL"])


def _items(items: tuple[nodes.Value, ...], face: str, bind: rows.Binder) -> str:
    constants = [_plain(item) for item in items if (bound.kinds(item) == {"number"}) == (face == "number")]
    # As JSON, a float or a larger integer might not be read back to its last bit.
    exact = all(isinstance(value, str) or (isinstance(value, int) and abs(value) < _LARGE) for value in constants)
    if len(constants) > _FEW and exact:
        import json  # which most queries do without

        return f"SELECT value FROM json_each({bind(json.dumps(constants, ensure_ascii=False))})"
    return ", ".join(map(bind, constants))


def _plain(item: nodes.Value) -> object:
    if isinstance(item, nodes.Constant):
        return int(item.value) if isinstance(item.value, bool) else item.value
    return item.text if isinstance(item, bound.Instant) else None


def _holds(operand: nodes.Value, scope: rows.Scope, bind: rows.Binder, *, negated: bool) -> str:
    found = values.number(operand, scope, bind)
    if negated:
        return f"{found} = 0"
    field = operand.field if isinstance(operand, bound.Place) and not operand.path else None
    is_boolean = isinstance(field, Field) and field.types <= {"boolean", "null"}
    return f"{found} = 1" if is_boolean else f"{found} <> 0"


def _pattern(node: nodes.Comparison, scope: rows.Scope, bind: rows.Binder, *, negated: bool) -> str:
    subject = values.text(node.left, scope, bind)
    pattern = bound.pattern_of(node)
    if node.operator == "~":
        # Compared with a number, so that a missing text stays neither.
        return f"regexp({bind(pattern)}, {subject}) = {bind(0 if negated else 1)}"
    if negated:
        return f"{subject} NOT GLOB {bind(patterns.glob(pattern))}"
    start = patterns.prefix(pattern)
    if start == pattern:
        return f"{subject} = {bind(pattern)}"
    found = [f"{subject} GLOB {bind(patterns.glob(pattern))}"]
    if start and isinstance(node.left, bound.Place) and not node.left.path:
        found.append(f"{subject} >= {bind(start)}")
        end = patterns.after(start)
        found += [f"{subject} < {bind(end)}"] if end else []
    return f"({' AND '.join(found)})"


def _contains(node: nodes.Comparison, scope: rows.Scope, bind: rows.Binder, *, negated: bool) -> str:
    left, right = node.left, node.right
    parts = values.faces(right, scope, bind)
    found = []
    if "text" in bound.kinds(left) and "text" in parts:
        found.append(f"instr({values.text(left, scope, bind)}, {parts['text']}) {'=' if negated else '>'} 0")
    if "json" in bound.kinds(left):
        source, path = values.document(left, scope, bind)
        members, keys = _members(parts)
        word = "NOT EXISTS" if negated else "EXISTS"
        each = f"SELECT 1 FROM json_each({source}, {path}) AS e WHERE"
        there = rows.joined("OR", [f"{part} IS NOT NULL" for part in parts.values()] or ["0"])
        found.append(
            f"({there} AND CASE json_type({source}, {path}) WHEN 'array' THEN {word} ({each} {members})"
            f" WHEN 'object' THEN {word} ({each} {keys}) END)"
        )
    return rows.joined("OR", found or ["NULL"])


def _members(parts: dict[str, str]) -> tuple[str, str]:
    """Conditions for a member of a list and for a key of a dict."""
    members = []
    if "number" in parts:
        members.append(f"e.type IN ('integer', 'real', 'true', 'false') AND e.atom = {parts['number']}")
    if "text" in parts:
        members.append(f"e.type = 'text' AND e.atom = {parts['text']}")
    keys = f"e.key = {parts['text']}" if "text" in parts else "0"
    return rows.joined("OR", [f"({member})" for member in members] or ["0"]), keys
