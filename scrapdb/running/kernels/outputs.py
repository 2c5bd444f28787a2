"""Where executed notebooks are written: files, which are complete at any time, and URLs."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.facts import KeptFile
from scrapdb.files import remote
from scrapdb.files.whole import whole_file
from scrapdb.running.kernels import directory as copying
from scrapdb.running.kernels import objects
from scrapdb.running.kernels.capping import is_glued


def write(node: NotebookNode, output: str) -> None:
    """Write a notebook to a path or URL.

    Raises:
        ScrapdbError: nothing can be written there.
    """
    content = nbformat.writes(node).encode("utf-8", "backslashreplace")  # which JSON has for half a character, too
    if remote.is_url(output):
        objects.put(output, content)
        return
    path = Path(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise ScrapdbError(f"The output {output} cannot be written: {error.strerror}.") from error


def join(node: NotebookNode) -> None:
    """Make one output of adjacent pieces of one stream."""
    for cell in node.cells:
        if cell.cell_type == "code":
            joined: list[NotebookNode] = []
            for name, group in itertools.groupby(cell.outputs, lambda output: output.get("name")):
                pieces = list(group)
                if name is not None:
                    text = "".join(piece.text for piece in pieces)
                    pieces = [nbformat.v4.new_output("stream", name=name, text=text)]
                joined += pieces
            cell.outputs = joined


def say(node: NotebookNode, execution: Execution) -> None:
    """Say for people why a run ended, where the kernel could not: as an error of the cell in which it did."""
    node.metadata.papermill["exception"] = True
    cell = node.cells[execution.cell] if execution.cell is not None else None
    has_answered = execution.state == "failed" and execution.exit_code is None
    if cell and not has_answered and not any(output.output_type == "error" for output in cell.outputs):
        name, reason = execution.state.title().replace(" ", ""), execution.reason or ""
        trace = [f"{name}: {reason}"]
        cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=reason, traceback=trace))


def bare(node: NotebookNode) -> None:
    """Take all outputs out of a notebook that are neither glued nor errors."""
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if output.output_type == "error" or is_glued(output.get("data", {}), output.get("metadata", {}))
            ]


def files_of(output: str) -> Path:
    """Return the directory in which the files of a run are kept, beside its notebook."""
    return Path(output).with_suffix(".files")


def pause(output: str) -> float:
    """Return the seconds between two saves of a notebook while it runs."""
    return 5.0 if remote.is_url(output) else 1.0


def keep(
    directory: str, patterns: Sequence[str], output: str, hidden: Sequence[str] = ()
) -> tuple[tuple[KeptFile, ...], tuple[str, ...]]:
    """Copy what a run has written and what is to be kept to a place beside its notebook, and return as `copying` does.

    Args:
        directory: of the run, which is over.
        patterns: as `copying.keep` has them.
        output: path or URL of the notebook.
        hidden: texts that no file may hold that is kept.

    Raises:
        ScrapdbError: nothing can be written to the URL.
        OSError: nothing can be written to the path.
    """
    if not remote.is_url(output):
        return copying.keep(directory, patterns, files_of(output), hidden)
    with tempfile.TemporaryDirectory(prefix="scrapdb-") as temporary:
        files = Path(temporary, "files")
        kept, warnings = copying.keep(directory, patterns, files, hidden)
        objects.put_below(f"{output.removesuffix('.ipynb')}.files", {file.path: files / file.path for file in kept})
    return kept, warnings
