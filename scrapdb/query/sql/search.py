"""Which notebooks: a bound tree as a search through the indexes.

A term has two faces. It can *drive*: name the notebooks for which it holds, out of an index. Or it can *test* one
notebook that is known already, by primary key. Of a conjunction the most selective term drives and the others test; of
a disjunction all terms drive, or, if one of them cannot, all test every notebook.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.query import bound
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.frozen import Frozen
from scrapdb.query.patterns import prefix
from scrapdb.query.sql import rows
from scrapdb.query.sql.conditions import condition

# Estimates are counted so far, then, as long as all terms have more, on to the next: counting takes a hundredth of what
# the search will take.
STEPS = (200, 1_000, 5_000, 20_000, 100_000, 400_000)
# Fewer notebooks than these are few, whatever is to be done with them.
ENOUGH = 1_000
_UNKNOWN = 10**12
# Longer lists are not estimated.
_LONG_LIST = 100

Estimates = Mapping[bound.Leaf, int]

# How few rows a term is likely to leave, before anything is known about its values.
_EQUAL, _CHOICE, _BETWEEN, _PREFIX, _RANGE, _PRESENT, _SCAN = range(7)
_INDEXED = {"path": _EQUAL, "status": _RANGE, "started_at": _EQUAL}
# SQLite allows 500 terms in a compound SELECT.
_COMPOUND = 400


class Cost(NamedTuple):
    """What a driving term is likely to read: its estimate, its rank, then the notebooks that have the name."""

    estimate: int
    rank: int
    notebooks: float


class Arm(Frozen):
    """One SELECT of a search: a table, the notebook's id in it, and conditions."""

    table: str
    scope: rows.Scope
    conditions: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The SELECT of the ids."""
        return f"SELECT {self.scope.notebook} AS id FROM {self.table} WHERE {rows.joined('AND', list(self.conditions))}"


class Search(Frozen):
    """The FROM and WHERE of a statement over the notebooks found.

    Args:
        tables: what is searched.
        notebook: the notebook's id in it.
        link: joins the notebook itself as `n`, where it is not there yet.
        conditions: what is asked.
        scope: what can be referred to, with the link.
        driven: whether an index gives the notebooks; if not, each is tested.
    """

    tables: str
    notebook: str
    link: str
    conditions: tuple[str, ...]
    scope: rows.Scope
    driven: bool


def search(
    node: nodes.Truth | None, bind: rows.Binder, estimates: Estimates | None = None, *, scanning: bool = False
) -> Search:
    """Find the notebooks for which a bound tree is true; all if there is none. With `scanning` each is tested."""
    notebook = rows.Scope("n.id", {"notebooks": ("n",)})
    if node is None:
        return Search("notebooks AS n", "n.id", "", (), notebook, driven=False)
    estimates = estimates or {}
    known = cost(node, estimates)
    if scanning or known is None or (known.rank == _SCAN and not isinstance(node, nodes.Or)):
        return Search("notebooks AS n", "n.id", "", (test(node, notebook, bind),), notebook, driven=False)
    arms, distinct = _drive(node, (), bind, estimates)
    if len(arms) > 1:
        return Search(f"({_union(arms, distinct=distinct)}) AS i", "i.id", _link("i.id"), (), notebook, driven=True)
    arm = arms[0]
    found = arm.scope.notebook
    link = "" if "notebooks" in arm.scope.rows else _link(found)
    scope = rows.Scope("n.id", {**arm.scope.rows, "notebooks": ("n",)})
    return Search(arm.table, found, link, arm.conditions, scope, driven=True)


def _link(notebook: str) -> str:
    # CROSS, since SQLite does not reorder it: the search comes first.
    return f" CROSS JOIN notebooks AS n ON n.id = {notebook}"


def to_estimate(node: nodes.Truth, *, rivals: bool = False) -> Iterator[tuple[bound.Leaf, ...]]:
    """The leaves for which an estimate helps to choose: those on one row together, as they will be searched."""
    if isinstance(node, nodes.And):
        by_row: dict[rows.Row, list[bound.Leaf]] = {}
        for term in node.terms:
            if isinstance(term, bound.Leaf) and term.required and is_sought(term):
                by_row.setdefault(_driving_row(term), []).append(term)
        choices = [term for term in node.terms if isinstance(term, nodes.Or)]
        if rivals or len(by_row) + len(choices) > 1:
            yield from map(tuple, by_row.values())
            for choice in choices:
                yield from to_estimate(choice, rivals=True)
    elif isinstance(node, nodes.Or):
        for term in node.terms:
            yield from to_estimate(term, rivals=rivals)
    elif rivals and isinstance(node, bound.Leaf) and node.required and is_sought(node):
        yield (node,)


def estimate_sql(leaves: tuple[bound.Leaf, ...], enough: int, bind: rows.Binder) -> str:
    """The statement that counts what the index has for leaves on one row, up to a limit."""
    arms = _arms(leaves[0], leaves[1:], bind)
    return f"SELECT count(*) FROM (SELECT 1 FROM ({_union(arms, distinct=True)}) LIMIT {bind(enough)})"


def test(node: nodes.Truth, scope: rows.Scope, bind: rows.Binder) -> str:
    """Write the condition that a bound tree is true for one notebook."""
    if isinstance(node, nodes.And):
        return rows.joined("AND", _tests(node.terms, scope, bind))
    if isinstance(node, nodes.Or):
        return rows.joined("OR", [test(term, scope, bind) for term in node.terms])
    if isinstance(node, bound.Fails):
        return f"NOT ifnull({test(node.operand, scope, bind)}, 0)"
    return _tests((node,), scope, bind)[0]


def cost(node: nodes.Truth, estimates: Estimates) -> Cost | None:
    """What it costs to let a term drive; None if it cannot."""
    if isinstance(node, nodes.And):
        return min((found for found in _costs(node.terms, estimates) if found), default=None)
    if isinstance(node, nodes.Or):
        found = [term for term in _costs(node.terms, estimates) if term]
        if len(found) < len(node.terms):
            return None
        return Cost(
            sum(term.estimate for term in found),
            max(term.rank for term in found),
            sum(term.notebooks for term in found),
        )
    if isinstance(node, bound.Leaf) and node.required:
        row = _driving_row(node)
        return Cost(estimates.get(node, _UNKNOWN), _rank(node, row), _notebooks(row))
    return None


def _costs(terms: Sequence[nodes.Truth], estimates: Estimates) -> list[Cost | None]:
    """The cost of each term, knowing that the two ends of a range help each other."""
    ends = {(side, place) for term in terms for side, place in _ends(term)}
    found = []
    for term in terms:
        known = cost(term, estimates)
        if known and known.rank > _BETWEEN and any({("<", place), (">", place)} <= ends for _, place in _ends(term)):
            known = known._replace(rank=_BETWEEN)
        found.append(known)
    return found


def _ends(term: nodes.Truth) -> list[tuple[str, bound.Place]]:
    node = term.node if isinstance(term, bound.Leaf) else None
    if isinstance(node, nodes.Comparison) and node.operator[0] in "<>" and isinstance(node.left, bound.Place):
        return [(node.operator[0], node.left)] if _is_plain(node.left, node.right) else []
    return []


def _rank(leaf: bound.Leaf, row: rows.Row) -> int:
    node = leaf.node
    place = leaf.required[0]
    rank = _PRESENT
    if isinstance(node, nodes.Comparison | nodes.In) and _is_plain(node.children[0], node.children[1]):
        rank = _plain_rank(node, negated=leaf.negated)
    if row in ("records", "reports"):  # none has an index, but there are fewer of them than notebooks
        return _PRESENT
    if isinstance(row, str):
        column = place.field.column if isinstance(place.field, Attribute) else ""
        return max(rank, _INDEXED[column]) if column in _INDEXED and rank < _PRESENT else _SCAN
    # Half of the notebooks may have one of the two values.
    return max(rank, _RANGE) if row.types <= {"boolean", "null"} else rank


def is_sought(leaf: bound.Leaf) -> bool:
    """Whether the index has what a leaf asks for side by side, so that counting stops soon."""
    node = leaf.node
    if not isinstance(node, nodes.Comparison | nodes.In) or _rank(leaf, _driving_row(leaf)) > _RANGE:
        return False
    if isinstance(node, nodes.In):
        return len(node.items) <= _LONG_LIST
    return node.operator != "like" or bound.pattern_of(node) == prefix(bound.pattern_of(node)) + "%"


def _plain_rank(node: nodes.Comparison | nodes.In, *, negated: bool) -> int:
    if negated or isinstance(node, nodes.In):
        return _PRESENT if negated else _CHOICE
    if node.operator == "like":
        start = prefix(bound.pattern_of(node))
        return _EQUAL if start == bound.pattern_of(node) else _PREFIX if start else _PRESENT
    return {"=": _EQUAL, "<": _RANGE, "<=": _RANGE, ">": _RANGE, ">=": _RANGE}.get(node.operator, _PRESENT)


def _is_plain(left: object, right: object) -> bool:
    return isinstance(left, bound.Place) and not left.path and isinstance(right, nodes.Constant | bound.Instant)


def _driving_row(leaf: bound.Leaf) -> rows.Row:
    needed = [rows.row_of(place) for place in leaf.required]
    return min(needed, key=_notebooks)


def _notebooks(row: rows.Row) -> float:
    return row.notebooks if isinstance(row, Field) else float("inf")


def _drive(
    node: nodes.Truth, others: tuple[nodes.Truth, ...], bind: rows.Binder, estimates: Estimates
) -> tuple[list[Arm], bool]:
    """The arms that name the notebooks for which a term holds and the others too; and whether they are disjoint."""
    if isinstance(node, nodes.And):
        found = _costs(node.terms, estimates)
        best = min((known, place) for place, known in enumerate(found) if known)[1]
        rest = node.terms[:best] + node.terms[best + 1 :]
        return _drive(node.terms[best], rest + others, bind, estimates)
    if isinstance(node, bound.Leaf):
        return _arms(node, others, bind), True
    if not isinstance(node, nodes.Or):
        raise TypeError(node)
    arms = [arm for term in node.terms for arm in _drive(term, (), bind, estimates)[0]]
    if not others:
        return arms, False
    alias = bind.alias()
    scope = rows.Scope(f"{alias}.id", {})
    return [Arm(f"({_union(arms, distinct=False)}) AS {alias}", scope, tuple(_tests(others, scope, bind)))], True


def _arms(leaf: bound.Leaf, others: tuple[nodes.Truth, ...], bind: rows.Binder) -> list[Arm]:
    row = _driving_row(leaf)
    arms = []
    for source in rows.sources(row, bind, "n" if row == "notebooks" else bind.alias()):
        scope = rows.Scope(source.notebook, {row: (source.alias,)})
        # The index has the number first, so that a text is found only if the number is said to be NULL.
        faces = [f"{source.alias}.{face} IS NULL" for face in _unused_faces(leaf, row)]
        conditions = (*source.conditions, *faces, condition(leaf, scope, bind), *_tests(others, scope, bind))
        arms.append(Arm(f"{source.table} AS {source.alias}", scope, conditions))
    return arms


def _unused_faces(leaf: bound.Leaf, row: rows.Row) -> list[str]:
    """The columns of a driving row that must be NULL for the leaf to hold."""
    if isinstance(row, str):
        return []
    used = [place for place in leaf.places if rows.row_of(place) == row]
    if all(place.path for place in used):
        return ["number", "text"]
    return ["number"] if "number" not in row.kinds or _asks_text(leaf) else []


def _asks_text(leaf: bound.Leaf) -> bool:
    """Whether only a text can make the leaf true."""
    node = leaf.node
    if isinstance(node, nodes.In):
        return not leaf.negated and _is_plain_text(node.operand, node.items)
    return (
        isinstance(node, nodes.Comparison)
        and node.operator not in ("!=", "contains")
        and _is_plain_text(node.left, (node.right,))
    )


def _is_plain_text(left: nodes.Value, rights: Sequence[nodes.Value]) -> bool:
    return all(_is_plain(left, right) and bound.kinds(right) == {"text"} for right in rights)


def _tests(terms: Sequence[nodes.Truth], scope: rows.Scope, bind: rows.Binder) -> list[str]:
    """Test terms; those on one and the same row that is not there yet look it up once."""
    found: list[str] = []
    together: dict[rows.Row, list[bound.Leaf]] = {}
    for term in terms:
        if not isinstance(term, bound.Leaf):
            found.append(test(term, scope, bind))
            continue
        missing = {rows.row_of(place) for place in term.places} - set(scope.rows)
        needed = {rows.row_of(place) for place in term.required}
        if len(missing) == 1 and missing <= needed:
            together.setdefault(missing.pop(), []).append(term)
        else:
            found.append(condition(term, scope, bind))
    for row, leaves in together.items():
        found.append(rows.existing(row, lambda inner, own=leaves: _all(own, inner, bind), scope, bind))  # type: ignore[misc]
    return found


def _all(leaves: Sequence[bound.Leaf], scope: rows.Scope, bind: rows.Binder) -> str:
    return rows.joined("AND", [condition(leaf, scope, bind) for leaf in leaves])


def _union(arms: Sequence[Arm], *, distinct: bool) -> str:
    selects = [arm.sql for arm in arms]
    while len(selects) > _COMPOUND:
        selects = [
            f"SELECT id FROM ({_compound(selects[start : start + _COMPOUND], distinct=distinct)})"
            for start in range(0, len(selects), _COMPOUND)
        ]
    return _compound(selects, distinct=distinct)


def _compound(selects: Sequence[str], *, distinct: bool) -> str:
    return (" UNION ALL " if distinct else " UNION ").join(selects)
