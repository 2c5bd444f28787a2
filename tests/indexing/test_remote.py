"""Indexing what lies at URLs: in an object store whose requests are counted, on a web server, and in memory."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

import scrapdb
from scrapdb.errors import UsageError
from scrapdb.indexing.changes import Summary
from scrapdb.indexing.loop import index
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.objects import Bucket
from tests.stores import check
from tests.stores import query


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "scraps.db"


def counts(found: Summary) -> tuple[int, int, int, int, int]:
    return found.added, found.changed, found.unchanged, found.removed, found.failed


def paths(store: Path) -> list[str]:
    check(store)
    return [path for (path,) in query(store, "SELECT path FROM notebooks ORDER BY path")]


def problems(store: Path) -> list[tuple[str, str, str]]:
    return query(store, "SELECT path, kind, message FROM problems JOIN notebooks ON notebooks.id = notebook_id")


def test_a_bucket_is_read_once_and_then_only_listed(bucket: Bucket, store: Path) -> None:
    for number in range(5):
        bucket.put(f"runs/day {number}/ä.ipynb", gluing(x=number))
    bucket.put("runs/notes.txt", b"no notebook")
    bucket.put("elsewhere/5.ipynb", gluing(x=5))
    assert counts(index(store, [f"{bucket.url}/runs/"])) == (5, 0, 0, 0, 0)
    assert paths(store) == [f"{bucket.url}/runs/day {number}/ä.ipynb" for number in range(5)]
    assert query(store, "SELECT sum(x), count(DISTINCT etag), count(mtime) FROM runs JOIN notebooks ON id = nb_id") == [
        (10, 5, 5)
    ]
    assert bucket.server.requests["read"] == 5
    bucket.server.requests.clear()
    assert counts(index(store, [f"{bucket.url}/runs"])) == (0, 0, 5, 0, 0)
    assert dict(bucket.server.requests) == {"list": 1}


def test_what_changed_is_read_again_and_what_is_gone_is_removed(bucket: Bucket, store: Path) -> None:
    for number in range(4):
        bucket.put(f"{number}.ipynb", gluing(x=number))
    index(store, [bucket.url])
    bucket.put("1.ipynb", gluing(x=7))  # of the same size, and perhaps in the same second
    bucket.delete("3.ipynb")
    bucket.server.requests.clear()
    assert counts(index(store, [bucket.url])) == (0, 1, 2, 1, 0)
    assert bucket.server.requests["read"] == 1
    assert query(store, "SELECT x FROM runs ORDER BY nb_id") == [(0,), (7,), (2,)]


def test_only_what_a_listing_should_have_had_is_removed(bucket: Bucket, store: Path) -> None:
    for key in ("a/1.ipynb", "ab/2.ipynb", "b/3.ipynb", "b/4.ipynb"):
        bucket.put(key, gluing(x=1))
    index(store, [bucket.url])
    for key in ("a/1.ipynb", "ab/2.ipynb", "b/3.ipynb"):
        bucket.delete(key)
    assert index(store, [f"{bucket.url}/b/*.ipynb"]).removed == 0
    assert index(store, [f"{bucket.url}/b"], exclude=["4*"]).removed == 1
    assert paths(store) == [f"{bucket.url}/{key}" for key in ("a/1.ipynb", "ab/2.ipynb", "b/4.ipynb")]
    assert index(store, [f"{bucket.url}"], prune=False).removed == 0
    assert index(store, [f"{bucket.url}"]).removed == 2


def test_what_cannot_be_asked_for_is_not_removed(bucket: Bucket, store: Path) -> None:
    bucket.put("1.ipynb", gluing(x=1))
    bucket.put("2.ipynb", gluing(x=2))
    index(store, [bucket.url])
    bucket.delete("2.ipynb")
    bucket.server.refused = {"/2.ipynb"}
    found = index(store, [bucket.url])
    assert (found.removed, len(found.errors)) == (0, 1)
    assert f"Whether {bucket.url}/2.ipynb is gone cannot be found out" in found.errors[0]


def test_exclusions_globs_and_single_objects(bucket: Bucket, store: Path) -> None:
    for key in ("a/1.ipynb", "a/.ipynb_checkpoints/1.ipynb", "b/[x]?.ipynb", "b/c::d.ipynb", "old/c/1.ipynb"):
        bucket.put(key, gluing(x=1))
    index(store, [f"{bucket.url}/a/1.ipynb"])
    assert paths(store) == [f"{bucket.url}/a/1.ipynb"]
    index(store, [f"{bucket.url}/*/*.ipynb"])
    found = [f"{bucket.url}/{key}" for key in ("a/1.ipynb", "b/[x]?.ipynb", "b/c::d.ipynb")]
    assert paths(store) == found
    assert query(store, "SELECT count(*) FROM runs WHERE x = 1") == [(3,)]
    index(store, [bucket.url], exclude=["old"])
    assert paths(store) == found


def test_an_object_that_cannot_be_read_is_a_problem_and_the_others_go_on(bucket: Bucket, store: Path) -> None:
    bucket.put("1.ipynb", gluing(x=1))
    bucket.put("2.ipynb", gluing(x=2))
    bucket.put("3.ipynb", b"{")
    bucket.put("4.ipynb", gluing(x="long" * 1000))
    bucket.put("5.ipynb", b"")
    bucket.server.refused = {"/2.ipynb"}
    bucket.server.requests.clear()
    assert counts(index(store, [bucket.url], max_bytes=1000)) == (1, 0, 0, 0, 4)
    assert bucket.server.requests["read"] == 3  # one is too large to be asked for, and one empty
    assert [kind for _, kind, _ in problems(store)] == ["permission", "truncated", "too large", "empty"]
    assert "Access Denied" in problems(store)[0][2]
    bucket.server.refused = set()
    assert counts(index(store, [bucket.url])) == (0, 2, 1, 0, 2)


def test_errors_are_sentences(bucket: Bucket, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="There is nothing at s3://nosuchbucket/runs: "):
        index(store, ["s3://nosuchbucket/runs"])
    with pytest.raises(UsageError, match="There is nothing at"):
        index(store, [f"{bucket.url}/nothing.ipynb"])
    with pytest.raises(UsageError, match="Protocol not known: nonsense"):
        index(store, ["nonsense://x/y"])
    with pytest.raises(UsageError, match=r"https://me:…@example\.org/x holds a password"):
        index(store, ["https://me:secret@example.org/x"])
    bucket.server.refused = {bucket.name}
    found = index(store, [bucket.url])
    assert found.errors == [f"{bucket.url} may not be listed: Access Denied. Check the credentials."]
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3")
    with pytest.raises(UsageError, match=r"Install s3fs to access S3. `scrapdb\[remote\]`"):
        index(store, [bucket.url])
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match=r"fsspec, which is not installed: `pip install 'scrapdb\[remote\]'`"):
        index(store, [bucket.url])


def test_no_network_is_a_sentence(store: Path) -> None:
    environment = os.environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    environment |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    command = [sys.executable, "-m", "scrapdb", "--db", str(store), "index", "s3://bucket"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Warning: s3://bucket cannot be listed: " in ran.stderr
    assert "127.0.0.1:9" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_workers_read_a_bucket(bucket: Bucket, store: Path) -> None:
    for number in range(130):
        bucket.put(f"{number}.ipynb", gluing(x=number))
    assert counts(index(store, [bucket.url], workers=2)) == (130, 0, 0, 0, 0)
    assert query(store, "SELECT sum(x) FROM runs") == [(sum(range(130)),)]
    assert bucket.server.requests["read"] == 130


def test_a_notebook_at_a_url_is_shown_and_not_edited(bucket: Bucket, store: Path) -> None:
    bucket.put("runs/BCD.ipynb", gluing(x=1))
    index(store, [bucket.url])
    db = scrapdb.open(store)
    url = f"{bucket.url}/runs/BCD.ipynb"
    assert [row["notebook"] for row in db.query("x = 1")] == [url]
    assert db.notebook("BCD").scraps["x"].data == db.notebook(url).scraps["x"].data == 1
    command = [sys.executable, "-m", "scrapdb", "--db", str(store), "set", "BCD", "x", "2"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        1,
        f"Error: {url} is not a file of this machine; edit a copy and put it there.\n",
    )


class Pages(SimpleHTTPRequestHandler):
    """Directories as pages of links."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(Pages, directory=str(tmp_path / "pages"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server_is_indexed(pages: str, tmp_path: Path, store: Path) -> None:
    for number in range(3):
        write(tmp_path / "pages" / "runs" / f"run {number}.ipynb", gluing(x=number))
    assert counts(index(store, [f"{pages}/runs/"])) == (3, 0, 0, 0, 0)
    assert paths(store) == [f"{pages}/runs/run%20{number}.ipynb" for number in range(3)]
    assert query(store, "SELECT DISTINCT mtime FROM notebooks") == [("2020-09-13T12:26:40.000000Z",)]
    write(tmp_path / "pages" / "runs" / "run 1.ipynb", gluing(x=10))
    (tmp_path / "pages" / "runs" / "run 2.ipynb").unlink()
    assert counts(index(store, [f"{pages}/runs/"])) == (0, 1, 1, 1, 0)
    assert counts(index(store, [f"{pages}/runs/run%201.ipynb"])) == (0, 0, 1, 0, 0)


def test_what_fsspec_holds_in_memory_is_read_in_this_process(store: Path) -> None:
    system = fsspec.filesystem("memory")
    for number in range(70):
        system.pipe(f"/many/{number}.ipynb", content(gluing(x=number)))
    assert counts(index(store, ["memory://many"], workers=2)) == (70, 0, 0, 0, 0)
    assert query(store, "SELECT sum(x) FROM runs") == [(sum(range(70)),)]


def test_a_file_url_is_the_file(tmp_path: Path, store: Path) -> None:
    write(tmp_path / "tree" / "a.ipynb", gluing(x=1))
    assert counts(index(store, [f"file://{tmp_path}/tree"])) == (1, 0, 0, 0, 0)
    assert counts(index(store, [str(tmp_path / "tree")])) == (0, 0, 1, 0, 0)
    assert paths(store) == ["tree/a.ipynb"]


def test_urls_in_a_list_remove_nothing(bucket: Bucket, store: Path) -> None:
    bucket.put("1.ipynb", gluing(x=1))
    found = index(store, [], names=[f"{bucket.url}/1.ipynb", f"{bucket.url}/2.ipynb"])
    assert (found.added, len(found.errors)) == (1, 1)
    bucket.delete("1.ipynb")
    assert index(store, [], names=[f"{bucket.url}/1.ipynb"]).removed == 0
