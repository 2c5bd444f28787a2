from __future__ import annotations

from pathlib import Path

import pytest

from scrapdb.store.known import extent
from scrapdb.store.known import known_files
from scrapdb.store.known import other_files
from scrapdb.store.known import touch
from scrapdb.store.rows import File
from scrapdb.store.rows import Known
from scrapdb.store.rows import rows
from scrapdb.store.write import Writer
from tests.notebook_builder import code
from tests.notebook_builder import facts_of
from tests.store.made import made
from tests.stores import query


def test_what_is_known_and_touched(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([made("a.ipynb")])
        assert known_files(writer, ["a.ipynb", "b.ipynb"]) == {"a.ipynb": Known(1, 1, 2, None, "hash", "completed")}
        touch(writer, [File("a.ipynb", None, 3, 1_600_000_000 * 10**9, "hash")])
        assert known_files(writer, ["a.ipynb"]) == {
            "a.ipynb": Known(1, 3, 1_600_000_000 * 10**9, None, "hash", "completed")
        }
        assert writer.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert query(store, "SELECT mtime FROM notebooks") == [("2020-09-13T12:26:40.000000Z",)]


@pytest.mark.parametrize("wanted", [[0, 1, 2], [0, 2], [0, 9], [9], [5, 3], [0, 77]])
def test_only_what_is_asked_for_is_known_or_lies_between(tmp_path: Path, wanted: list[int]) -> None:
    with Writer(tmp_path / "scraps.db") as writer:
        writer.write([made(f"{number}.ipynb") for number in range(10)])
        paths = [f"{number}.ipynb" for number in wanted]
        known = known_files(writer, paths)
        assert {path: known[path].id for path in paths if path in known} == {
            f"{number}.ipynb": number + 1 for number in wanted if number < 10
        }
        assert len(known) <= 2 * len(paths)


def test_others_are_those_without_a_mark(tmp_path: Path) -> None:
    with Writer(tmp_path / "scraps.db") as writer:
        assert (extent(writer), list(other_files(writer, bytearray(1)))) == ((0, 0), [[]])
        writer.write([made(f"{number}.ipynb") for number in range(2_500)])
        writer.remove(["2499.ipynb", "7.ipynb"])
        assert extent(writer) == (2_498, 2_499)
        seen = bytearray(2_499 + 1)
        for id_ in (1, 1_000, 2_499):
            seen[id_] = 1
        writer.write([made("fresh.ipynb")])  # after it was seen who is there
        expected = {f"{number}.ipynb" for number in range(2_500)} - {f"{n}.ipynb" for n in (0, 7, 999, 2_498, 2_499)}
        others = [other for some in other_files(writer, seen) for other in some]
        assert len(others) == len(expected)
        assert {path for path, *_ in others} == expected


def test_a_time_beyond_64_bit_is_not_kept(tmp_path: Path) -> None:
    """tmpfs has years up to 292 billion; without its time, the file is read again at the next index."""
    far = File("a.ipynb", None, 3, 9_000 * 365 * 24 * 3600 * 10**9, "hash")
    with Writer(tmp_path / "scraps.db") as writer:
        writer.write([rows(far, facts_of(code("1")))])
        assert known_files(writer, ["a.ipynb"]) == {"a.ipynb": Known(1, 3, None, None, "hash", "completed")}
        touch(writer, [far])
        assert known_files(writer, ["a.ipynb"]) == {"a.ipynb": Known(1, 3, None, None, "hash", "completed")}
