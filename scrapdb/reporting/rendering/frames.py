"""Messages between the process that renders and the one that asked for it: a length, then msgpack.

What msgpack has no word for travels as an extension: tables, pictures, and whole numbers of more than 64 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from typing import TypeVar

import msgspec

from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Run
from scrapdb.reporting.rendering.given import Table
from scrapdb.text import valid_text

HEAD = struct.Struct(">Q")
_TABLE, _IMAGE, _WHOLE, _RUN = 1, 2, 3, 4
_WORD = 2**63
_Kind = TypeVar("_Kind")


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """A question of a template that somebody else has to answer: by name, with arguments."""

    name: str
    args: list[Any] = []
    kwargs: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """What the answer is, or the sentence that says why there is none."""

    value: Any = None
    error: str | None = None


class Done(msgspec.Struct, frozen=True, tag="done"):
    """What was rendered, its title in its language and its direction; and remarks."""

    content: bytes
    title: str = ""
    direction: str = "ltr"
    warnings: tuple[str, ...] = ()


class Wrong(msgspec.Struct, frozen=True, tag="wrong"):
    """Why nothing was rendered, and where."""

    message: str
    file: str | None = None
    line: int | None = None


class Task(msgspec.Struct, frozen=True):
    """A page to be rendered, in so many seconds and to so many bytes, and what can be asked for meanwhile."""

    page: Page
    answers: tuple[str, ...]
    seconds: float
    size: int


class Paper(msgspec.Struct, frozen=True):
    """HTML that becomes a PDF in so many seconds, and the files that it may show, by path."""

    html: bytes
    files: dict[str, bytes]
    seconds: float


class Sheet(msgspec.Struct, frozen=True):
    """HTML whose first pictures are wanted, or of which the whole becomes a letter, in so many seconds."""

    html: bytes
    most: int
    whole: bool
    seconds: float


def encoded(message: msgspec.Struct) -> bytes:
    """Write a message whose values are all that msgpack has a word for.

    Raises:
        TypeError: there is none for one of them.
    """
    return msgspec.msgpack.encode(message)


def decoder(kind: type[_Kind] | Any, run: Callable[[Run], Any] = lambda run: run) -> Callable[[bytes], _Kind]:
    """Return what reads messages of a kind.

    Args:
        kind: of messages.
        run: what is made of a row of the store.

    Raises, when it is called:
        msgspec.DecodeError: it is none.
    """

    def revived(code: int, data: memoryview) -> Any:
        value = _revived(code, data, revived)
        return run(value) if isinstance(value, Run) else value

    return msgspec.msgpack.Decoder(kind, ext_hook=revived).decode


def packed(value: Any) -> Any:
    """Return a value as msgpack can hold it.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, str):
        return valid_text(value)
    if value is None or isinstance(value, bool | float | bytes):
        return value
    if isinstance(value, int):
        return value if -_WORD <= value < _WORD else msgspec.msgpack.Ext(_WHOLE, b"%x" % value)
    if isinstance(value, Run):
        return msgspec.msgpack.Ext(_RUN, msgspec.msgpack.encode((packed(value.notebook), packed(dict(value)))))
    if isinstance(value, dict):
        return {packed(key): packed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [packed(item) for item in value]
    if isinstance(value, Table):
        columns = [
            Column(name=valid_text(str(each.name)), type=each.type, is_index=each.is_index) for each in value.columns
        ]
        return msgspec.msgpack.Ext(_TABLE, msgspec.msgpack.encode((columns, packed(value.rows), value.total)))
    if isinstance(value, Image):
        return msgspec.msgpack.Ext(_IMAGE, msgspec.msgpack.encode((value.mime, value.content, packed(value.alt))))
    return msgspec.to_builtins(value, builtin_types=(bytes,))


def _revived(code: int, data: memoryview, inner: Callable[[int, memoryview], Any]) -> Any:
    """Make of an extension what it stands for."""
    if code == _WHOLE:
        return int(bytes(data), 16)
    if code not in _EXTENSIONS:
        raise ValueError(f"there is no extension {code}")
    kind, make = _EXTENSIONS[code]
    return make(*msgspec.msgpack.Decoder(kind, ext_hook=inner).decode(data))


_EXTENSIONS: dict[int, tuple[Any, Callable[..., Any]]] = {
    _TABLE: (
        tuple[tuple[Column, ...], list[list[Any]], int],
        lambda columns, rows, total: Table(columns=columns, rows=rows, total=total),
    ),
    _IMAGE: (
        tuple[str, bytes, str],
        lambda mime, content, alt: Image(mime=mime, content=content, alt=alt),
    ),
    _RUN: (
        tuple[str, dict[str, Any]],
        Run,
    ),
}
