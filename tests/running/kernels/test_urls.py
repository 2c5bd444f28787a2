"""Batches whose notebook and outputs are at URLs: in an object store on this machine, executed by real kernels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.running.batches.lock import locked
from scrapdb.running.batches.lost import sweep
from scrapdb.running.batches.prune import old
from scrapdb.running.kernels import objects as objects_at
from scrapdb.running.kernels import outputs
from scrapdb.running.run import run
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from tests import notebook_builder as nb
from tests.objects import Bucket
from tests.stores import query

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SCRAP = """
from IPython.display import display
scrap = {"name": "x", "data": x, "encoder": "json", "version": 1}
shown = {"scrapbook": {"name": "x", "data": True, "display": False}}
display({"application/scrapbook.scrap.json+json": scrap}, metadata=shown, raw=True)
"""


def source(*cells: str) -> dict[str, Any]:
    numbered = enumerate(("x = 0", *cells))
    made = [{**nb.code(cell, count=None, tags=() if n else ("parameters",)), "id": f"cell-{n}"} for n, cell in numbered]
    return nb.notebook(*made, **PYTHON)


def objects(bucket: Bucket) -> dict[str, bytes]:
    """Return what is in a bucket, asked of the server by a client that has seen nothing yet."""
    system = S3FileSystem(skip_instance_cache=True)
    return {name.partition("/")[2]: system.cat_file(name) for name in system.find(bucket.name)}


def record(content: bytes) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(content)["metadata"]["scrapdb"]["run"]
    return written


def test_notebook_and_outputs_at_urls(bucket: Bucket, tmp_path: Path) -> None:
    """They are read and written there, with what is kept; in the store; and not executed again for --resume."""
    store = tmp_path / "scraps.db"
    cells = (SCRAP, "import os; os.mkdir('a'); open('a/kept.csv', 'w').write(f'{x}'); open('b.txt', 'w').close()")
    bucket.put("source.ipynb", source(*cells))
    bucket.put("out/1.files/earlier.csv", b"of an earlier run")
    how: dict[str, Any] = {"db": store, "keep_files": ["*.csv"], "resume": True}
    runs = run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", {"x": [1, 2]}, **how)
    assert [r.state for r in runs] == ["completed"] * 2, [r.reason for r in runs]
    there = objects(bucket)
    assert there.keys() == {
        "source.ipynb",
        *(f"out/{n}.{what}" for n in (1, 2) for what in ("ipynb", "files/a/kept.csv")),
    }
    assert there["out/2.files/a/kept.csv"] == b"2"
    written = record(there["out/1.ipynb"])
    assert (written["state"], written["files"][0]["path"]) == ("completed", "a/kept.csv")
    papermill = json.loads(there["out/1.ipynb"])["metadata"]["papermill"]
    assert papermill["input_path"] == f"{bucket.url}/source.ipynb"
    assert papermill["output_path"] == f"{bucket.url}/out/1.ipynb"
    urls = [(f"{bucket.url}/out/{n}.ipynb", "completed") for n in (1, 2)]
    assert query(store, "SELECT path, status FROM notebooks ORDER BY path") == urls
    assert query(store, "SELECT notebook, state FROM executions ORDER BY notebook") == urls
    assert [r.scraps["x"] for r in runs] == [1, 2]
    again = run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", {"x": [1, 2]}, **how)
    assert (len(again), again.passed) == (0, 2)
    bucket.put("source.ipynb", source(*cells, "1 / 0"))
    changed = run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", {"x": [2]}, **{**how, "name": "{x}"})
    assert [r.state for r in changed] == ["failed"]
    assert (written := record(objects(bucket)["out/2.ipynb"]))["state"] == "failed"
    assert written["files"][0]["path"] == "a/kept.csv"  # also of what failed


def test_a_run_is_saved_while_it_runs_but_seldom(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("source.ipynb", source(*(f"import time; time.sleep(0.3); {n}" for n in range(6))))
    bucket.server.requests.clear()
    (one,) = run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", db=tmp_path / "scraps.db")
    assert one.state == "completed", one.reason
    assert bucket.server.requests["PUT"] == 2  # at its beginning and at its end


def test_a_longer_run_is_saved_in_the_middle(monkeypatch: pytest.MonkeyPatch, bucket: Bucket, tmp_path: Path) -> None:
    monkeypatch.setattr(outputs, "pause", lambda _: 0.5)
    saved: list[str] = []
    put = objects_at.put

    def counted(url: str, content: bytes) -> None:
        saved.append(record(content)["state"])
        if saved[-1] != "running":  # since after a save that takes long, the next is put off
            put(url, content)

    monkeypatch.setattr(objects_at, "put", counted)
    bucket.put("source.ipynb", source(*(f"import time; time.sleep(0.3); {n}" for n in range(6))))
    run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", db=tmp_path / "scraps.db")
    assert saved[-1] == "completed"
    assert 3 <= saved.count("running") <= 6


def test_what_cannot_be_read_or_written_there_is_told(bucket: Bucket, tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with pytest.raises(ScrapdbError, match=rf"nothing at {bucket.url}/missing\.ipynb"):
        run(f"{bucket.url}/missing.ipynb", f"{bucket.url}/out", db=store)
    bucket.put("source.ipynb", source("1"))
    bucket.server.refused.add("out/source.ipynb")
    with pytest.raises(ScrapdbError, match=r"out/source\.ipynb (?:may not|cannot) be read"):
        run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", db=store, resume=True)
    runs = run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", db=store)
    assert [r.state for r in runs] == ["failed"]
    assert f"{bucket.url}/out/source.ipynb may not be written" in (runs[0].reason or "")
    assert not runs.warnings  # as that there was nothing to index
    (none,) = run(f"{bucket.url}/source.ipynb", "s3://no-such-bucket/out", db=store)
    assert none.state == "failed"
    assert "s3://no-such-bucket/out/source.ipynb" in (none.reason or "")
    assert query(store, "SELECT state FROM executions") == [("failed",)] * 2


def test_a_half_made_output_of_a_gone_runner_says_that_it_is_lost(bucket: Bucket, tmp_path: Path) -> None:
    began = "2026-11-01T12:00:00.000000Z"
    for id_, state in (("begun", "running"), ("other", "running"), ("ended", "completed")):
        own = {"version": 1, "id": "else" if id_ == "other" else id_, "state": state, "started_at": began}
        bucket.put(f"out/{id_}.ipynb", nb.notebook(nb.code("'ë'"), scrapdb={"run": own}))
    with Executions(tmp_path / "scraps.db") as executions:
        ids = ("begun", "other", "ended", "never")
        executions.queue(
            Attempt(id_, "batch", f"{bucket.url}/out/{id_}.ipynb", "source.ipynb", "{}", 1, "running", started_at=began)
            for id_ in ids
        )
        left, busy = sweep(executions, "own.lock")
    assert (left, busy) == ([f"{bucket.url}/out/begun.ipynb", f"{bucket.url}/out/ended.ipynb"], set())
    there = objects(bucket)
    assert [record(there[f"out/{id_}.ipynb"])["state"] for id_ in ids[:3]] == ["lost", "running", "completed"]
    states = query(tmp_path / "scraps.db", "SELECT id, state FROM executions ORDER BY rowid")
    assert states == [("begun", "lost"), ("other", "lost"), ("ended", "completed"), ("never", "lost")]


def test_two_batches_of_one_store_do_not_write_to_one_url(bucket: Bucket, tmp_path: Path) -> None:
    """A bucket cannot be locked; a file beside the store stands for it, and `executions` for single outputs."""
    bucket.put("source.ipynb", source("1"))
    with (
        locked(f"{bucket.url}/out", tmp_path / "scraps.db"),
        pytest.raises(ScrapdbError, match="Another `scrapdb run`"),
    ):
        run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out/", db=tmp_path / "scraps.db")


def test_prune_leaves_what_is_no_file(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("source.ipynb", source("1"))
    run(f"{bucket.url}/source.ipynb", f"{bucket.url}/out", db=tmp_path / "scraps.db")
    assert old(tmp_path / "scraps.db", keep_last=0) == []
    with pytest.raises(UsageError, match="Remove them there, and let `scrapdb index s3://"):
        old(tmp_path / "scraps.db", f"{bucket.url}/out", keep_last=0)
