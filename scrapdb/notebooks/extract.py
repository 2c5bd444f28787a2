"""A typed notebook to its facts: status, times, parameters, decoded scraps and problems. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from scrapdb import facts
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import parameters
from scrapdb.notebooks import record
from scrapdb.notebooks import reruns
from scrapdb.notebooks import status
from scrapdb.notebooks import times
from scrapdb.notebooks import wire
from scrapdb.notebooks.decode import decoded
from scrapdb.text import composed

PAPERMILL_MARK = "papermill-error-cell-tag"
# Widget state can be larger than the rest of the notebook; Colab's key holds users and their files.
_NOT_KEPT = frozenset({"widgets", "colab"})
_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PYTHON = re.compile("python|pyspark", re.IGNORECASE)
_OTHER = re.compile(r"(?:i?r|spark\w*|julia|scala|spylon|bash)\b", re.IGNORECASE)  # kernels and languages
_LONGEST_TRACEBACK = 65_536
_LONGEST_SOURCE = 65_536


def read_facts(content: bytes) -> facts.Facts:
    """Read a notebook file's bytes; one that cannot be read has the status `unreadable` and a problem that says why."""
    try:
        try:
            return extract(ipynb.read(content))
        except msgspec.MsgspecError:  # in a part that the fast reader had left undecoded
            return extract(ipynb.read_careful(content))
    except ipynb.UnreadableError as unreadable:
        return facts.Facts("unreadable", problems=(unreadable.problem,))
    except RecursionError:
        return facts.Facts("unreadable", problems=(facts.Problem("nesting", ipynb.TOO_DEEP),))


def extract(notebook: ipynb.Notebook) -> facts.Facts:
    """Find everything that is kept of a notebook.

    Raises:
        msgspec.MsgspecError: an undecoded part is refused; read the notebook with `ipynb.read_careful`.
    """
    metadata = notebook.metadata
    real = [cell for cell in notebook.cells if PAPERMILL_MARK not in cell.metadata.tags]
    code = [(index, cell) for index, cell in enumerate(real) if cell.cell_type == "code"]
    written = code
    code, papermill, outdated = reruns.current(written, ipynb.mapping(metadata, "papermill"))
    run, suspect = record.read(metadata, written, outdated=bool(outdated))
    report, doubtful = record.read_report(metadata)
    cells = [cell for _, cell in code]
    run, state = record.agreed(run, record.skipped(code), status.status(cells, papermill))
    started, ended, seconds = times.times(cells, papermill, run)
    kernel, language = _kernel(metadata)
    recorded = {composed(name): value for name, value in ipynb.mapping(papermill, "parameters").items()}
    given, suspicious = parameters.effective(code, recorded, python=is_python(metadata))
    scraps, problems = glued(code)
    return facts.Facts(
        status=state,
        started_at=times.iso(started),
        ended_at=times.iso(ended),
        seconds=seconds,
        error=_error(code),
        kernel=kernel,
        language=language,
        source=_text(papermill, "input_path"),
        code_hash=_code_hash(cells),
        nbformat=f"{notebook.nbformat}.{notebook.nbformat_minor}",
        cells=len(real),
        metadata={key: part for key, part in metadata.items() if key not in _NOT_KEPT},
        parameters=tuple(given),
        scraps=tuple(map(decoded, scraps)),
        code=tuple(_code_cells(code, {found.place.cell for found in scraps})),
        problems=(*notebook.problems, *outdated, *suspect, *doubtful, *suspicious, *problems),
        execution=run,
        report=report,
    )


def glued(code: Iterable[tuple[int, ipynb.Cell]]) -> tuple[list[facts.Found], list[facts.Problem]]:
    """Collect what was glued, the last of a repeated name; a display joins the value glued before it in its cell.

    Names are in NFC: those that look the same are the same.

    Args:
        code: the code cells with their indexes, as in Place.

    Raises:
        msgspec.MsgspecError: as `extract`.
    """
    scraps: dict[str, facts.Found] = {}
    problems: list[facts.Problem] = []
    for found in items(code):
        if isinstance(found, facts.Problem):
            problems.append(found)
            continue
        item = found if found.glued.name.isascii() else _composed(found)
        earlier = scraps.pop(item.glued.name, None)
        if earlier and belongs(item, earlier):
            scraps[item.glued.name] = merged(earlier, item)
            continue
        if earlier:
            problems.append(_repeated(earlier, item))
        scraps[item.glued.name] = item
    return list(scraps.values()), problems


def items(code: Iterable[tuple[int, ipynb.Cell]]) -> Iterator[facts.Found | facts.Problem]:
    """Yield in order what was glued, and what is malformed of it; arguments and errors are those of `glued`."""
    for index, cell in code:
        for number, output in enumerate(cell.outputs):
            for item in wire.read(output.data, output.metadata, ipynb.value):
                if isinstance(item, facts.Glued):
                    yield facts.Found(item, facts.Place(index, number, cell.id, cell.execution_count))
                else:
                    yield facts.Problem(item.kind, item.message, item.name, index, number)


def belongs(item: facts.Found, earlier: facts.Found) -> bool:
    """Return whether a display was glued right after a value, in the same cell."""
    return (
        item.glued.data is UNSET
        and earlier.glued.data is not UNSET
        and earlier.glued.display is None
        and item.place.cell == earlier.place.cell
    )


def merged(earlier: facts.Found, item: facts.Found) -> facts.Found:
    """Return a value with the display that belongs to it."""
    return replace(earlier, glued=replace(earlier.glued, display=item.glued.display))


def _composed(item: facts.Found) -> facts.Found:
    return replace(item, glued=replace(item.glued, name=composed(item.glued.name)))


def _repeated(earlier: facts.Found, item: facts.Found) -> facts.Problem:
    before = f"cell {earlier.place.cell}, output {earlier.place.output}"
    message = f"The name was glued before, in {before}; the last one is kept."
    return facts.Problem("repeated", message, item.glued.name, item.place.cell, item.place.output)


def _code_cells(code: list[tuple[int, ipynb.Cell]], gluing: set[int]) -> Iterator[facts.CodeCell]:
    for index, cell in code:
        if status.is_run(cell):
            wanted = index in gluing or status.error(cell) is not None
            source = ipynb.text(cell.source)[:_LONGEST_SOURCE] if wanted else None
            yield facts.CodeCell(index, cell.id, cell.execution_count, times.cell_seconds(cell), source)


def _error(code: list[tuple[int, ipynb.Cell]]) -> facts.RunError | None:
    for index, cell in code:
        if output := status.error(cell):
            lines = output.traceback
            trace = lines if isinstance(lines, str) else "\n".join(lines)
            plain = _TERMINAL_COLOURS.sub("", trace)[-_LONGEST_TRACEBACK:]
            return facts.RunError(output.ename, output.evalue, index, plain)
    return None


def _kernel(metadata: dict[str, Any]) -> tuple[str | None, str | None]:
    kernelspec, language_info = ipynb.mapping(metadata, "kernelspec"), ipynb.mapping(metadata, "language_info")
    language = _text(language_info, "name") or _text(kernelspec, "language")
    return _text(kernelspec, "name"), language.lower() if language else None


def is_python(metadata: dict[str, Any]) -> bool:
    """Return whether the cells are Python, under whatever name (pyspark); also where nobody says what they are.

    Lexer and mode, by which editors colour cells, are right where the name is the kernel's own, and where the kernel of
    another language is a program in Python.
    """
    kernelspec, language_info = ipynb.mapping(metadata, "kernelspec"), ipynb.mapping(metadata, "language_info")
    mode = _text(ipynb.mapping(language_info, "codemirror_mode"), "name") or _text(language_info, "codemirror_mode")
    colours, name = f"{_text(language_info, 'pygments_lexer') or ''} {mode or ''}", _text(language_info, "name") or ""
    told = _PYTHON.search(f"{colours} {name}") is not None
    if told or not colours.isspace():
        return told
    language, kernel = _text(kernelspec, "language") or "", _text(kernelspec, "name") or ""
    if name or language:
        return bool(_PYTHON.search(language)) and not _OTHER.match(name)
    return bool(_PYTHON.search(kernel)) or not _OTHER.match(kernel)


class Sources(NamedTuple):
    """The sources of cells, with their indexes as in Place, but none that a runner has written."""

    code: list[tuple[int, str]]
    markdown: list[tuple[int, str]]


def sources(content: bytes) -> Sources:
    """Return the sources of a file's cells.

    Raises:
        ipynb.UnreadableError: it is no notebook.
    """
    real = [cell for cell in ipynb.read(content).cells if PAPERMILL_MARK not in cell.metadata.tags]
    is_own = _own([cell for cell in real if cell.cell_type == "code"])

    def of(cell_type: str) -> list[tuple[int, str]]:
        own = ((index, cell) for index, cell in enumerate(real) if cell.cell_type == cell_type and is_own(cell))
        return [(index, ipynb.text(cell.source)) for index, cell in own]

    return Sources(of("code"), of("markdown"))


def _code_hash(cells: list[ipynb.Cell]) -> str:
    """Hash the sources of code cells but for those that a runner has injected or filled.

    They differ from run to run of the same code.
    """
    is_own = _own(cells)
    texts = (ipynb.text(cell.source) for cell in cells if is_own(cell))
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _own(cells: list[ipynb.Cell]) -> Callable[[ipynb.Cell], bool]:
    """Tell of each code cell whether no runner has injected or filled it."""
    is_injected = parameters.injected(cells)
    return lambda cell: not is_injected(cell) and parameters.FILLED_TAG not in cell.metadata.tags


def _text(part: dict[str, Any], key: str) -> str | None:
    member = part.get(key)
    return member if isinstance(member, str) else None
