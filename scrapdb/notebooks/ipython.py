"""IPython's own statements taken out of a cell, so that what remains is Python.

A statement of IPython begins with `%`, `!`, `?`, `,`, `;` or `/`, ends with `?`, or assigns what `!` or `%` gives. It
is looked for where statements begin, never in a text, in brackets or in a continued line. Lines keep their numbers.

Source of the syntax: IPython.core.inputtransformer2, which is not imported, since who reads need not have IPython.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

# Cell magics that run their cell in the notebook's namespace. The cell of any other is a text, in whatever language.
_RUN_THEIR_CELL = frozenset({"capture", "debug", "local", "prun", "pyinstrument", "snakeviz", "time"})
_CELL_MAGIC = re.compile(r"\s*^%%(?!\w+\?)(\w*)[^\n]*", re.MULTILINE)
_PROMPT = re.compile(r"^[ \t]*(?:>>>|In \[\d+\]:|\.{3,}:?)(?: |$)", re.MULTILINE)
_ESCAPE = re.compile(r"[ \t]*[%!?,;/]")
_TIMED = re.compile(r"([ \t]*)%time[ \t]+(?=[^-%!?\s])")  # a magic that runs the statement beside it, as its cell would
_ESCAPED_VALUE = re.compile(r"[ \t]*(?:!|%[ \t]*[^\W\d])")
_CONTINUED = re.compile(r"(?:[^\n]*\\\n)*[^\n]*\n?")
_HELP = re.compile(r"[\w*\])]\?\??\s*\Z")
_OPENS_BLOCK = re.compile(r":[ \t]*(?:#[^\n]*)?\n?\Z")
_CONTINUES = re.compile(r"(?:else|elif|except|finally)\b|[\s)\]}#]")
# What matters in Python on the way to the end of a statement; `=` is told from the signs that it is part of.
_SPOT = re.compile(r"""#[^\n]*|'''|\"""|['"]|[(\[{]|[)\]}]|\\\n|\n|[=!<>:+\-*/%&|^@]=|=""")
_AFTER = {quote: re.compile(rf"(?:[^\\]|\\.)*?(?:{quote}|\Z)", re.DOTALL) for quote in ("'''", '"""')} | {
    quote: re.compile(rf"(?:[^\\\n]|\\.)*?(?:{quote}|(?=\n)|\Z)", re.DOTALL) for quote in ("'", '"')
}


class _Statement(NamedTuple):
    """A logical line of a cell: its text, and what of it is assigned to, if IPython assigns."""

    text: str
    is_python: bool = True
    target: str = ""


def aligned(source: str) -> str:
    """Take away what IPython does before it reads: prompts, and blanks in front of all lines."""
    first = source.lstrip()
    if first.startswith((">>> ", "In [")):
        source = _PROMPT.sub("", source)
    return textwrap.dedent(source) if source[: len(source) - len(first)].strip("\n") else source


def as_python(source: str) -> str | None:
    """Put Python in place of IPython's statements; where one assigns a loop over nothing, which binds the same names.

    None if a cell magic takes the cell for a text.
    """
    while magic := _CELL_MAGIC.match(source):
        if magic[1] not in _RUN_THEIR_CELL:
            return None
        source = "\n" * magic[0].count("\n") + source[magic.end() :]
    lines: list[str] = []
    opens = False
    for statement in _statements(source):
        line = statement.text if statement.is_python else _replaced(statement, "pass" if opens else "")
        lines.append(line)
        opens = bool(_OPENS_BLOCK.search(line)) or (opens and not line.partition("#")[0].strip())
    return "".join(lines)


def blocks(source: str) -> Iterator[tuple[int, str]]:
    """Part a cell into statements that stand at its edge, with what belongs to them; each with the lines before it."""
    line, first, block = 0, 0, [""]
    for text, *_ in _statements(source):
        if not _CONTINUES.match(text) and not block[-1].startswith("@"):
            yield first, "".join(block)
            first, block = line, []
        block.append(text)
        line += text.count("\n")
    yield first, "".join(block)


def _replaced(statement: _Statement, nothing: str) -> str:
    text, _, target = statement
    if timed := _TIMED.match(text):
        return timed[1] + text[timed.end() :]
    instead = f"for {target} in (): pass" if target else nothing
    return text[: len(text) - len(text.lstrip())] + instead + "\n" * text.count("\n")


def _statements(source: str) -> Iterator[_Statement]:
    start = 0
    while start < len(source):
        if _ESCAPE.match(source, start):
            statement = _Statement(_continued(source, start, start), is_python=False)
        else:
            statement = _statement(source, start)
        yield statement
        start += len(statement.text)


def _statement(source: str, start: int) -> _Statement:
    """Read up to the end of the line on which no text and no bracket is open."""
    depth, assigns, position, sign, before = 0, False, start, "", ""
    while spot := _SPOT.search(source, position):
        before, sign, position = sign, spot[0], spot.end()
        if sign in _AFTER:
            position = _AFTER[sign].match(source, position).end()  # type: ignore[union-attr] # matches up to the end
        elif sign == "=" and not depth and not assigns:
            assigns = True
            if _ESCAPED_VALUE.match(source, position):
                target = source[start : spot.start()].strip()
                return _Statement(_continued(source, start, position), is_python=False, target=_bare(target))
        elif sign == "\n" and not depth:
            break
        else:
            depth = max(0, depth + (sign in "([{") - (sign in ")]}"))
    text = source[start : position if spot else len(source)]
    last = before if spot else sign
    return _Statement(text, is_python=last.startswith("#") or not _HELP.search(text))


def _continued(source: str, start: int, position: int) -> str:
    """Return the text from the start to the end of the line, and of those that backslashes join to it."""
    line = _CONTINUED.match(source, position)
    return source[start : line.end() if line else len(source)]


def _bare(target: str) -> str:
    """Return what is assigned to without its type."""
    return target if "[" in target.partition(":")[0] else target.partition(":")[0].rstrip()
