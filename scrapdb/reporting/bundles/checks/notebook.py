"""The notebook: whether it can be run, what it takes by config.json, and that its output comes last."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion
from scrapdb.notebooks import ipynb
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import messages
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks import code
from scrapdb.reporting.bundles.checks.code import Code
from scrapdb.reporting.bundles.checks.finding import Finding
from scrapdb.running.rows import parameters

_ENVIRONMENT = re.compile(r"\s*#\s*environment[ \t]*:?[ \t]*(?:\n|\Z)", re.IGNORECASE)
_DOLLAR = re.compile(r"\$(?:\$|\{([^\W\d]\w*)\}|([^\W\d]\w*))")
_LANGUAGE = ("language", "lang")  # which whoever makes a report gives, too
_IPYTHON = re.compile(r"^\s*[%!].*", re.MULTILINE)


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what is wrong with the notebook."""
    if NOTEBOOK not in bundle.files:
        return
    try:
        cells = code.of(bundle) if is_python(bundle) else []
        yield from _parameters(bundle, cells)
    except ScrapdbError as error:
        yield Finding(file=NOTEBOOK, message=str(error).removeprefix(f"{NOTEBOOK} cannot be read. "))
        return
    for cell in cells:
        if cell.tree is None:
            yield _at(cell.cell, f"This is no Python: {cell.problem}.", cell.line)
    yield from _paths(bundle, cells)
    yield from _order(cells)


def is_python(bundle: Bundle) -> bool:
    """Return whether a bundle's notebook is run by Python."""
    signature = parameters.of(bundle.files[NOTEBOOK], bundle.config.kernel)
    return signature.python


def placeholders(bundle: Bundle) -> dict[str, tuple[int, int]]:
    """Return the names that cells of `#ENVIRONMENT` want, with the cell and the line in which each stands first."""
    found: dict[str, tuple[int, int]] = {}
    sources = {
        index: ipynb.text(cell.source) for index, cell in messages.notebook_cells(bundle) if messages.is_executed(cell)
    }
    for cell in code.of(bundle):
        if cell.tree is not None and _ENVIRONMENT.match(sources[cell.cell]):
            for text, line in code.texts(cell.tree):
                for match in _DOLLAR.finditer(text):
                    if name := match[1] or match[2]:
                        found.setdefault(name, (cell.cell, line))
    return found


def _parameters(bundle: Bundle, cells: list[Code]) -> Iterator[Finding]:
    asked = bundle.config.parameters
    wanted = placeholders(bundle)
    signature = parameters.of(bundle.files[NOTEBOOK], bundle.config.kernel)
    filled = [*asked, *config.GIVEN, *_LANGUAGE]
    for name, (cell, line) in wanted.items():
        if name.lower() not in {each.lower() for each in filled}:
            known = suggestion(name.lower(), [*asked, *config.GIVEN])
            yield _at(cell, f"Nothing fills ${name}: {config.FILE} has no such parameter; {known}", line)
    taken = {*signature.parameters, *(name.lower() for name in wanted)}
    for name in asked:
        if name in taken or name.lower() in taken:
            continue
        if signature.open and not wanted and name in code.loaded(cells):
            continue
        known = suggestion(name, sorted(taken)) if taken else "tag the cell that sets it with `parameters`."
        yield Finding(file=config.FILE, message=f"parameters.{name}: the notebook takes no such parameter; {known}")
    for name in signature.parameters:
        if asked and name not in asked and name.lower() not in {*_LANGUAGE, *(each.lower() for each in wanted)}:
            message = f"The notebook takes {name}, which {config.FILE} does not name, so that nobody can ask for it."
            yield Finding(severity="warning", file=NOTEBOOK, message=message)


def _paths(bundle: Bundle, cells: list[Code]) -> Iterator[Finding]:
    sources = {index: ipynb.text(cell.source) for index, cell in messages.notebook_cells(bundle)}
    for cell in cells:
        for text, line in code.texts(cell.tree) if cell.tree else ():
            if code.is_path(text):
                yield _at(cell.cell, _absolute(text), line)
        for match in _IPYTHON.finditer(sources[cell.cell]):
            for word in match[0].split():
                if code.is_path(word.strip("'\"")):
                    yield _at(cell.cell, _absolute(word), sources[cell.cell].count("\n", 0, match.start()) + 1)


def _absolute(text: str) -> str:
    return f"{text!r:.60} is a path of one machine. Put the file into the bundle, and write its path in that."


def _order(cells: list[Code]) -> Iterator[Finding]:
    """Say what comes after the output, or that there is none."""
    gives = code.gives(cells)
    if gives.writes is None and gives.glues is None:
        if cells and gives.is_all:
            message = f"No cell writes {code.OUTPUT} or glues anything, so that the page has nothing to show."
            yield Finding(severity="warning", file=NOTEBOOK, message=message)
        return
    if gives.writes is None:
        return
    last = max(each for each in (gives.writes, gives.glues) if each is not None)
    for cell in cells:
        if cell.cell > last and cell.tree and cell.tree.body:
            told = f"This cell comes after the output, which cell {last} gives. Move it before that"
            yield _at(cell.cell, f"{told}, or begin it with #NOEXECUTE.")


def _at(cell: int, message: str, line: int | None = None) -> Finding:
    return Finding(file=NOTEBOOK, cell=cell, line=line, message=message)
