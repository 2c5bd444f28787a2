"""The layout of a JSON text (indentation, separators, escapes), so that what is added to it looks like the rest."""

from __future__ import annotations

import json
import re
from typing import Any
from typing import NamedTuple

from scrapdb.notebooks.spans import Container
from scrapdb.text import valid_text

_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])")  # of a character that could stand there itself


class Layout(NamedTuple):
    r"""How an object is written.

    Args:
        newline: what ends a line, `\n` or `\r\n`; empty if the object stands on one.
        indent: what its last line begins with.
        unit: by how much more its members are indented.
        comma: what stands between members, without the line's end.
        colon: what stands between a name and a value.
        is_sorted: whether its members are in the order of their names.
        is_ascii: whether other characters are escaped.
    """

    newline: str
    indent: str
    unit: str
    comma: str
    colon: str
    is_sorted: bool
    is_ascii: bool

    def inside(self, levels: int) -> Layout:
        """Return the layout of an object so many levels deeper."""
        return self._replace(indent=self.indent + self.unit * levels)

    @property
    def line_break(self) -> str:
        """What stands between two lines at this depth; nothing, if all is on one line."""
        return self.newline + self.indent if self.newline else ""

    def write(self, value: Any) -> str:
        """Write a JSON value; lone surrogates, which no file can hold, are escaped.

        Raises:
            TypeError, ValueError: JSON cannot hold it.
        """
        text = json.dumps(
            value,
            ensure_ascii=self.is_ascii,
            allow_nan=False,
            indent=self.unit if self.newline else None,
            separators=(self.comma, self.colon),
            sort_keys=self.is_sorted,
        )
        return valid_text(text).replace("\n", self.line_break)


def layout(text: str, written: Container) -> Layout:
    """Read the layout of an object with members off the text that it stands in."""
    first, last = written.parts[0], written.parts[-1]
    before = text[written.start + 1 : first.start]
    after = text[last.end : written.end - 1]
    newline = "\r\n" if "\r\n" in before else "\n" if "\n" in before else ""
    indent = after.rpartition("\n")[2] if newline else ""
    keys = [str(part.key) for part in written.parts]
    between = text[first.end : written.parts[1].start] if len(keys) > 1 else ","
    name = text[first.start : first.value]
    return Layout(
        newline=newline,
        indent=indent,
        unit=before.rpartition("\n")[2].removeprefix(indent),
        comma=between.partition(newline)[0] if newline else between,
        colon=name[name.rindex('"') + 1 :],
        is_sorted=keys == sorted(keys),
        is_ascii=text.isascii() and _ESCAPED.search(text) is not None,
    )
