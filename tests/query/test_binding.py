from __future__ import annotations

import re
import sqlite3
from datetime import UTC
from datetime import datetime

import pytest

from scrapdb.errors import ExpressionError
from scrapdb.query.binding import bind_truth
from scrapdb.query.parser import parse
from scrapdb.query.select import fields_of
from tests.query.stores import Display
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import build

UNKNOWN = "No notebook has a field `{}`; `scrapdb fields` lists what there is"
NOW = datetime(2026, 11, 8, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def store() -> sqlite3.Connection:
    scraps = {"x": 1, "y": 2.5, "flag": True, "symbol": "BCD", "dj": {"a": 1}, "nothing": None}
    scraps |= {"prices": Frame(10, 2), "chart": Display(), "a-b": 1, "a/b": 2, "in": 3}
    return build(
        [Notebook("a.ipynb", scraps, {"symbol": "AAA", "rate": 0.1}), Notebook("b.ipynb", {"mixed": 1}, {"mixed": "a"})]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol < «0.1»", None),
        ("«symbol < 0.1»", "`symbol` is text and `0.1` is a number: they cannot be compared"),
        ("x = 1 and «y = 'a'»", "`y` is a number and `'a'` is text: they cannot be compared"),
        ("«1 < symbol»", "`symbol` is text and `1` is a number: they cannot be compared"),
        ("symbol in ('a', «1»)", "`symbol` is text and `1` is a number: they cannot be compared"),
        ("x = 1 or «x = 'a'»", None),
        ("«x between 1 and 'b'»", "`x` is a number and `'b'` is text: they cannot be compared"),
        ("«symbol = x»", "`symbol` is text and `x` is a number: they cannot be compared"),
        ("«x» like 'a%'", "`x` is a number: `like` is for text"),
        ("«flag» ~ 'a'", "`flag` is a number: `~` is for text"),
        ("symbol ~ «'('»", None),
        ("symbol like «x»", "`like` needs a text in quotes"),
        ("«x» contains 'a'", "`x` is a number: `contains` is for text, lists and dicts"),
        ("symbol contains «1»", "`symbol` is text and `1` is a number: write the number in quotes"),
        ("dj contains «chart»", "`chart` is a display: nothing contains that"),
        ("1 + «symbol» < 2", "`symbol` is text: `+` is for numbers"),
        ("-«symbol» < 2", "`symbol` is text: a number is needed here"),
        ("abs(«symbol») < 2", "`symbol` is text: `abs` cannot take that"),
        ("lower(«x») = 'a'", "`x` is a number: `lower` cannot take that"),
        ("«coalesce(x, symbol)» = 1", "`coalesce` needs values of one kind: numbers, texts or times"),
        ("«prices» > 1", "`prices` is a DataFrame, which cannot be compared: ask `is not null`"),
        ("«chart» = 'a'", "`chart` is a display, which cannot be compared: ask `is not null`"),
        ("«dj» = 1", "`dj` is a list or dict, which cannot be compared: look something up in it, as in `dj.a = 1`"),
        ("«dj»", "`dj` is a list or dict: that is neither true nor false; compare it or ask `is not null`"),
        ("not «symbol»", "`symbol` is text: that is neither true nor false; compare it or ask `is not null`"),
        ("«symbol.a» = 1", "`symbol` is text: nothing can be looked up in it"),
        ('«dj["a""b"]» = 1', "A key with quotes, backslashes or control characters cannot be looked up"),
        ("«a-b» < 1", "There is a field `a-b`: as a name it needs backticks, `` `a-b` ``"),
        ("y + «a/b» < 1", "There is a field `a/b`: as a name it needs backticks, `` `a/b` ``"),
        ("x = 1 and «foo» > 1", None),
        ("«ruond(x)» = 1", "There is no function `ruond`; did you mean `round`?"),
        ("«lenght(symbol)» = 1", "There is no function `lenght`; did you mean `length`?"),
        ("«zzzz(x)» = 1", None),
        ("«abs(x, y)» = 1", "Call it as `abs(x)`"),
        ("nb.started_at > «'soon'»", "This is no time: write it as 2026-11-01 or 2026-11-01T12:00:00"),
        ("nb.started_at in ('2026-11-01', «'x'»)", "This is no time: write it as 2026-11-01 or 2026-11-01T12:00:00"),
        ("nb.started_at > «5»", "`5` is a number: `nb.started_at` is a time, and they cannot be compared"),
        ("«now() - days(1e12)» > nb.started_at", "There is no such time"),
        ("«nb.started_at + days(1)» > now()", None),
        ("«nb.started_at % 2» = 1", None),
        ("x % «symbol» = 1", "`symbol` is text: `%` is for numbers"),
        ("nb.status = «completed»", f'{UNKNOWN.format("completed")}. A text needs quotes: `"completed"`'),
        ("«completed» = nb.status", f'{UNKNOWN.format("completed")}. A text needs quotes: `"completed"`'),
        ("«foo» = 'failed'", UNKNOWN.format("foo")),
        ("nb.status in («partial», 'failed')", f'{UNKNOWN.format("partial")}. A text needs quotes: `"partial"`'),
        ("symbol like «AAA»", f'{UNKNOWN.format("AAA")}. A text needs quotes: `"AAA"`'),
        ("lower(symbol) != «aaa»", f'{UNKNOWN.format("aaa")}. A text needs quotes: `"aaa"`'),
        ("nb.source = «src.ipynb»", f'{UNKNOWN.format("src.ipynb")}. A text needs quotes: `"src.ipynb"`'),
        ("notebook = «a.ipynb»", f'{UNKNOWN.format("a.ipynb")}. A text needs quotes: `"a.ipynb"`'),
        ("nb.started_at > «soon»", f'{UNKNOWN.format("soon")}. A text needs quotes: `"soon"`'),
        ("symbol = «symbl»", 'No notebook has a field `symbl`; did you mean `symbol`? A text needs quotes: `"symbl"`'),
        ("x = «completed»", UNKNOWN.format("completed")),
        ("«foo» = bar", UNKNOWN.format("foo")),
        ("«nb.stats» = completed", "There is no `nb.stats`; did you mean `nb.status`?"),
        ("«notebook.x» = 1", UNKNOWN.format("notebook.x")),
        ("«scrap.notebook» = 'a'", None),
    ],
)
def test_errors(store: sqlite3.Connection, text: str, message: str | None) -> None:
    before, wrong, _ = re.split("[«»]", text)
    with pytest.raises(ExpressionError) as raised:
        bind_truth(parse(re.sub("[«»]", "", text)), fields_of(store), NOW)
    if message is not None:
        assert raised.value.message == message
        assert (raised.value.start, raised.value.end) == (len(before), len(before) + len(wrong))


@pytest.mark.parametrize(
    "text",
    [
        "mixed = 1 or mixed = 'a'",
        "mixed like 'a%' and mixed + 1 < 2",
        "nothing = 1 or nothing = 'a' or nothing.a = 1",
        "prices is not null and chart is not null and dj is not null",
        "dj.a = 'x' or dj.a = 1 or dj.a contains 'x'",
        "coalesce(x, y, rate) < 1 and coalesce(symbol, 'a') = 'a'",
        "nb.started_at < now() and now() - nb.started_at > hours(2) and symbol < now()",
        "nb.metadata.kernelspec.name = 'python3'",
        "length(dj) = 1 and length(symbol) = 3",
        "`in` = 3 and scrap.in = 3",
    ],
)
def test_what_can_be_asked(store: sqlite3.Connection, text: str) -> None:
    bind_truth(parse(text), fields_of(store), NOW)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("not (x < 1 and not y)", "x >= 1 or y"),
        ("not (x < 1 or y != 2)", "x >= 1 and y = 2"),
        ("not not (x < 1 or flag)", "x < 1 or flag"),
        ("1 > x", "x < 1"),
        ("2 <= x <= 3", "x >= 2 and x <= 3"),
        ("x > 2 * 3 + 1", "x > 7"),
        ("not (x = 1 or not (y = 2 and not flag))", "x != 1 and y = 2 and not flag"),
    ],
)
def test_negation_and_constants_are_worked_in(store: sqlite3.Connection, text: str, tree: str) -> None:
    fields = fields_of(store)
    assert bind_truth(parse(text), fields, NOW) == bind_truth(parse(tree), fields, NOW)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("nb.started_at >= now() - days(7)", "nb.started_at >= '2026-11-01T12:00'"),
        ("now() - hours(12) - minutes(30) < nb.mtime", "nb.mtime > '2026-11-07T23:30:00Z'"),
        ("nb.seconds < now() - '2026-11-08'", "nb.seconds < 43200.0"),
        ("nb.path = 'e\u0301.ipynb'", "nb.path = '\u00e9.ipynb'"),
        ("notebook = 'e\u0301.ipynb'", "nb.path = '\u00e9.ipynb'"),
        ("not (notebook like 'a%' or `notebook` is null)", "not (nb.path like 'a%' or nb.path is null)"),
    ],
)
def test_times_and_paths(store: sqlite3.Connection, text: str, same: str) -> None:
    fields = fields_of(store)
    assert bind_truth(parse(text), fields, NOW) == bind_truth(parse(same), fields, NOW)
