"""The functions of the language, as data: help, completion and the check of a call read the same rows."""

from __future__ import annotations

from collections.abc import Mapping

from scrapdb.errors import suggestion
from scrapdb.query.fields import Kind
from scrapdb.query.frozen import Frozen
from scrapdb.query.nodes import Call


class Function(Frozen):
    """A function: how it is called, what it takes and what it does."""

    name: str
    arguments: str
    least: int
    most: int
    takes: frozenset[Kind]
    description: str


_NUMBER: frozenset[Kind] = frozenset({"number"})
_TEXT: frozenset[Kind] = frozenset({"text"})
_LONG: frozenset[Kind] = frozenset({"text", "json"})
_ANY: frozenset[Kind] = frozenset({"number", "text", "time"})
_MANY = 100

FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("abs", "x", 1, 1, _NUMBER, "x without its sign"),
        Function("round", "x, digits", 1, 2, _NUMBER, "x rounded, halves away from zero"),
        Function("length", "x", 1, 1, _LONG, "characters of a text, members of a list or dict"),
        Function("lower", "x", 1, 1, _TEXT, "the text in lower case"),
        Function("upper", "x", 1, 1, _TEXT, "the text in upper case"),
        Function("coalesce", "x, y, …", 1, _MANY, _ANY, "the first of the values that is not missing"),
        Function("now", "", 0, 0, frozenset(), "the time of the query"),
        Function("days", "x", 1, 1, _NUMBER, "x days in seconds: `now() - days(7)`"),
        Function("hours", "x", 1, 1, _NUMBER, "x hours in seconds"),
        Function("minutes", "x", 1, 1, _NUMBER, "x minutes in seconds: `nb.seconds > minutes(5)`"),
    )
}
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60}


def function_of(call: Call) -> Function:
    """Find the function that is called.

    Raises:
        ExpressionError: there is none of that name, or it takes another number of arguments.
    """
    function = FUNCTIONS.get(call.function)
    if function is None:
        raise call.span.error(
            f"There is no function `{call.function}`; {suggestion(call.function, FUNCTIONS, mark='`')}"
        )
    if not function.least <= len(call.arguments) <= function.most:
        raise call.span.error(f"Call it as `{function.name}({function.arguments})`")
    return function
