from __future__ import annotations

import base64
import hashlib
import sqlite3

from scrapdb.store.readers.displays import display_hashes
from scrapdb.store.readers.displays import display_of_scrap
from tests import notebook_builder as nb
from tests.store.readers.glued import notebook_id


def test_displays_are_bytes_by_type(connection: sqlite3.Connection) -> None:
    found = display_of_scrap(connection, notebook_id(connection), "shown")
    assert found == {"image/png": base64.b64decode(nb.PNG), "text/plain": b"shown"}
    assert display_of_scrap(connection, notebook_id(connection), "text") == {}
    hashes = display_hashes(connection, notebook_id(connection), "shown")
    assert hashes == {mime: hashlib.sha256(content).hexdigest() for mime, content in found.items()}
