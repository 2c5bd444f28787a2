from __future__ import annotations

import sqlite3

from scrapdb.store.readers.names import name_summaries
from scrapdb.store.readers.names import names_starting_with


def test_names_that_begin_so(connection: sqlite3.Connection) -> None:
    assert names_starting_with(connection, "e") == ["empty"]
    assert names_starting_with(connection, "E") == []
    assert names_starting_with(connection, "_") == []
    assert names_starting_with(connection, "", limit=2) == ["alpha", "big"]


def test_fields_have_ranges_and_examples(connection: sqlite3.Connection) -> None:
    rows = {(name, role): rest for name, role, *rest in name_summaries(connection)}
    assert rows["float", "scrap"] == ["float", 1, 0.1 + 0.2, 0.1 + 0.2, None]
    assert rows["integer", "scrap"][2:4] == [2**53 + 1, 2**53 + 1]
    assert rows["text", "scrap"] == ["text", 1, None, None, "007"]
    assert rows["text", "parameter"] == ["text", 1, None, None, "x"]
    assert rows["when", "parameter"] == ["expression", 1, None, None, "today()"]
    assert rows["none", "scrap"] == ["null", 1, None, None, None]
