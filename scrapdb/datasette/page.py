"""What every page has in common: how it reads what an address asks, its template and its headers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Annotated
from typing import Any
from typing import Literal
from typing import TypeVar
from typing import get_args
from typing import get_origin
from typing import get_type_hints

from datasette.utils.asgi import Response

from scrapdb.datasette.cells import badge
from scrapdb.datasette.cells import encodable
from scrapdb.datasette.cells import tree
from scrapdb.datasette.displays import picture
from scrapdb.datasette.store import Store
from scrapdb.errors import UsageError
from scrapdb.formats.values import short
from scrapdb.reporting.framed import ALONE

# A page frames nothing but documents that it writes itself (srcdoc), so that these cannot lead anywhere else.
_POLICY = "frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"
# But for the page of a report, which frames another one of ours.
_FRAMING = _POLICY.replace("frame-src 'none'", "frame-src 'self'")
_TOOLS = {"badge": badge, "tree": tree, "short": short, "picture": picture}
_LONGEST_NUMBER = 15  # digits

Question = TypeVar("Question", bound=tuple[Any, ...])
# What a person typed: blanks around it do not count.
Typed = Annotated[str, str.strip]
# The number of a row.
Row = Annotated[int, range(10**_LONGEST_NUMBER)]


def read(request: Any, question: type[Question]) -> Question:
    """Read what an address asks.

    Args:
        request: for the address.
        question: a NamedTuple with a field for each parameter, and a default for one that is missing or empty. A field
            is a `str`, an `int`, a Literal, or a `tuple[str, ...]` of a parameter that may be there several times.
            `Annotated` may add the parameter's name, if it is not the field's, the range of a number, and a function
            that a text goes through first.

    Raises:
        UsageError: a parameter has a value that its type does not have.
    """
    values = {
        field: _value(name, type_, notes, request.args.getlist(name))
        for field, name, type_, notes in _parameters(question)
    }
    return question(**{field: value for field, value in values.items() if value is not None})


def names(question: type[Any]) -> frozenset[str]:
    """Return the names of the parameters that a question reads."""
    return frozenset(name for _, name, _, _ in _parameters(question))


def _parameters(question: type[Any]) -> Iterator[tuple[str, str, Any, list[Any]]]:
    """Take a declaration apart: field, name in the address, type, and what `Annotated` has beside it."""
    for field, hint in get_type_hints(question, include_extras=True).items():
        type_, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        yield field, next((note for note in notes if isinstance(note, str)), field), type_, notes


def _value(name: str, type_: Any, notes: Sequence[Any], texts: Sequence[str]) -> Any:
    """Return the value of a parameter, None for the default."""
    if get_origin(type_) is tuple:
        return tuple(filter(None, texts))
    text = next(iter(texts), "")
    for note in notes:
        text = note(text) if callable(note) else text
    if not text:
        return None
    if type_ is int:
        return _number(name, text, next(note for note in notes if isinstance(note, range)))
    return _chosen(name, text, type_)


def _number(name: str, text: str, allowed: range) -> int:
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER or int(text) not in allowed:
        raise UsageError(f"{name} is a whole number from {allowed[0]:,} to {allowed[-1]:,}, not {text!r}.")
    return int(text)


def _chosen(name: str, text: str, type_: Any) -> str:
    """Return a text; of a Literal, which may be one of a union with None, one of its words."""
    words = [word for part in (type_, *get_args(type_)) if get_origin(part) is Literal for word in get_args(part)]
    if words and text not in words:
        raise UsageError(f"{name} is {', '.join(words[:-1])} or {words[-1]}, not {text!r}.")
    return text


async def render(
    store: Store,
    request: Any,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    alone: bool = False,
    framing: bool = False,
) -> Response:
    """Answer with a template of `templates/scrapdb`, by its name without suffix.

    It has at hand `store`, `url`, `badge`, `tree`, `short`, `time`, `picture`, and the context. Where
    somebody else's scripts run in the page, it is `alone`: they may not connect to any other server. `framing` it may
    frame another page of this server.
    """
    common = _TOOLS | {"store": store, "url": store.url, "time": time, "page_name": template.capitalize()}
    body = await store.datasette.render_template(f"scrapdb/{template}.html", common | context, request=request)
    headers = {"Content-Security-Policy": _FRAMING if framing else _POLICY} | (ALONE if alone else {})
    return Response.html(encodable(body), status=status, headers=headers)


def time(text: str | None) -> str:
    """Write a time of the store for people: 2026-11-01 12:00:00 UTC."""
    return f"{text[:19].replace('T', ' ')} UTC" if text else ""


def inserting(html: str | None, selector: str) -> str:
    """Write the script that puts HTML before an element of one of Datasette's pages."""
    # In a script, no text may look like its end.
    quoted = json.dumps(html).replace("<", "\\u003c")
    return f'document.querySelector("{selector}").insertAdjacentHTML("beforebegin", {quoted})' if html else ""
