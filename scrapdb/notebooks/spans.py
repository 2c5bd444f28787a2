"""The spans of a JSON text's parts, so that one of them can be changed and all else stays as it is.

A span is a pair of offsets in characters. The text must be JSON that `json` has read: mistakes are not looked for. Only
the way to a part is walked; what stands beside the way is passed over by `json`'s own scanner.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_BLANKS = re.compile(r"[ \t\n\r]*")
_CLOSING = {"{": "}", "[": "]"}
_scanner = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers of any length, which nobody asks for


class Part(NamedTuple):
    """A member of an object, or an item of an array.

    Args:
        key: the member's name; None of an item.
        start: offset in characters of its first one.
        value: offset of its value, which in an item is `start`.
        end: offset after its last character.
    """

    key: str | None
    start: int
    value: int
    end: int


class Container(NamedTuple):
    """An object or an array, from its opening bracket to after its closing one."""

    start: int
    end: int
    parts: tuple[Part, ...]

    def member(self, key: str) -> int:
        """Return the offset of a member's value; of several members of that name, the last one's, as `json` does.

        Raises:
            KeyError: there is none.
        """
        return {part.key: part.value for part in self.parts}[key]


def container(text: str, at: int = 0) -> Container:
    """Find the parts of the object or the array that begins at an offset, or after blanks there.

    Raises:
        KeyError: it is neither.
        RecursionError: a part of it is nested too deeply.
    """
    start = _after_blanks(text, at)
    closing = _CLOSING[text[start]]
    parts = []
    at = _after_blanks(text, start + 1)
    while text[at] != closing:
        part = _part(text, at, is_member=closing == "}")
        parts.append(part)
        at = _after_blanks(text, part.end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    return Container(start, at + 1, tuple(parts))


def _part(text: str, start: int, *, is_member: bool) -> Part:
    key, value = None, start
    if is_member:
        key, colon = _scanner.raw_decode(text, start)
        value = _after_blanks(text, _after_blanks(text, colon) + 1)
    _, end = _scanner.raw_decode(text, value)
    return Part(key, start, value, end)


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at
