"""A notebook made ready: read, with papermill's metadata and its cell of parameters, and the kernel it asks for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.kernelspec import NoSuchKernel
from nbformat import NotebookNode
from papermill import execute
from papermill import iorw
from papermill import utils
from papermill.translators import papermill_translators

from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion
from scrapdb.running import servers
from scrapdb.running import translate
from scrapdb.running.task import Task

_NOT_EXECUTED = re.compile(r"\s*#\s*noexecute\b", re.IGNORECASE)
_SETTING = frozenset({"parameters", "injected-parameters"})
_LONG = 200
_SKIPPED = "skip-execution"  # nbclient's tag
_OURS = ("local-provisioner", "scrapdb")  # provisioners in whose place we can start a kernel


class KernelMissingError(ScrapdbError):
    """The kernel that a notebook asks for is not installed."""


class KernelElsewhereError(ScrapdbError):
    """The kernel that a notebook asks for is started by something else: in a cluster, say."""


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
        if cell.cell_type == "code" and _NOT_EXECUTED.match(cell.source) and _SKIPPED not in cell.metadata.tags:
            cell.metadata.tags = [*cell.metadata.tags, _SKIPPED]
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


def kernelspec(node: NotebookNode, name: str | None) -> KernelSpec:
    """Return the kernelspec that is asked for, or that a notebook names.

    Raises:
        KernelMissingError: there is none of that name, or the notebook names none.
        KernelElsewhereError: it is started by a provisioner of its own.
    """
    manager = KernelSpecManager()
    try:
        wanted = utils.nb_kernel_name(node, name)
    except ValueError:
        raise KernelMissingError("the notebook names no kernel; name one with --kernel") from None
    try:
        spec = manager.get_kernel_spec(wanted)
    except NoSuchKernel:
        known = manager.find_kernel_specs()
        if wanted in known:
            where = f"{known[wanted]}/kernel.json"
            raise KernelMissingError(
                f"the kernel {wanted} is started by a provisioner that is not installed, see {where}"
            ) from None
        raise KernelMissingError(f"the kernel {wanted} is not installed; {suggestion(wanted, known)}") from None
    spec.name = wanted
    provisioner = spec.metadata.get("kernel_provisioner", {}).get("provisioner_name", _OURS[0])
    if provisioner not in _OURS:
        raise KernelElsewhereError(
            f"the kernel {wanted} is started by {provisioner}, where `scrapdb run` can put no wall around it; "
            "`papermill --engine scrapdb` executes with it"
        )
    if not spec.argv or not shutil.which(servers.interpreter(spec.argv[0])):
        program = spec.argv[0] if spec.argv else "nothing"
        raise KernelMissingError(f"the kernel {wanted} is to be started by {program}, which is not there")
    return spec


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
    return cell.cell_type == "code" and bool(cell.source.strip()) and _SKIPPED not in cell.metadata.get("tags", [])
