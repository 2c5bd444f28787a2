"""Where executed notebooks are written: files, which are complete at any time, and URLs."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from scrapdb.errors import ScrapdbError
from scrapdb.files import remote
from scrapdb.files.whole import whole_file


def write(node: NotebookNode, output: str) -> None:
    """Write a notebook to a path or URL.

    Raises:
        ScrapdbError: nothing can be written there.
    """
    content = nbformat.writes(node)
    if remote.is_url(output):
        system, key = remote.file_system(output)
        with remote.sentences(output, "written"):
            system.pipe_file(key, content.encode())
        return
    path = Path(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ScrapdbError(f"The output {output} cannot be written: {error.strerror}.") from error


def files_of(output: str) -> Path:
    """Return the directory in which the files of a run are kept, beside its notebook."""
    return Path(output).with_suffix(".files")
