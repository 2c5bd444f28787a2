"""Pictures that stand for displays, where rows are written with them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scrapdb.query.results import DisplayCell
from scrapdb.store.connection import reading
from scrapdb.store.past import Past
from scrapdb.store.readers.displays import display_as

_KINDS = ("image/png", "image/jpeg")


@contextmanager
def pictures(store: Path, past: Past | None = None) -> Iterator[Callable[[Any], bytes | None]]:
    """Yield what returns the PNG or JPEG of a display, and None for any other value, while the store is open.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    with reading(store, past) as connection:

        def picture(value: Any) -> bytes | None:
            if not isinstance(value, DisplayCell):
                return None
            kind = next((kind for kind in _KINDS if kind in value.mime_types), None)
            return display_as(connection, value.notebook_id, value.name, kind) if kind else None

        yield picture
