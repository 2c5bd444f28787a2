"""Which notebooks are looked at: a term of which an index gives few is looked up in it, and the others are tested.

Of a conjunction the term with the fewest notebooks is looked up, of a disjunction all terms or none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterator
from typing import NamedTuple

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.patterns import prefix

_ORDERED = (("notebooks", "status"), ("notebooks", "started_at"))  # columns that indexes have in their order
_INDEXED = (("notebooks", "path"), *_ORDERED)
# Longer lists are not counted, nor are terms beyond so many.
_LONG_LIST, _MANY = 100, 400
_TIMES = 10


class Narrowed(NamedTuple):
    """A tree of which an index gives the notebooks, at most so many."""

    size: float
    where: nodes.Truth


class Narrowing:
    """Counting, and choosing what to look up.

    Args:
        count: counts what an index has, up to a limit.
        enough: so many notebooks are too many.
        scanning: whether also what does not stand side by side in an index is counted.
    """

    def __init__(self, count: Callable[[bound_nodes.Sought, int], int], enough: int, *, scanning: bool = False) -> None:
        self._count = count
        self._enough = enough
        self._scanning = scanning

    def narrowed(self, where: nodes.Truth) -> Narrowed | None:
        """Look terms up in an index; None if it would give too many."""
        if isinstance(where, nodes.Or):
            return self._any(where)
        terms = _terms(where)
        choices: list[tuple[Narrowed, tuple[nodes.Truth, ...]]] = []
        choices += [(Narrowed(self._size(sought), sought), sought.leaves) for sought in _sought(terms)]
        choices += [(found, (term,)) for term in terms if isinstance(term, nodes.Or) and (found := self._any(term))]
        best, answered = min(choices, key=lambda choice: choice[0].size, default=(Narrowed(math.inf, where), ()))
        others = (term for term in terms if term not in answered)
        return Narrowed(best.size, all_of((best.where, *others))) if best.size < math.inf else None

    def _any(self, where: nodes.Or) -> Narrowed | None:
        found: list[Narrowed] = []
        for term in where.terms:
            each = self.narrowed(term) if len(where.terms) <= _MANY else None
            if each is None or sum(one.size for one in found) + each.size >= self._enough:
                return None
            found.append(each)
        return Narrowed(sum(one.size for one in found), nodes.Or(tuple(one.where for one in found)))

    def _size(self, sought: bound_nodes.Sought) -> float:
        row = sought.row
        known = row.notebooks if isinstance(row, Field) else math.inf
        # What `runs` does not show would be looked up for each notebook, which takes as long as to look that up.
        enough = self._enough * (1 if isinstance(row, str) or row.columns else _TIMES)
        counted = tuple(
            leaf for leaf in sought.leaves if _is_soon_counted(leaf) or (self._scanning and _is_covered(leaf))
        )
        if known >= enough and counted:
            known = self._count(bound_nodes.Sought(row, counted), enough)
        return known if known < enough else math.inf


def missing(where: nodes.Truth, enough: int) -> nodes.Truth:
    """Have an index tell who has a value, where a notebook without it is looked for and fewer than `enough` have it."""
    if isinstance(where, nodes.And | nodes.Or):
        return type(where)(tuple(missing(term, enough) for term in where.terms))
    node = where.node if isinstance(where, bound_nodes.Leaf) and not where.negated else None
    place = node.operand if isinstance(node, nodes.IsNull) else None
    if not isinstance(place, bound_nodes.FieldValue) or place.path or not isinstance(place.field, Field):
        return where
    there = bound_nodes.Leaf(nodes.IsNull(place), negated=True)
    return bound_nodes.Fails(bound_nodes.Sought(place.field, (there,))) if place.field.notebooks < enough else where


def alone(where: nodes.Truth | None) -> bound_nodes.Sought | None:
    """Take a tree for one look-up, if it is one: all its terms ask for the same row of an index."""
    terms = _terms(where)
    whole = (sought for sought in _sought(terms) if len(sought.leaves) == len(terms))
    return next((sought for sought in whole if any(map(_is_soon_counted, sought.leaves))), None)


def first(where: nodes.Truth | None, key: nodes.Value | None) -> tuple[bound_nodes.Sought, nodes.Truth | None] | None:
    """Find the rows that an index has in an order, and what else is to be tested of their notebooks.

    Without a key it is the order of the paths. The index leaves out the notebooks that do not have the key.
    """
    if key is None:
        return bound_nodes.Sought("notebooks", ()), where
    lowest = _lowest(key)
    if lowest is None or not isinstance(key, bound_nodes.FieldValue):
        return None
    row = bound_nodes.row_of(key.field)
    there = bound_nodes.Leaf(nodes.Comparison(">=", key, lowest), negated=False)
    own = tuple(term for term in _terms(where) if isinstance(term, bound_nodes.Leaf) and term.row == row)
    others = tuple(term for term in _terms(where) if term not in own)
    return bound_nodes.Sought(row, (there, *own)), all_of(others) if others else None


def all_of(terms: tuple[nodes.Truth, ...]) -> nodes.Truth:
    """Join by `and`."""
    return nodes.And(terms) if len(terms) > 1 else terms[0]


def _terms(where: nodes.Truth | None) -> tuple[nodes.Truth, ...]:
    return where.terms if isinstance(where, nodes.And) else (where,) if where else ()


def _sought(terms: tuple[nodes.Truth, ...]) -> Iterator[bound_nodes.Sought]:
    """Yield what an index has for terms that all hold: for those on one row together, for others the rarest name."""
    together: dict[Field | str, list[bound_nodes.Leaf]] = {}
    for leaf in terms:
        if not isinstance(leaf, bound_nodes.Leaf):
            continue
        if isinstance(leaf.row, Field) or (leaf.row and _is_soon_counted(leaf)):
            together.setdefault(leaf.row, []).append(leaf)
        elif fields := [place.field for place in leaf.required if isinstance(place.field, Field)]:
            together.setdefault(min(fields, key=lambda field: field.notebooks), [])
    for row, leaves in together.items():
        yield bound_nodes.Sought(row, tuple(leaves))


def _is_soon_counted(leaf: bound_nodes.Leaf) -> bool:
    """Whether it is quick to count what holds: tables such as `records` have no indexes, but are short."""
    return _stands_together(leaf) or (isinstance(leaf.row, str) and leaf.row not in ("notebooks", "versions"))


def _stands_together(leaf: bound_nodes.Leaf) -> bool:
    """Whether an index has what a leaf asks for side by side."""
    node = leaf.node
    place = node.children[0]
    if not isinstance(node, nodes.Comparison | nodes.In) or not isinstance(place, bound_nodes.FieldValue) or place.path:
        return False
    if isinstance(place.field, Attribute) and (place.field.table, place.field.column) not in _INDEXED:
        return False
    if leaf.negated or not all(isinstance(value, nodes.Constant | bound_nodes.Instant) for value in node.children[1:]):
        return False
    if isinstance(node, nodes.In):
        return len(node.items) <= _LONG_LIST
    if node.operator == "like":
        start = prefix(bound_nodes.pattern_of(node))
        return bool(start) and bound_nodes.pattern_of(node) in (start, f"{start}%")
    return node.operator in ("=", "<", "<=", ">", ">=")


def _is_covered(leaf: bound_nodes.Leaf) -> bool:
    """Whether the index has all that a leaf asks for."""
    return all(not place.path and place.field.kinds <= bound_nodes.SCALARS for place in leaf.places)


def _lowest(key: nodes.Value) -> nodes.Constant | bound_nodes.Instant | None:
    """The value from which an index has all values of a key in their order."""
    if not isinstance(key, bound_nodes.FieldValue) or key.path:
        return None
    field = key.field
    if isinstance(field, Attribute):
        indexed = (field.table, field.column) in _ORDERED
        return (bound_nodes.Instant("") if field.kind == "time" else nodes.Constant("")) if indexed else None
    if field.scraps and field.parameters:
        return None
    return (
        nodes.Constant(-math.inf) if "number" in field.kinds else nodes.Constant("") if "text" in field.kinds else None
    )
