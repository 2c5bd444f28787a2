"""`read_notebook` and `read_notebooks`."""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial

from scrapdb.scrapbook import sources
from scrapdb.scrapbook.document import Document
from scrapdb.scrapbook.document import Shelf
from scrapdb.scrapbook.notebook import Notebook
from scrapdb.scrapbook.notebook import is_old
from scrapdb.scrapbook.scrapbook import Scrapbook

PathFilter = str | Callable[[str], bool]


def read_notebook(path: str | os.PathLike[str], *, strict: bool = False, old_reading: bool | None = None) -> Notebook:
    """Read one notebook.

    Args:
        path: the path or URL of an .ipynb file.
        strict: whether a scrap that cannot be read is an error; else it is one of the notebook's `problems`.
        old_reading: whether a display replaces the value that was glued with it, as in scrapbook 0.5 (see `Notebook`).

    Raises:
        NotebookNameError: the path does not end in .ipynb.
        OSError: the file cannot be read.
        ScrapbookException: it is not a notebook; or, if strict, a scrap cannot be read.
    """
    return Notebook(path, strict=strict, old_reading=old_reading)


def read_notebooks(
    path: str | os.PathLike[str],
    path_filter: PathFilter | None = None,
    *,
    strict: bool = False,
    old_reading: bool | None = None,
) -> Scrapbook:
    """Find the notebooks in a directory, not those below it; each goes by its file's name without .ipynb.

    They are listed now. Each is read when it is come to: by its name, in a loop, or when they are counted. From the
    first question on, it stays what its file was then.

    Args:
        path: the directory, or a URL that papermill can list.
        path_filter: which to read: a glob of file names (`2026-*.ipynb`), or a function of the path.
        strict: whether to read all now, and take what cannot be read for an error; else it is one of `problems`.
        old_reading: as in `read_notebook`.

    Raises:
        OSError: the directory cannot be listed; or, if strict, a file cannot be read.
        ScrapbookException: if strict, a file is not a notebook, or a scrap cannot be read.
    """
    shelf = Shelf()
    readers = {}
    for file in sources.notebooks_in(os.fspath(path)):
        name = file.rpartition("/")[2].removesuffix(sources.SUFFIX)
        if _matches(file, name, path_filter):
            document = Document(file, shelf=shelf)
            readers[name] = partial(_read, document, strict=strict, old_reading=is_old(old_reading))
    if not strict:
        return Scrapbook(readers)
    book = Scrapbook()
    book.update((name, read()) for name, read in readers.items())
    return book


def _read(document: Document, *, strict: bool, old_reading: bool) -> Notebook:
    document.check()
    return Notebook(document, strict=strict, old_reading=old_reading)


def _matches(file: str, name: str, path_filter: PathFilter | None) -> bool:
    if path_filter is None:
        return True
    if isinstance(path_filter, str):
        return fnmatchcase(f"{name}{sources.SUFFIX}", path_filter)
    return path_filter(file)
