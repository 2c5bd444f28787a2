"""The functions of the language, as data: parser, help, completion and the check of a call read the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from scrapdb.errors import suggestion
from scrapdb.query.fields import Kind
from scrapdb.query.frozen import Frozen
from scrapdb.query.nodes import Aggregate
from scrapdb.query.nodes import Call
from scrapdb.query.nodes import OverTime


class Function(Frozen):
    """A function: how it is called, what it takes and what it does.

    It gives numbers, texts, truths or times, or values of the same kind as its arguments.
    """

    name: str
    arguments: str
    least: int
    most: int
    takes: frozenset[Kind]
    gives: Literal["number", "text", "truth", "time", "same"]
    description: str


_NUMBER: frozenset[Kind] = frozenset({"number"})
_TEXT: frozenset[Kind] = frozenset({"text"})
_LONG: frozenset[Kind] = frozenset({"text", "json"})
_TIME: frozenset[Kind] = frozenset({"time", "text"})
_ANY: frozenset[Kind] = frozenset({"number", "text", "time"})
_ALL: frozenset[Kind] = frozenset({"number", "text", "time", "json", "frame", "display"})
_CHANGING: frozenset[Kind] = frozenset({"number", "time"})
_MANY = 100
EXPRESSION = "expression"
FIRST = "first"  # an aggregate, too: that is what it means where notebooks are not asked one by one

# Of the values of many notebooks, or of many rows of a DataFrame.
AGGREGATES: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("count", "x", 0, 1, _ALL, "number", "how many there are; how many have x"),
        Function("sum", "x", 1, 1, _NUMBER, "number", "the sum; 0 of none"),
        Function("mean", "x", 1, 1, _NUMBER, "number", "the arithmetic mean"),
        Function("median", "x", 1, 1, _NUMBER, "number", "the middle value, or the mean of the two in the middle"),
        Function("stdev", "x", 1, 1, _NUMBER, "number", "the standard deviation of a sample: of two values or more"),
        Function(
            "min", "x", 1, 1, _ANY, "same", "the smallest number or earliest time; of texts without numbers the first"
        ),
        Function("max", "x", 1, 1, _ANY, "same", "the largest, the latest, the last"),
        Function("first", "x", 1, 1, _ALL, "same", "the value of the notebook that started first"),
        Function("last", "x", 1, 1, _ALL, "same", "the value of the notebook that started last"),
        Function("any", "x", 1, 1, _NUMBER, "truth", "whether x is true of any; false of none"),
        Function("all", "x", 1, 1, _NUMBER, "truth", "whether x is true of all that have it; true of none"),
        Function(EXPRESSION, "", 0, 0, frozenset(), "text", "an expression that finds its notebooks"),
    )
}
# Of what one notebook was.
OVER_TIME: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("previous", "x", 1, 1, _ALL, "same", "x in the version before this one"),
        Function("change", "x", 1, 1, _CHANGING, "number", "`x - previous(x)`; of times in seconds"),
        Function(FIRST, "x", 1, 1, _ALL, "same", "x in the first version"),
        Function(
            "streak", "condition", 1, 1, _NUMBER, "number", "in how many versions in a row up to this one it holds"
        ),
        Function("since", "condition", 1, 1, _NUMBER, "time", "when the first of these versions began"),
    )
}
FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("abs", "x", 1, 1, _NUMBER, "number", "x without its sign"),
        Function("round", "x, digits", 1, 2, _NUMBER, "number", "x rounded, halves away from zero"),
        Function("length", "x", 1, 1, _LONG, "number", "characters of a text, members of a list or dict"),
        Function("lower", "x", 1, 1, _TEXT, "text", "the text in lower case"),
        Function("upper", "x", 1, 1, _TEXT, "text", "the text in upper case"),
        Function("coalesce", "x, y, …", 1, _MANY, _ANY, "same", "the first of the values that is not missing"),
        Function("now", "", 0, 0, frozenset(), "same", "the time of the query"),
        Function("days", "x", 1, 1, _NUMBER, "number", "x days in seconds: `now() - days(7)`"),
        Function("hours", "x", 1, 1, _NUMBER, "number", "x hours in seconds"),
        Function("minutes", "x", 1, 1, _NUMBER, "number", "x minutes in seconds: `nb.seconds > minutes(5)`"),
        Function("year", "x", 1, 1, _TIME, "number", "the year of a time: 2026"),
        Function("month", "x", 1, 1, _TIME, "text", 'its month: "2026-11"'),
        Function("week", "x", 1, 1, _TIME, "text", 'its week, as ISO 8601 counts: "2026-W48"'),
        Function("day", "x", 1, 1, _TIME, "text", 'its day: "2026-11-30"'),
        Function("hour", "x", 1, 1, _TIME, "text", 'its hour: "2026-11-30T09"'),
        *OVER_TIME.values(),
        *AGGREGATES.values(),
    )
}
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60}
TIMES = ("year", "month", "week", "day", "hour")
# What others call some of them.
_ELSEWHERE = {"avg": "mean", "average": "mean", "std": "stdev", "stddev": "stdev", "total": "sum", "size": "count"}


def function_of(call: Call | Aggregate | OverTime) -> Function:
    """Find the function that is called.

    Raises:
        ExpressionError: there is none of that name, or it takes another number of arguments.
    """
    function = FUNCTIONS.get(call.function)
    if function is None:
        other = _ELSEWHERE.get(call.function)
        near = f"did you mean `{other}`?" if other else suggestion(call.function, FUNCTIONS, mark="`")
        raise call.span.error(f"There is no function `{call.function}`; {near}")
    if not function.least <= len(call.arguments) <= function.most:
        raise call.span.error(f"Call it as `{function.name}({function.arguments})`")
    return function
