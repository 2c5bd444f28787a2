"""Editing a notebook that a store may know: where its file is, and how the store follows."""

from __future__ import annotations

import os
from pathlib import Path

from scrapdb import errors
from scrapdb.files.paths import identity
from scrapdb.files.paths import located
from scrapdb.files.remote import is_url
from scrapdb.indexing.loop import index
from scrapdb.store.connection import reading
from scrapdb.store.readers.notebooks import find_notebook
from scrapdb.store.readers.notebooks import notebook_row


def find(name: str, store: Path | None) -> str:
    """Find the file of a notebook by its path, or by as much of its end as tells it from others in a store.

    Raises:
        NotebookNotFoundError: there is no such file, and none or more than one in the store.
        EditError: the notebook is at a URL.
        StoreError: the store cannot be read.
    """
    if os.path.lexists(name) and not Path(name).is_dir():
        return name
    if store is None:
        raise errors.NotebookNotFoundError(f"There is no notebook {name}, and no store that knows one by this name.")
    with reading(store) as connection:
        notebook_id, path = find_notebook(connection, name)
        exact = notebook_row(connection, notebook_id)["os_path"]
    if is_url(path):
        raise errors.EditError(f"{path} is not a file of this machine; edit a copy and put it there.")
    return located(path, exact, os.path.realpath(store.parent))


def knows(store: Path, file: str) -> bool:
    """Return whether a store has the notebook of a file.

    Raises:
        StoreError: there is no such store, or it cannot be read.
    """
    path = identity(os.path.realpath(file), os.path.realpath(store.parent))
    with reading(store) as connection:
        try:
            return find_notebook(connection, path)[1] == path
        except errors.NotebookNotFoundError:
            return False


def follow(store: Path, file: str) -> None:
    """Bring what a store has of an edited notebook up to date.

    Raises:
        StoreError: it cannot be written.
    """
    state = None
    while (now := _state(file)) != state:  # again, if another edit came between reading and writing
        state = now
        try:
            index(store, [os.path.realpath(file)], prune=False, force=True, workers=1)
        except errors.StoreError as error:
            raise errors.StoreError(f"{file} is written, but not what the store has of it. {error}") from error


def _state(file: str) -> tuple[int, int, int]:
    found = Path(file).stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
