from __future__ import annotations

import sqlite3

from scrapdb.store.readers.frames import frame_names
from scrapdb.store.readers.frames import frames_of_name


def test_frames_of_a_name(connection: sqlite3.Connection) -> None:
    assert [frame.notebook for frame in frames_of_name(connection, "frame")] == ["a/values.ipynb"]
    assert [*frames_of_name(connection, "text")] == []
    assert frame_names(connection) == ["frame"]
