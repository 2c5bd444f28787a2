"""Where executed notebooks are written: files, which are complete at any time, and URLs."""

from __future__ import annotations

import itertools
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.files import remote
from scrapdb.files.whole import whole_file
from scrapdb.running.capping import is_glued


def write(node: NotebookNode, output: str) -> None:
    """Write a notebook to a path or URL.

    Raises:
        ScrapdbError: nothing can be written there.
    """
    content = nbformat.writes(node).encode("utf-8", "backslashreplace")  # which JSON has for half a character, too
    if remote.is_url(output):
        system, key = remote.file_system(output)
        with remote.sentences(output, "written"):
            system.pipe_file(key, content)
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
    """Say for people why a run ended, where that stands in no trace: as an error of the cell in which it did."""
    node.metadata.papermill["exception"] = True
    cell = node.cells[execution.cell] if execution.cell is not None else None
    if cell and not any(output.output_type == "error" for output in cell.outputs):
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
