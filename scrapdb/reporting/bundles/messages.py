"""The texts of a bundle that can be translated, found in its templates, in config.json, and in code.

What counts is what gettext's tools look for: `_("…")` and its kin, and Jinja's `{% trans %}`. Of config.json it is the
title, labels and choices, which stand in no code.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from scrapdb.errors import BundleError
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import ipython
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.bundle import LANGUAGES
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import STATIC
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.running.kernels import cells

CHOICE = "Something that can be chosen."  # which translators read beside it
LETTERS = ("letter-failure", "letter-trace")  # templates of letters that no target names
_TEMPLATES = (".html", ".htm", ".jinja", ".jinja2", ".j2")
_COMMENTS = ("NOTE:", "TRANSLATORS:", "Translators:")  # with which a comment begins that translators are to read
_BROKEN = (SyntaxError, tokenize.TokenError, IndentationError, ValueError, RecursionError, MemoryError)
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)[-+ #0]*\d*(?:\.\d+)?[sdifeEgGxX])")


class Message(NamedTuple):
    """A text: itself, or singular and plural; and where it stands: a file and its line, or a notebook and its cell."""

    id: str | tuple[str, ...]
    file: str
    place: int
    comments: tuple[str, ...] = ()
    context: str | None = None


def of(bundle: Bundle, *, tolerant: bool = False) -> list[Message]:
    """Find all texts of a bundle.

    Args:
        bundle: of which.
        tolerant: whether to pass over what cannot be parsed.

    Raises:
        BundleError: a template or a cell cannot be parsed, which might hold texts.
    """
    found = [*_of_config(bundle)]
    for source in _sources(bundle):
        try:
            found += _extracted(source)
        except BundleError:
            if not tolerant:
                raise
    return found


class _Source(NamedTuple):
    """Something in which texts stand; a cell of the notebook, if it is one."""

    file: str
    content: bytes
    cell: int | None = None


def _sources(bundle: Bundle) -> Iterator[_Source]:
    yield from (_Source(name, bundle.files[name]) for name in templates(bundle))
    yield from (_Source(NOTEBOOK, source.encode("utf-8", "replace"), index) for index, source in code(bundle))
    yield from (_Source(name, bundle.files[name]) for name in sorted(bundle.files) if name.endswith(".py"))


def templates(bundle: Bundle) -> list[str]:
    """Return the names of all templates, those that others include or extend among them."""
    aside = (f"{STATIC}/", f"{LANGUAGES}/")
    found = {name for name in bundle.files if name.endswith(_TEMPLATES) and not name.startswith(aside)}
    return sorted(found.union(letters(bundle)))


def letters(bundle: Bundle) -> list[str]:
    """Return the names of the templates of letters."""
    named = (target.template for target in bundle.config.deliver if target.template)
    names = dict.fromkeys((*named, *LETTERS))
    return [f"{name}{end}" for name in names for end in (".html", ".txt") if f"{name}{end}" in bundle.files]


def code(bundle: Bundle) -> Iterator[tuple[int, str]]:
    """Yield index and Python source of the cells that a report executes."""
    for index, cell in notebook_cells(bundle):
        source = ipynb.text(cell.source)
        if is_executed(cell):
            yield index, ipython.as_python(ipython.aligned(source)) or ""


def notebook_cells(bundle: Bundle) -> list[tuple[int, ipynb.Cell]]:
    """Return the code cells of a bundle's notebook with their indexes.

    Raises:
        BundleError: it cannot be read.
    """
    try:
        notebook = ipynb.read(bundle.files[NOTEBOOK]) if NOTEBOOK in bundle.files else ipynb.Notebook()
    except ipynb.UnreadableError as error:
        raise BundleError(f"{NOTEBOOK} cannot be read. {error.problem.message}") from error
    return [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def is_executed(cell: ipynb.Cell) -> bool:
    """Return whether a code cell is executed when a report is made."""
    return cells.SKIPPED not in cell.metadata.tags and not cells.NOT_EXECUTED.match(ipynb.text(cell.source))


def placeholders(text: str) -> set[str]:
    """Return the names that a text wants to be filled: `%(name)s`."""
    return {match[1] for match in _PLACEHOLDER.finditer(text) if match[1]}


def _of_config(bundle: Bundle) -> Iterator[Message]:
    lines = bundle.files[config.FILE].decode("utf-8-sig").splitlines()
    for text, comment in _texts(bundle.config):
        written = {json.dumps(text), json.dumps(text, ensure_ascii=False)}
        line = next((number for number, line in enumerate(lines, 1) if any(each in line for each in written)), 1)
        yield Message(text, config.FILE, line, (comment,) if comment else ())


def _texts(said: config.Config) -> Iterator[tuple[str, str]]:
    yield said.title, ""
    for parameter in said.parameters.values():
        if parameter.label:
            yield parameter.label, ""
        yield from ((choice, CHOICE) for choice in parameter.choices if isinstance(choice, str) and choice)


def _extracted(source: _Source) -> list[Message]:
    """Have Babel find texts.

    Raises:
        BundleError: the source cannot be parsed.
    """
    from babel.messages.extract import DEFAULT_KEYWORDS
    from babel.messages.extract import extract
    from jinja2 import TemplateSyntaxError
    from jinja2.ext import babel_extract

    options = {"silent": "false", "newstyle_gettext": "true"}
    how: Any = babel_extract if source.file.endswith((*_TEMPLATES, ".txt")) else "python"
    file = io.BytesIO(source.content)
    try:
        found = [*extract(how, file, DEFAULT_KEYWORDS, _COMMENTS, options, strip_comment_tags=True)]
    except TemplateSyntaxError as error:
        raise BundleError(f"{source.file}:{error.lineno}: {error.message} Nothing was collected.") from error
    except _BROKEN as error:
        where = source.file if source.cell is None else f"{source.file}, cell {source.cell}"
        raise BundleError(f"{where} cannot be parsed: {error}. Nothing was collected.") from error
    return [
        Message(
            id_ if isinstance(id_, str) else tuple(id_),
            source.file,
            line if source.cell is None else source.cell,
            tuple(comments),
            context,
        )
        for line, id_, comments, context in found
        if id_
    ]
