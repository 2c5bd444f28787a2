"""Which terms are looked up in an index, by how many notebooks it is said to have."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime

import pytest

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query.binding import bind_truth
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import NameRow
from scrapdb.query.parser import parse
from scrapdb.query.sql import seek

NAMES = {"x": 10_000, "y": 10_000, "few": 50, "apart": 10_000}
FIELDS = Fields(
    lambda name: (
        [NameRow(1, name, "scrap", "float", NAMES[name], () if name == "apart" else (("number", name),), whole=True)]
        if name in NAMES
        else []
    ),
    lambda: NAMES,
)


def tree(expression: str) -> nodes.Truth:
    return bind_truth(parse(expression), FIELDS, datetime.now(UTC))


def count(sought: bound_nodes.Sought, limit: int) -> int:
    """The index has as many notebooks as the constant of the first leaf says."""
    assert sought.leaves
    right = sought.leaves[0].node.children[1]
    assert isinstance(right, nodes.Constant)
    return min(int(right.value), limit)


def looked_up(node: nodes.Node) -> list[str]:
    """The names that are looked up, each with the number of its leaves."""
    sought = [found for found, _ in nodes.walk(node) if isinstance(found, bound_nodes.Sought)]
    return [f"{one.row.name if isinstance(one.row, Field) else one.row} {len(one.leaves)}" for one in sought]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x < 10", ["x 1"]),
        ("x < 2000", None),
        ("x < 10 and y < 5", ["y 1"]),
        ("x < 10 and x > 0", ["x 2"]),
        ("x < 2000 and y < 20 and x + y < 3", ["y 1"]),
        ("x < 10 or y < 5", ["x 1", "y 1"]),
        ("x < 10 or y < 2000", None),
        ("x < 600 or y < 600", None),
        ("(x < 10 or y < 5) and x < 100", ["x 1", "y 1"]),
        ("(x < 10 or y < 5) and x < 12", ["x 1"]),
        ("x / few > 2", ["few 0"]),
        ("few * 2 = 4 and x < 100", ["few 1"]),
        ("abs(x) < 5", None),
        ("not x < 5", None),  # it is x >= 5, and the index is said to have 5 of them
        ("x is null", None),
        ("apart < 5000", ["apart 1"]),  # since else it would be looked up for each notebook
        ("nb.status = 'failed' and x < 10", ["x 1"]),
        ("exec.attempt = 7", ["records 1"]),
        ("nb.cells = 7", None),
    ],
)
def test_what_is_looked_up(expression: str, expected: list[str] | None) -> None:
    def told(sought: bound_nodes.Sought, limit: int) -> int:
        return limit if sought.row == "notebooks" or expression.startswith("not") else count(sought, limit)

    found = seek.Narrowing(told, 1_000).narrowed(tree(expression))
    assert (found and looked_up(found.where)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x < 10", ["x 1"]),
        ("x < 10 and x > 2", ["x 2"]),
        ("x < 10 and y < 5", None),
        ("x * 2 = 4", None),
        ("few", None),
    ],
)
def test_what_is_one_look_up(expression: str, expected: list[str] | None) -> None:
    found = seek.alone(tree(expression))
    assert (found and looked_up(found)) == expected


def test_the_rows_that_an_index_has_in_order() -> None:
    (column,) = (bound_nodes.FieldValue(field) for field in [FIELDS.find("x")] if field)
    found = seek.first(tree("x < 3 and y < 2"), column)
    assert found
    assert looked_up(found[0]) == ["x 2"]  # no less than the lowest, and less than 3
    assert found[1] == tree("y < 2")
    assert seek.first(tree("x < 3"), nodes.Negative(column)) is None
