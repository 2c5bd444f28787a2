"""The first rows of an order, read off an index that has them in that order, until there are enough.

Otherwise all notebooks found are sorted, which is better only where they are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Sequence

from scrapdb.query import bound
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.frozen import Frozen
from scrapdb.query.sql import search
from scrapdb.query.sql.statements import Order

# Who asks for more rows than these has them sorted.
MOST = 10_000
_ORDERED_ATTRIBUTES = ("nb.status", "nb.started_at")


class Walk(Frozen):
    """A search that comes in the order wanted; with `scanning` in that of the paths.

    It is complete if it does not leave out the notebooks without a value to sort by.
    """

    where: nodes.Truth | None
    estimates: search.Estimates
    scanning: bool
    complete: bool


def walk(where: nodes.Truth | None, order: Sequence[Order]) -> Walk | None:
    """Find the index that has an order, or None."""
    if not order:
        return Walk(where, {}, scanning=True, complete=True)
    lowest = _lowest(order[0].value)
    if lowest is None:
        return None
    leaf = bound.Leaf(nodes.Comparison(">=", order[0].value, lowest), negated=False)
    terms = where.terms if isinstance(where, nodes.And) else (where,) if where else ()
    # Estimated as the rarest, so that it drives.
    return Walk(nodes.And((leaf, *terms)) if terms else leaf, {leaf: 0}, scanning=False, complete=False)


def to_estimate(where: nodes.Truth | None, estimates: search.Estimates) -> Iterator[bound.Leaf]:
    """The leaves of which the number of notebooks is not known yet, and would tell whether they are few."""
    for term in where.terms if isinstance(where, nodes.And | nodes.Or) else (where,):
        if isinstance(term, bound.Leaf) and term.required and term not in estimates and search.is_sought(term):
            yield term


def are_few(where: nodes.Truth | None, estimates: search.Estimates) -> bool:
    """Whether the index says that so few notebooks are to be sorted that it does not matter."""
    known = search.cost(where, estimates) if where else None
    return known is not None and min(known.estimate, known.notebooks) < search.ENOUGH


def _lowest(key: nodes.Value) -> nodes.Constant | bound.Instant | None:
    """The value from which an index has all values of a key in their order."""
    if not isinstance(key, bound.Place) or key.path:
        return None
    field = key.field
    if isinstance(field, Attribute):
        indexed = field.name in _ORDERED_ATTRIBUTES
        return (bound.Instant("") if field.kind == "time" else nodes.Constant("")) if indexed else None
    if field.scraps and field.parameters:
        return None
    return (
        nodes.Constant(-math.inf) if "number" in field.kinds else nodes.Constant("") if "text" in field.kinds else None
    )
