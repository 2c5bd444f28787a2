"""What `set` and `unset` share: a notebook that is edited, and the store that follows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scrapdb.cli.options import Settings
from scrapdb.errors import EditError
from scrapdb.errors import StoreNotFoundError

if TYPE_CHECKING:
    from scrapdb.scrapbook.notebook import Notebook


@contextmanager
def edited(name: str, settings: Settings) -> Iterator[Notebook]:
    """Return a notebook; write what was set and unset, to its file and to the store if that knows it."""
    from scrapdb.database import editing
    from scrapdb.scrapbook.notebook import Notebook

    store: Path | None = None
    with suppress(StoreNotFoundError):  # one that is named is not looked for
        store = settings.store_path()
    file = _short(editing.find(name, store))
    if Path(file).exists() and not Path(file).is_file():
        raise EditError(f"{file} is not a file.")  # opening a FIFO would wait for a writer
    notebook = Notebook(file)
    yield notebook
    known = store if store and editing.knows(store, file) else None
    is_written = notebook.save()
    if known:
        editing.follow(known, file)  # also if the file is as it was: an edit may have been killed before
    settings.say(_sentence(file, store, known) if is_written else f"{file} is as it was.")


def _sentence(file: str, store: Path | None, known: Path | None) -> str:
    if known:
        return f"{file} and {_short(known)} are written."
    return f"{file} is written; {_short(store)} does not know it." if store else f"{file} is written."


def _short(path: str | Path) -> str:
    """Name a file from here, if it is below."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative
