"""How trees are put together: what may be a truth or a value, and equalities of one value as one list."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence

from scrapdb.query import nodes
from scrapdb.query.lexer import Span


def as_truth(node: nodes.Node) -> nodes.Truth:
    """Take a value for a truth: a boolean field is a condition."""
    if not isinstance(node, nodes.Truth):
        node = as_value(node)
        if isinstance(node, nodes.Constant) and isinstance(node.value, str):
            raise node.span.error(f"A text is neither true nor false: compare it, as in `name = {node}`")
        return nodes.Holds(node, span=node.span)
    return node


def as_value(node: nodes.Node) -> nodes.Value:
    """Take a value for what it is, and nothing else.

    Raises:
        ExpressionError: it is a comparison.
    """
    if not isinstance(node, nodes.Value):
        raise node.span.error("A comparison is not a value: combine comparisons with `and`, `or` and `not`")
    return node


def flattened(kind: type[nodes.And | nodes.Or], terms: Iterable[nodes.Truth]) -> list[nodes.Truth]:
    """Return terms, and of those that are of that kind themselves, theirs."""
    return [part for term in terms for part in (term.terms if isinstance(term, kind) else (term,))]


def all_of(terms: Sequence[nodes.Truth], span: Span) -> nodes.Truth:
    """Join by `and`."""
    flat = flattened(nodes.And, terms)
    return flat[0] if len(flat) == 1 else nodes.And(tuple(flat), span=span)


def any_of(terms: Sequence[nodes.Truth], span: Span) -> nodes.Truth:
    """Join by `or`, with the equalities of one value as one In."""
    places: dict[nodes.Value, int] = {}
    folded: list[list[nodes.Truth]] = []
    for term in flattened(nodes.Or, terms):
        operand = _chosen(term)
        place = places.setdefault(operand, len(folded)) if operand else len(folded)
        if place == len(folded):
            folded.append([])
        folded[place].append(term)
    found = [group[0] if len(group) == 1 else _choice(group) for group in folded]
    return found[0] if len(found) == 1 else nodes.Or(tuple(found), span=span)


def _chosen(term: nodes.Truth) -> nodes.Value | None:
    """The value of which a term says that it is one of some constants."""
    if isinstance(term, nodes.In):
        return term.operand
    if isinstance(term, nodes.Comparison) and term.operator == "=":
        if isinstance(term.right, nodes.Constant):
            return term.left
        if isinstance(term.left, nodes.Constant):
            return term.right
    return None


def _choice(terms: Sequence[nodes.Truth]) -> nodes.Truth:
    """Terms on one value as one list of constants."""
    items: list[nodes.Value] = []
    for term in terms:
        if isinstance(term, nodes.In):
            items.extend(term.items)
        elif isinstance(term, nodes.Comparison):
            items.append(term.right if isinstance(term.right, nodes.Constant) else term.left)
    operand = _chosen(terms[0])
    return nodes.In(operand, tuple(items), span=terms[0].span.to(terms[-1].span)) if operand else terms[0]
