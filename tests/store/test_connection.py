from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from contextlib import closing
from pathlib import Path

import pytest

from scrapdb.errors import StoreError
from scrapdb.errors import StoreNotFoundError
from scrapdb.store import schema
from scrapdb.store.connection import APPLICATION_ID
from scrapdb.store.connection import check
from scrapdb.store.connection import find
from scrapdb.store.connection import open_reader
from scrapdb.store.connection import open_writer
from scrapdb.store.connection import reading
from scrapdb.store.connection import snapshot
from scrapdb.store.connection import transaction
from scrapdb.store.schema import OLDEST
from scrapdb.store.schema import SAME
from scrapdb.store.schema import VERSION
from tests import nobody
from tests.stores import query


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "scraps.db"
    open_writer(path).close()
    return path


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def test_a_store_says_what_it_is(store: Path) -> None:
    header = store.read_bytes()[:100]
    assert header[68:72] == b"SCRD"
    assert query(store, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert query(store, "PRAGMA user_version") == [(VERSION,)]
    assert query(store, "PRAGMA journal_mode") == [("wal",)]


def test_a_new_store_says_so_at_once_in_its_file(tmp_path: Path) -> None:
    """The header must not wait in the write-ahead log: another process looks at it before it opens the file."""
    writing = open_writer(tmp_path / "scraps.db")
    check(tmp_path / "scraps.db")
    writing.close()


def test_to_look_at_a_store_takes_no_lock_from_connections_to_it(store: Path) -> None:
    """Where POSIX locks are concerned, to close any descriptor of a file is to unlock it."""
    log = Path(f"{store}-wal")
    ends = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM notebooks'); c.close()"
    with closing(open_writer(store)) as connection:
        connection.execute("INSERT INTO names (name) VALUES ('waits in the log')")
        check(store)
        open_reader(store).close()
        find(store.parent)
        subprocess.run([sys.executable, "-c", ends, str(store)], check=True)
        assert log.exists()  # which the last connection removes
        with closing(open_writer(store)):
            subprocess.run([sys.executable, "-c", ends, str(store)], check=True)
        assert log.exists()
    assert not log.exists()


def test_the_schema_is_kept_with_its_comments(store: Path) -> None:
    kept = [
        sql
        for (sql,) in query(store, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'")
    ]
    assert len(kept) == len(list(schema.statements()))
    text = schema.text()
    for sql in kept:
        assert sql in text or sql.startswith("CREATE TABLE version_")
    assert sum("--" in sql for sql in kept) >= 8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not a database" * 50, "is not a SQLite database; nothing was changed."),
        (b"x", "is not a SQLite database; nothing was changed."),
    ],
)
def test_another_file_is_left_alone(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "scraps.db"
    path.write_bytes(content)
    for open_ in (open_writer, open_reader):
        with pytest.raises(StoreError, match=sentence):
            open_(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    other_database(path)
    content = path.read_bytes()
    for open_ in (open_writer, open_reader):
        with pytest.raises(StoreError, match=r"is a SQLite database, but not a store of scrapdb; nothing was changed"):
            open_(path)
    assert path.read_bytes() == content


OTHER_VERSIONS = [
    (VERSION + 1, "by a newer scrapdb"),
    (OLDEST - 1, "has an old schema .*; remove it and index again"),
    (OLDEST, "of an older scrapdb, .*; `scrapdb index PATH…`, with the paths of its notebooks, reads them again"),
    (SAME, "of an older scrapdb; `scrapdb index PATH…`, with the paths of its notebooks, brings it up to date"),
]


@pytest.mark.parametrize(("version", "sentence"), OTHER_VERSIONS)
def test_a_store_of_another_version_is_left_alone(store: Path, version: int, sentence: str) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    content = store.read_bytes()
    for open_ in (open_writer, open_reader):
        with pytest.raises(StoreError, match=sentence):
            open_(store)
    assert store.read_bytes() == content


def test_a_store_that_was_read_is_looked_at_again_when_it_is_another(store: Path) -> None:
    open_reader(store).close()
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    os.utime(store, ns=(0, store.stat().st_mtime_ns + 1))  # clocks of file systems are slow
    with pytest.raises(StoreError, match="newer"):
        open_reader(store)
    store.unlink()
    with pytest.raises(StoreNotFoundError):
        open_reader(store)


def test_a_missing_store_is_not_made_for_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFoundError, match="scrapdb index DIR"):
        open_reader(tmp_path / "scraps.db")
    with pytest.raises(StoreError, match="There is no directory"):
        open_writer(tmp_path / "none" / "scraps.db")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "scraps.db").touch()
    open_writer(tmp_path / "scraps.db").close()
    check(tmp_path / "scraps.db")


def test_a_reader_cannot_write(store: Path) -> None:
    with closing(open_reader(store)) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM notebooks")


def test_a_damaged_store_says_what_to_do(store: Path) -> None:
    content = bytearray(store.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    store.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged. It is derived from the notebooks: remove it"):
        open_reader(store)


def test_a_file_of_a_format_that_sqlite_does_not_know_says_what_to_do(store: Path) -> None:
    content = bytearray(store.read_bytes())
    content[44:48] = b"\0\0\0\x09"  # the schema format number, which is at most 4
    store.write_bytes(content)
    with pytest.raises(StoreError, match=r"unsupported file format\. It is derived from the notebooks: remove it"):
        open_reader(store)


@pytest.mark.parametrize(
    ("change", "question"),
    [
        ("DROP TABLE scraps", "SELECT type FROM scraps"),
        ("ALTER TABLE scraps RENAME COLUMN type TO kind", "SELECT type FROM scraps"),
        ("ALTER TABLE displays RENAME COLUMN hash TO other", "SELECT data FROM displays JOIN blobs USING (hash)"),
    ],
)
def test_a_store_with_other_tables_says_what_to_do(store: Path, change: str, question: str) -> None:
    query(store, change)
    told = pytest.raises(
        StoreError, match=r"not as this scrapdb makes it: .* (column|table).*: remove it and index again\.$"
    )
    with told, reading(store) as connection:
        connection.execute(question)


OPEN_WRITER = "from pathlib import Path\nfrom scrapdb.store.connection import open_reader, open_writer, transaction"


def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    nobody.let_in(tmp_path)
    path = tmp_path / "scraps.db"
    tmp_path.chmod(0o555)
    printed = nobody.run(
        OPEN_WRITER, f"try: open_writer(Path({str(path)!r}))\nexcept Exception as error: print(repr(error))"
    )
    assert "StoreError" in printed
    assert "cannot be opened; check the permissions of the file and its directory" in printed
    assert not path.exists()


def test_a_store_in_a_directory_that_may_not_be_written_can_be_read(store: Path) -> None:
    nobody.let_in(store.parent)
    store.chmod(0o444)
    store.parent.chmod(0o555)
    content = store.read_bytes()
    reading = f"print(open_reader(Path({str(store)!r})).execute('SELECT count(*) FROM notebooks').fetchone())"
    assert nobody.run(OPEN_WRITER, reading) == "(0,)\n"
    writing = f"""
from scrapdb.errors import StoreError
from scrapdb.store.errors import sentences
path = Path({str(store)!r})
try:
    with sentences(path), transaction(open_writer(path)): pass
except StoreError as error: print(error)
"""
    assert "check the permissions of the file and its directory" in nobody.run(OPEN_WRITER, writing)
    assert store.read_bytes() == content
    store.parent.chmod(0o755)


def test_a_transaction_is_all_or_nothing(store: Path) -> None:
    with closing(open_writer(store)) as connection:
        insert = "INSERT INTO names (id, name) VALUES (1, ?)"
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.executemany(insert, [("x",), ("same id",)])
        assert not connection.in_transaction
        with transaction(connection):
            connection.execute("INSERT INTO names (name) VALUES ('y')")
    assert query(store, "SELECT name FROM names") == [("y",)]


def test_a_failed_commit_is_rolled_back(store: Path) -> None:
    with closing(open_writer(store)) as connection:
        connection.executescript(
            """PRAGMA foreign_keys = ON;
            CREATE TABLE late (id REFERENCES names (id) DEFERRABLE INITIALLY DEFERRED)"""
        )
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.execute("INSERT INTO late VALUES (7)")  # found wrong only when it is committed
        assert not connection.in_transaction


def test_a_snapshot_sees_one_state(store: Path) -> None:
    with closing(open_reader(store)) as reader, closing(open_writer(store)) as writer:
        with snapshot(reader):
            assert reader.execute("SELECT count(*) FROM names").fetchone() == (0,)
            writer.execute("INSERT INTO names (name) VALUES ('x')")
            assert reader.execute("SELECT count(*) FROM names").fetchone() == (0,)
        assert reader.execute("SELECT count(*) FROM names").fetchone() == (1,)


def test_a_snapshot_may_outlive_its_connection(store: Path) -> None:
    held = ExitStack()
    with closing(open_reader(store)) as reader:
        held.enter_context(snapshot(reader))
    held.close()  # as of a generator of rows that nobody takes any more


def test_a_snapshot_inside_another_is_the_same(store: Path) -> None:
    with closing(open_reader(store)) as reader, closing(open_writer(store)) as writer, snapshot(reader):
        with snapshot(reader):
            assert reader.execute("SELECT count(*) FROM names").fetchone() == (0,)
        writer.execute("INSERT INTO names (name) VALUES ('x')")
        assert reader.execute("SELECT count(*) FROM names").fetchone() == (0,)


def test_the_nearest_store_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    with pytest.raises(StoreNotFoundError):
        find(deep)
    open_writer(tmp_path / "scraps.db").close()
    assert find(deep) == tmp_path / "scraps.db"
    open_writer(tmp_path / "a" / "scraps.db").close()
    assert find(deep) == tmp_path / "a" / "scraps.db"
    other_database(deep / "scraps.db")
    with pytest.raises(StoreNotFoundError, match="There is no store here; run `scrapdb index DIR`"):
        find(deep)


def test_nothing_is_looked_for_above_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_writer(tmp_path / "scraps.db").close()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(StoreNotFoundError):
        find(home)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_store_of_another_user_is_not_found(tmp_path: Path) -> None:
    open_writer(tmp_path / "scraps.db").close()
    os.chown(tmp_path / "scraps.db", 65534, 65534)
    with pytest.raises(StoreNotFoundError):
        find(tmp_path)
