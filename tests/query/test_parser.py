from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.errors import ExpressionError
from scrapdb.query.nodes import Node
from scrapdb.query.parser import parse
from scrapdb.query.parser import parse_columns
from scrapdb.query.parser import parse_sort
from tests.query.questions import texts

ROWS = [
    # text, canonical expression, tree
    ("distance < 0.1 and close_to_ath", None, "(and (< distance 0.1) (true close_to_ath))"),
    ("a<1 & b>2 | c", "a < 1 and b > 2 or c", "(or (and (< a 1) (> b 2)) (true c))"),
    ("a and (b or c)", None, "(and (true a) (or (true b) (true c)))"),
    ("(a and b) and (c and d)", "a and b and c and d", "(and (true a) (true b) (true c) (true d))"),
    ("not a and b", None, "(and (not (true a)) (true b))"),
    ("!flag", "not flag", "(not (true flag))"),
    ("!(a < 1)", "not a < 1", "(not (< a 1))"),
    ("~flag && !!b", "not flag and not not b", "(and (not (true flag)) (not (not (true b))))"),
    ("0.05 < distance <= 0.1", "0.05 < distance and distance <= 0.1", "(and (< 0.05 distance) (<= distance 0.1))"),
    ("x between 1 and 2 and y", "x >= 1 and x <= 2 and y", "(and (>= x 1) (<= x 2) (true y))"),
    ("x not between 1 and 2", "not (x >= 1 and x <= 2)", "(not (and (>= x 1) (<= x 2)))"),
    ("x <> 1", "x != 1", "(!= x 1)"),
    ("x == 'a'", 'x = "a"', '(= x "a")'),
    ('symbol in ("AAA", "BCD",)', 'symbol in ("AAA", "BCD")', '(in symbol "AAA" "BCD")'),
    ("x NOT IN [1, -2]", "x not in (1, -2)", "(not (in x 1 -2))"),
    ("x in (y, 1)", "x in (1) or x = y", "(or (in x 1) (= x y))"),
    ("x = 1 or y = 3 or x = 2 or 4 = x", "x in (1, 2, 4) or y = 3", "(or (in x 1 2 4) (= y 3))"),
    ("x = 1 or (x in (2, 3) or x = 4)", "x in (1, 2, 3, 4)", "(in x 1 2 3 4)"),
    ('message like "This%"', None, '(like message "This%")'),
    ("a not like 'b' or a not contains 'c'", 'a not like "b" or a not contains "c"', None),
    (r'symbol ~ "^A\d" or s !~ "x"', None, r'(or (~ symbol "^A\d") (not (~ s "x")))'),
    ("prices IS NOT NULL or x is null", "prices is not null or x is null", "(or (not (null prices)) (null x))"),
    ("last / first > 1.1", None, "(> (/ last first) 1.1)"),
    ("a - (b - c) - d * -e < --1", "a - (b - c) - d * -e < 1", "(< (- (- a (- b c)) (* d (- e))) 1)"),
    ("(a + b) * c = -(d)", "(a + b) * c = -d", "(= (* (+ a b) c) (- d))"),
    ("ABS(delta) < 1e-3", "abs(delta) < 0.001", "(< (abs delta) 0.001)"),
    ("nb.started_at > now() - days(7)", None, "(> nb.started_at (- (now) (days 7)))"),
    ("dj.a = 1 and dj.list[0] > 2", None, "(and (= dj.a 1) (> dj.list[0] 2))"),
    ('dj["odd key"].b[-1]', 'dj["odd key"]["b"][-1]', '(true dj["odd key"]["b"][-1])'),
    ("a.`b c`.d = 1", 'a["b c"]["d"] = 1', '(= a["b c"]["d"] 1)'),
    ("`a`.b = 1", 'a["b"] = 1', '(= a["b"] 1)'),
    ("`a.b` = 1", None, "(= `a.b` 1)"),
    ("scrap.x = param.x", None, "(= scrap.x param.x)"),
    ("scrap.in.a and scrap.`odd name`", None, "(and (true scrap.in.a) (true scrap.`odd name`))"),
    ("param.IN", None, "(true param.IN)"),
    ("`nb` and `nb`.x", '`nb` and `nb`["x"]', '(and (true `nb`) (true `nb`["x"]))'),
    ("`in` or `a``b`", None, "(or (true `in`) (true `a``b`))"),
    ("TRUE and not False", "true and not false", "(and (true true) (not (true false)))"),
    ("x = 1e999 or y < -1e999", "x = 1e999 or y < -1e999", None),
    ("\n x\n<\t1 ", "x < 1", "(< x 1)"),
    ("x = 'say \"hi\"'", 'x = "say ""hi"""', None),
]


@pytest.mark.parametrize(("text", "canonical", "tree"), ROWS)
def test_tree(text: str, canonical: str | None, tree: str | None) -> None:
    node = parse(text)
    assert str(node) == (canonical or text)
    assert parse(str(node)) == node
    assert tree is None or node.tree == tree


@given(texts)
def test_the_canonical_expression_has_the_same_tree(text: str) -> None:
    node = parse(text)
    assert parse(str(node)) == node
    assert str(parse(str(node))) == str(node)


def read(text: str) -> Node | ExpressionError:
    try:
        return parse(text)
    except ExpressionError as error:
        return error


@given(st.text(st.sampled_from("ab1.<>=!~&|()[]`'\",-+*/ \n") | st.characters(), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read(text)
    if isinstance(found, ExpressionError):
        assert 0 <= found.start <= len(text)
        assert found.start < found.end
        assert "^" in str(found)
    else:
        assert parse(str(found)) == found


ERRORS = [
    # text with the wrong place between « », message
    ("«»", "There is nothing to read: the expression is empty"),
    ("a <«»", "Expected a field or a value, not the end"),
    ("a and «»", "Expected a field or a value, not the end"),
    ("a < 1 «)»", "Expected an operator such as `and`, not `)`"),
    ("(a < 1«»", "Expected `)`, not the end"),
    (
        "«odd name» < 1",
        "Expected an operator such as `and` before `name`; a name like `odd name` needs backticks, a text quotes",
    ),
    (
        "x and «a-b c» = 1",
        "Expected an operator such as `and` before `c`; a name like `a-b c` needs backticks, a text quotes",
    ),
    ("«v1.5» = 1", "Expected an operator such as `and` before `.5`; a name like `v1.5` needs backticks, a text quotes"),
    (
        "nb.status = «not» run",
        "Expected a field or a value, not `not`; a field of that name needs backticks, a text quotes",
    ),
    ("a < «like»", "Expected a field or a value, not `like`; a field of that name needs backticks, a text quotes"),
    ("«! a <» 1", "`!` before a comparison can be read in two ways: write `!(… < …)`"),
    ("«~b +» 1 < 2", "`~` before a comparison can be read in two ways: write `~(… + …)`"),
    ("x = «null»", "Nothing equals null: use `is null` or `is not null`"),
    ("(«a < 1») = 2", "A comparison is not a value: combine comparisons with `and`, `or` and `not`"),
    ("-(«a and b») < 1", "A comparison is not a value: combine comparisons with `and`, `or` and `not`"),
    ("«'abc'»", 'A text is neither true nor false: compare it, as in `name = "abc"`'),
    ("a < 1 «like» 'b'", "`like` cannot follow a comparison: use parentheses"),
    ("a in (1) «=» b", "`=` cannot follow a comparison: use parentheses"),
    ("a in «b»", "Expected a list in parentheses after `in`, not `b`"),
    ("a in («)»", "Expected a field or a value, not `)`"),
    ("a not «<» 1", "Expected `in`, `between`, `like` or `contains` after `not`, not `<`"),
    ("a is «1»", "Expected `null`, not `1`"),
    ("a[«1.5»] = 1", "Expected a whole number or a text in the brackets"),
    ("a[«»", "Expected a whole number or a text in the brackets"),
    ("a.«1»", None),
    ("a.«<» 1", "Expected a name after the dot, not `<`"),
    ("a between 1 «or» 2", "Expected `and`, not `or`"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_errors(text: str, message: str | None) -> None:
    before, wrong, _ = re.split("[«»]", text)
    with pytest.raises(ExpressionError) as raised:
        parse(re.sub("[«»]", "", text))
    if message is not None:
        assert raised.value.message == message
        assert (raised.value.start, raised.value.end) == (len(before), len(before) + max(len(wrong), 1))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "a" + ")" * 2000,
        "not " * 2000 + "a",
        "!" * 2000 + "a",
        "-" * 2000 + "a < 1",
        "abs(" * 2000 + "a" + ")" * 2000,
        "+".join(["a"] * 2000) + " < 1",
    ],
)
def test_deep_nesting_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ExpressionError, match="64"):
        parse(text)


def test_thousands_of_equalities_become_one_list() -> None:
    node = parse(" or ".join(f"x = {number}" for number in range(5000)))
    assert node.tree == f"(in x {' '.join(map(str, range(5000)))})"


def test_columns() -> None:
    text = 'symbol, distance * 100 as pct, `odd name`, *, a < 1, x as `b c`, y as "d" , a * b, a%`b c` '
    found = [(column.label, column.node.tree) for column in parse_columns(text)]
    assert found == [
        ("symbol", "symbol"),
        ("pct", "(* distance 100)"),
        ("odd name", "`odd name`"),
        ("*", "*"),
        ("a < 1", "(< a 1)"),
        ("b c", "x"),
        ("d", "y"),
        ("a * b", "(* a b)"),
        ("a%`b c`", "(% a `b c`)"),
    ]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("`top1-error`", "top1-error"),
        (" `a``b` ", "a`b"),
        ("scrap.`top1-error`", "scrap.top1-error"),
        ("param . a", "param.a"),
        ("nb.path", "nb.path"),
        ("`nb`", "nb"),
        ("gro\u0308\u00dfe", "gr\u00f6\u00dfe"),
        ("`gro\u0308\u00dfe`", "gr\u00f6\u00dfe"),
        ("`top1-error` as `top 1`", "top 1"),
        ("`a b`.c", "`a b`.c"),
        ("dj['a']", "dj['a']"),
        ("(`a b`)", "(`a b`)"),
        ("-`a b`", "-`a b`"),
        ("abs(`a b`)", "abs(`a b`)"),
        ("`a b` is null", "`a b` is null"),
    ],
)
def test_a_column_is_called_what_the_field_is_or_what_was_typed(text: str, label: str) -> None:
    assert [column.label for column in parse_columns(text)] == [label]


@pytest.mark.parametrize("text", ["", "a,", ",a", "a b", "a as", "a as 1", "* as x", "(a", "a; b"])
def test_wrong_columns(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_columns(text)


def test_sort() -> None:
    found = [(key.node.tree, key.descending) for key in parse_sort("-distance, symbol, -a / b, --x")]
    assert found == [("distance", True), ("symbol", False), ("(/ a b)", True), ("(- x)", True)]


@pytest.mark.parametrize("text", ["", "-", "a <", "a < 1", "*"])
def test_wrong_sort(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_sort(text)
