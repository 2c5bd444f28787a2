"""Bound trees as SQL: a condition that is true exactly where the tree is, and otherwise false or NULL."""

from __future__ import annotations

from collections.abc import Iterator

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query import patterns
from scrapdb.query.fields import Field
from scrapdb.query.sql import values
from scrapdb.query.sql.places import Binder
from scrapdb.query.sql.places import Row
from scrapdb.query.sql.places import Run
from scrapdb.query.sql.places import id_of
from scrapdb.query.sql.places import separated
from scrapdb.query.sql.places import tables

# Up to so many items are bound one by one; more go as one JSON list.
_FEW = 50
_LARGE = 2**63


def test(node: nodes.Truth, at: Run) -> str:
    """Write the condition that a bound tree is true."""
    if isinstance(node, nodes.And | nodes.Or):
        terms = sorted(node.terms, key=bound_nodes.asks_rows)  # SQLite tests one after another
        return separated("AND" if isinstance(node, nodes.And) else "OR", [test(term, at) for term in terms])
    if isinstance(node, bound_nodes.Fails):
        return f"NOT ifnull({test(node.operand, at)}, 0)"
    if isinstance(node, bound_nodes.Sought):
        return f"r.nb_id IN ({ids(node, at.bind)})"
    if not isinstance(node, bound_nodes.Leaf):
        raise TypeError(node)
    return condition(node, at)


def ids(node: bound_nodes.Sought, bind: Binder) -> str:
    """The SELECT of the ids of the notebooks that an index gives, each once."""
    return " UNION ALL ".join(
        f"SELECT {key} FROM {table} WHERE {separated('AND', conditions)}" for key, table, conditions in rows(node, bind)
    )


def rows(node: bound_nodes.Sought, bind: Binder) -> Iterator[tuple[str, str, list[str]]]:
    """Where the rows `v` stand that an index gives: the column with the notebook's id, the table, and conditions."""
    conditions = [condition(leaf, Row(bind)) for leaf in node.leaves]
    if isinstance(node.row, str):
        yield f"v.{id_of(node.row)}", f"{node.row} AS v", conditions or ["1"]
        return
    for table, named in tables(node.row, bind):
        yield "v.notebook_id", table, [named, *_unused(node, node.row), *conditions]


def _unused(node: bound_nodes.Sought, field: Field) -> list[str]:
    """Say which of the index's columns is NULL: it has the number first, so that a text is found only thereby."""
    places = [place for leaf in node.leaves for place in leaf.places]
    if places and all(place.path for place in places):
        return ["v.number IS NULL", "v.text IS NULL"]
    is_text = bool(node.leaves) and ("number" not in field.kinds or any(map(_asks_text, node.leaves)))
    return ["v.number IS NULL"] if is_text else []


def _asks_text(leaf: bound_nodes.Leaf) -> bool:
    """Whether only a text can make a leaf true."""
    node = leaf.node
    if isinstance(node, nodes.In):
        return not leaf.negated and all(bound_nodes.kinds(item) == {"text"} for item in node.items)
    return isinstance(node, nodes.Comparison) and node.operator not in ("!=", "contains") and _is_text(node.right)


def _is_text(node: nodes.Value) -> bool:
    return isinstance(node, nodes.Constant) and isinstance(node.value, str)


def condition(leaf: bound_nodes.Leaf, at: Run) -> str:
    """Write a leaf; at a row it asks for that row alone."""
    node = leaf.node
    if isinstance(node, nodes.IsNull):
        found = present(node.operand, at)
        return found if leaf.negated else f"NOT ifnull({found}, 0)"
    if isinstance(node, nodes.In):
        return _choice(node, at, negated=leaf.negated)
    if isinstance(node, nodes.Holds):
        return _holds(node.operand, at, negated=leaf.negated)
    if node.operator == "contains":
        return _contains(node, at, negated=leaf.negated)
    if node.operator in ("like", "~"):
        return _pattern(node, at, negated=leaf.negated)
    return _relation(node, at)


def present(node: nodes.Value, at: Run) -> str:
    """Whether there is a value that is neither null nor NaN."""
    if isinstance(node, bound_nodes.Key | bound_nodes.Aggregate):
        return at.is_in_group(node)
    if isinstance(node, bound_nodes.Then) and isinstance(node.operand, bound_nodes.FieldValue | bound_nodes.Then):
        return present(node.operand, at.then(node))
    if not isinstance(node, bound_nodes.FieldValue):
        return separated("OR", [f"{face} IS NOT NULL" for face in values.faces(node, at).values()] or ["0"])
    if not node.path:
        return at.is_there(node.field)
    path = at.bind(values.json_path(node.path))
    return at.of(node.field, "json", lambda json: f"json_type({json}, {path}) <> 'null'")


def _relation(node: nodes.Comparison, at: Run) -> str:
    left, right = node.left, node.right
    operator = "<>" if node.operator == "!=" else node.operator
    times = [side for side in (left, right) if "time" in bound_nodes.kinds(side)]
    if len(times) == 1:
        return f"{values.moment(left, at)} {operator} {values.moment(right, at)}"
    lefts, rights = values.faces(left, at), values.faces(right, at)
    if isinstance(left, bound_nodes.FieldValue) and left.path and isinstance(right, nodes.Constant):
        found = [values.compared(left, face, f"{operator} {constant}", at) for face, constant in rights.items()]
    else:
        found = [f"{lefts[face]} {operator} {rights[face]}" for face in lefts if face in rights]
    if operator == "<>":
        # A number is not a text: that they differ is true.
        for face, other in (("number", "text"), ("text", "number")):
            if face in lefts and other in rights:
                is_known = isinstance(right, nodes.Constant | bound_nodes.Instant)
                sides = [lefts[face]] if is_known else [lefts[face], rights[other]]
                found.append(separated("AND", [f"{side} IS NOT NULL" for side in sides]))
    return separated("OR", found or ["NULL"])


def _choice(node: nodes.In, at: Run, *, negated: bool) -> str:
    found = []
    for face, operand in values.faces(node.operand, at).items():
        items = _items(node.items, face, at.bind)
        if items:
            found.append(f"{operand} {'NOT ' if negated else ''}IN ({items})")
        elif negated:
            found.append(f"{operand} IS NOT NULL")
    return separated("OR", found or ["NULL"])


def _items(items: tuple[nodes.Value, ...], face: str, bind: Binder) -> str:
    constants = [_plain(item) for item in items if (bound_nodes.kinds(item) == {"number"}) == (face == "number")]
    # As JSON, a float or a larger integer might not be read back to its last bit.
    exact = all(isinstance(value, str) or (isinstance(value, int) and abs(value) < _LARGE) for value in constants)
    if len(constants) > _FEW and exact:
        import json  # which most queries do without

        return f"SELECT value FROM json_each({bind(json.dumps(constants, ensure_ascii=False))})"
    return ", ".join(map(bind, constants))


def _plain(item: nodes.Value) -> object:
    if isinstance(item, nodes.Constant):
        return int(item.value) if isinstance(item.value, bool) else item.value
    return item.text if isinstance(item, bound_nodes.Instant) else None


def _holds(operand: nodes.Value, at: Run, *, negated: bool) -> str:
    found = values.number(operand, at)
    if negated:
        return f"{found} = 0"
    field = operand.field if isinstance(operand, bound_nodes.FieldValue) and not operand.path else None
    is_boolean = isinstance(field, Field) and field.types <= {"boolean", "null"}
    return f"{found} = 1" if is_boolean else f"{found} <> 0"


def _pattern(node: nodes.Comparison, at: Run, *, negated: bool) -> str:
    subject = values.text(node.left, at)
    pattern = bound_nodes.pattern_of(node)
    if node.operator == "~":
        # Compared with a number, so that a missing text stays neither.
        return f"regexp({at.bind(pattern)}, {subject}) = {at.bind(0 if negated else 1)}"
    if negated:
        return f"{subject} NOT GLOB {at.bind(patterns.glob(pattern))}"
    start = patterns.prefix(pattern)
    if start == pattern:
        return f"{subject} = {at.bind(pattern)}"
    found = [f"{subject} GLOB {at.bind(patterns.glob(pattern))}"]
    if start and isinstance(node.left, bound_nodes.FieldValue) and not node.left.path:
        found.append(f"{subject} >= {at.bind(start)}")
        end = patterns.after(start)
        found += [f"{subject} < {at.bind(end)}"] if end else []
    return f"({' AND '.join(found)})"


def _contains(node: nodes.Comparison, at: Run, *, negated: bool) -> str:
    left, right = node.left, node.right
    parts = values.faces(right, at)
    found = []
    if "text" in bound_nodes.kinds(left) and "text" in parts:
        found.append(f"instr({values.text(left, at)}, {parts['text']}) {'=' if negated else '>'} 0")
    if "json" in bound_nodes.kinds(left):
        source, path = values.document(left, at)
        members, keys = _members(parts)
        word = "NOT EXISTS" if negated else "EXISTS"
        each = f"SELECT 1 FROM json_each({source}, {path}) AS e WHERE"
        there = separated("OR", [f"{part} IS NOT NULL" for part in parts.values()] or ["0"])
        found.append(
            f"({there} AND CASE json_type({source}, {path}) WHEN 'array' THEN {word} ({each} {members})"
            f" WHEN 'object' THEN {word} ({each} {keys}) END)"
        )
    return separated("OR", found or ["NULL"])


def _members(parts: dict[str, str]) -> tuple[str, str]:
    """Conditions for a member of a list and for a key of a dict."""
    members = []
    if "number" in parts:
        members.append(f"e.type IN ('integer', 'real', 'true', 'false') AND e.atom = {parts['number']}")
    if "text" in parts:
        members.append(f"e.type = 'text' AND e.atom = {parts['text']}")
    keys = f"e.key = {parts['text']}" if "text" in parts else "0"
    return separated("OR", [f"({member})" for member in members] or ["0"]), keys
