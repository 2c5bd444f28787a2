"""A notebook made ready: read, with papermill's metadata and its cell of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import nbformat
from msgspec import UNSET
from nbformat import NotebookNode
from papermill import execute
from papermill import iorw
from papermill.translators import papermill_translators

from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion
from scrapdb.facts import Expression
from scrapdb.notebooks.extract import PAPERMILL_MARK
from scrapdb.notebooks.parameters import FILLED_TAG
from scrapdb.running.kernels import cells
from scrapdb.running.rows import parameters
from scrapdb.running.rows import placeholders
from scrapdb.running.rows import translate
from scrapdb.running.rows.parameters import Signature
from scrapdb.running.rows.parameters import plain
from scrapdb.running.rows.placeholders import Variable
from scrapdb.running.task import Task

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

_SETTING = frozenset({"parameters", "injected-parameters"})
_LONG = 200


def notebook(task: Task) -> NotebookNode:
    """Return the notebook of a task, as papermill prepares it, with nothing executed.

    Raises:
        ScrapdbError: it is no notebook, or papermill cannot write parameters for its language.
    """
    try:
        node = nbformat.v4.upgrade(nbformat.reads(task.content.decode(), as_version=4))
        _with_metadata(node)
    except Exception as error:  # nbformat raises whatever it stumbles over
        raise ScrapdbError(f"{task.notebook} cannot be read as a notebook: {_sentence(error)}") from error
    injected = _with_placeholders(node, task)
    if injected:
        try:
            node = translate.parameterized(node, injected, task.kernel)
        except (iorw.PapermillException, ValueError) as error:
            raise ScrapdbError(f"{task.notebook} cannot take parameters: {error}") from error
    if task.parameters:
        node.metadata.papermill["parameters"] = plain(task.parameters)
    node = execute.prepare_notebook_metadata(node, task.notebook, task.output)
    made: NotebookNode = execute.remove_error_markers(node)
    for cell in made.cells:
        if (
            cell.cell_type == "code"
            and cells.NOT_EXECUTED.match(cell.source)
            and cells.SKIPPED not in cell.metadata.tags
        ):
            cell.metadata.tags = [*cell.metadata.tags, cells.SKIPPED]
    return made


def telling(node: NotebookNode) -> set[int]:
    """Return the indexes of the cells before which secrets are told.

    It is the first one behind those that set parameters, whose defaults would take their place, else the first of all;
    and each that was filled, in which their names stand in place of them.
    """
    tags = [cell.metadata.tags for cell in node.cells]
    setting = [index for index, of_cell in enumerate(tags) if not _SETTING.isdisjoint(of_cell)]
    return {setting[-1] + 1 if setting else 0, *(index for index, of_cell in enumerate(tags) if FILLED_TAG in of_cell)}


def _takes(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and placeholders.takes(cell.source, cell.metadata.tags)


def _with_placeholders(node: NotebookNode, task: Task) -> dict[str, Any]:
    """Fill the placeholders of a notebook, and return the parameters that papermill is left to set.

    Raises:
        ScrapdbError: nothing fills one, or a cell cannot be filled.
    """
    if not any(map(_takes, node.cells)):
        return task.parameters
    signature = parameters.of(task.content, task.kernel)
    if not signature.python:
        return task.parameters
    known = _known(signature, task)
    real = [cell for cell in node.cells if PAPERMILL_MARK not in cell.metadata.tags]
    for index, cell in enumerate(real):
        if _takes(cell):
            before, cell.source = cell.source, _filled(cell.source, index, signature, known)
            cell.metadata.tags += [FILLED_TAG] if cell.source != before else []
    given = {signature.named(name): value for name, value in task.parameters.items()}
    injected = {name for name, each in signature.parameters.items() if each.injected}
    return {name: value for name, value in given.items() if name in injected}


def _known(signature: Signature, task: Task) -> dict[str, Any]:
    """Return what fills placeholders, by the name of the parameter: what is given, else a default."""
    known = {name: each.default for name, each in signature.parameters.items() if each.default is not UNSET}
    known = {name: Variable(name) if isinstance(value, Expression) else value for name, value in known.items()}
    given = {**plain(task.parameters), **{name: Variable(name) for name in task.secrets}}
    return {**known, **{signature.named(name): value for name, value in given.items()}}


def _filled(source: str, index: int, signature: Signature, known: Mapping[str, Any]) -> str:
    try:
        found = placeholders.found(source)
        for name, line, _ in found:
            if signature.named(name) not in known:
                others = suggestion(signature.named(name), known) if known else "no parameter is given."
                raise ScrapdbError(f"Nothing fills ${name} in line {line} of cell {index}: {others}")
        return placeholders.filled(source, {name: known[signature.named(name)] for name, *_ in found})
    except placeholders.PlaceholderError as error:
        raise ScrapdbError(f"Cell {index} begins with `#ENVIRONMENT` and {error}.") from error


def _sentence(error: Exception) -> str:
    """Return what was wrong, without the whole notebook that a validator adds to it."""
    return str(getattr(error, "message", error)).split("\n")[0][:_LONG]


def _with_metadata(node: NotebookNode) -> None:
    """Give a notebook what papermill's own loader gives it, which reads files only."""
    parts = ("default_parameters", "parameters", "environment_variables")
    if not isinstance(node.metadata.get("papermill"), dict):
        node.metadata["papermill"] = NotebookNode({**{part: NotebookNode() for part in parts}, "version": _version()})
    for cell in node.cells:
        if not isinstance(cell.metadata.get("tags"), list):
            cell.metadata["tags"] = []
        if not isinstance(cell.metadata.get("papermill"), dict):
            cell.metadata["papermill"] = NotebookNode()


def _version() -> str:
    from papermill.version import version

    return str(version)


def assignments(spec: KernelSpec, values: Mapping[str, str]) -> str:
    """Return code that assigns texts to names.

    Raises:
        ScrapdbError: papermill cannot write it in the language of the kernel.
    """
    if spec.language == "python":
        return "\n".join(f"{name} = {value!r}" for name, value in values.items())
    try:
        return str(papermill_translators.find_translator(spec.name, spec.language).codify(dict(values)))
    except iorw.PapermillException as error:
        raise ScrapdbError(f"The kernel {spec.name} cannot take secrets: {error}") from error


def executed_cells(node: NotebookNode) -> list[int]:
    """Return the indexes of the cells that are executed."""
    return [index for index, cell in enumerate(node.cells) if is_executed(cell)]


def is_executed(cell: NotebookNode) -> bool:
    """Return whether a cell has code that is executed."""
    return cell.cell_type == "code" and bool(cell.source.strip()) and cells.SKIPPED not in cell.metadata.get("tags", [])
