"""A notebook made ready: read, with papermill's metadata and its cell of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from papermill import execute
from papermill import iorw
from papermill.translators import papermill_translators

from scrapdb.errors import ScrapdbError
from scrapdb.running.kernels import cells
from scrapdb.running.rows import translate
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
    if task.parameters:
        try:
            node = translate.parameterized(node, task.parameters, task.kernel)
        except (iorw.PapermillException, ValueError) as error:
            raise ScrapdbError(f"{task.notebook} cannot take parameters: {error}") from error
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


def behind_parameters(node: NotebookNode) -> int:
    """Return the index of the first cell behind those that set parameters; 0 if none does."""
    setting = [index for index, cell in enumerate(node.cells) if not _SETTING.isdisjoint(cell.metadata.tags)]
    return setting[-1] + 1 if setting else 0


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


def code_cells(node: NotebookNode) -> int:
    """Count the cells that are executed."""
    return sum(is_executed(cell) for cell in node.cells)


def is_executed(cell: NotebookNode) -> bool:
    """Return whether a cell has code that is executed."""
    return cell.cell_type == "code" and bool(cell.source.strip()) and cells.SKIPPED not in cell.metadata.get("tags", [])
