"""How trees are put together: what may be a truth or a value, and equalities of one value as one list."""

from __future__ import annotations

from collections.abc import Sequence

from scrapdb.query.lexer import Span
from scrapdb.query.nodes import And
from scrapdb.query.nodes import Comparison
from scrapdb.query.nodes import Constant
from scrapdb.query.nodes import Holds
from scrapdb.query.nodes import In
from scrapdb.query.nodes import Node
from scrapdb.query.nodes import Or
from scrapdb.query.nodes import Truth
from scrapdb.query.nodes import Value


def as_truth(node: Node) -> Truth:
    """Take a value for a truth: a boolean field is a condition."""
    if not isinstance(node, Truth):
        node = as_value(node)
        if isinstance(node, Constant) and isinstance(node.value, str):
            raise node.span.error(f"A text is neither true nor false: compare it, as in `name = {node}`")
        return Holds(node, span=node.span)
    return node


def as_value(node: Node) -> Value:
    """Take a value for what it is, and nothing else.

    Raises:
        ExpressionError: it is a comparison.
    """
    if not isinstance(node, Value):
        raise node.span.error("A comparison is not a value: combine comparisons with `and`, `or` and `not`")
    return node


def all_of(terms: Sequence[Truth], span: Span) -> Truth:
    """Join by `and`."""
    flat: list[Truth] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, And) else [term])
    return flat[0] if len(flat) == 1 else And(tuple(flat), span=span)


def any_of(terms: Sequence[Truth], span: Span) -> Truth:
    """Join by `or`, with the equalities of one value as one In."""
    flat: list[Truth] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Or) else [term])
    places: dict[Value, int] = {}
    folded: list[list[Truth]] = []
    for term in flat:
        operand = _chosen(term)
        place = places.setdefault(operand, len(folded)) if operand else len(folded)
        if place == len(folded):
            folded.append([])
        folded[place].append(term)
    found = [group[0] if len(group) == 1 else _choice(group) for group in folded]
    return found[0] if len(found) == 1 else Or(tuple(found), span=span)


def _chosen(term: Truth) -> Value | None:
    """The value of which a term says that it is one of some constants."""
    if isinstance(term, In):
        return term.operand
    if isinstance(term, Comparison) and term.operator == "=":
        if isinstance(term.right, Constant):
            return term.left
        if isinstance(term.left, Constant):
            return term.right
    return None


def _choice(terms: Sequence[Truth]) -> Truth:
    """Terms on one value as one list of constants."""
    items: list[Value] = []
    for term in terms:
        if isinstance(term, In):
            items.extend(term.items)
        elif isinstance(term, Comparison):
            items.append(term.right if isinstance(term.right, Constant) else term.left)
    operand = _chosen(terms[0])
    return In(operand, tuple(items), span=terms[0].span.to(terms[-1].span)) if operand else terms[0]
