"""Old runs go with all that belongs to them, or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.running.batches import prune
from scrapdb.running.batches.lock import locked
from scrapdb.running.kernels.outputs import files_of
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from tests import notebook_builder as nb
from tests.stores import check
from tests.stores import query

DAY = 86_400.0


def run(directory: Path, name: str, began: str, source: str = "source.ipynb", **record: Any) -> Path:
    """Write the output of a run; with `files` in its record, one that was kept of it."""
    path = directory / f"{name}.ipynb"
    state = record.pop("state", "completed")
    times = {"start_time": began, "end_time": began}
    papermill = {"input_path": source, "output_path": str(path), "parameters": {}, **times}
    record = {"version": 1, "id": name, "state": state, "started_at": began, "ended_at": began, **record}
    nb.write(path, nb.notebook(nb.code("1"), papermill=papermill, scrapdb={"run": record}))
    if record.get("files"):
        kept = files_of(str(path))
        kept.mkdir()
        (kept / "out.csv").write_text("x" * 100)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Four runs of one notebook, one of which failed, one of another notebook, and one that somebody wrote."""
    runs = tmp_path / "runs"
    run(runs, "a", "2026-01-01T00:00:00.000000Z", files=[{"path": "out.csv", "bytes": 100}])
    run(runs, "b", "2026-01-02T00:00:00.000000Z", state="failed")
    run(runs, "c", "2026-01-03T00:00:00.000000Z")
    run(runs / "deep", "d", "2099-01-01T00:00:00.000000Z")
    run(runs, "other", "2026-01-01T00:00:00.000000Z", source="other-source.ipynb")
    nb.write(runs / "by-hand.ipynb", nb.notebook(nb.code("1")))
    (runs / "by-hand.files").mkdir()
    (runs / "c.files").mkdir()  # of which no record knows
    Database(tmp_path / "scraps.db").index(tmp_path / "runs")
    with Executions(tmp_path / "scraps.db") as executions:
        executions.queue(Attempt(name, "batch", f"runs/{name}.ipynb", state="completed") for name in ("a", "c"))
    return tmp_path / "scraps.db"


def chosen(store: Path, *directories: str, **given: Any) -> list[str]:
    return [Path(each.path).stem for each in prune.old(store, *directories, **given)]


def tree(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_what_all_that_is_given_chooses_is_old(store: Path) -> None:
    assert chosen(store, keep_last=0) == ["d", "c", "b", "a", "other"]
    assert chosen(store, keep_last=1) == ["c", "b", "a"]
    assert chosen(store, keep_last=2) == ["b", "a"]
    assert chosen(store, older_than=DAY) == ["c", "b", "a", "other"]
    assert chosen(store, older_than=0, keep_last=2) == ["b", "a"]
    assert chosen(store, where="nb.status = 'failed' or nb.source = 'other-source.ipynb'") == ["b", "other"]
    assert chosen(store, where="nb.status = 'completed'", keep_last=2) == ["a"]
    assert chosen(store, str(store.parent / "runs/deep"), keep_last=0) == ["d"]
    assert chosen(store, str(store.parent / "elsewhere"), keep_last=0) == []
    with pytest.raises(ExpressionError):
        chosen(store, where="nb.status = ")


def test_all_that_belongs_to_a_run_goes_and_nothing_else(store: Path) -> None:
    before = tree(store.parent / "runs")
    old = prune.old(store, where="nb.status = 'completed'", older_than=DAY)
    assert [each.bytes for each in old if each.path == "runs/a.ipynb"] == [
        (store.parent / "runs/a.ipynb").stat().st_size + 100
    ]
    prune.remove(store, old)
    gone = {"a.ipynb", "a.files", "a.files/out.csv", "c.ipynb", "other.ipynb"}
    assert tree(store.parent / "runs") == sorted(set(before) - gone)
    assert [path for (path,) in query(store, "SELECT path FROM notebooks ORDER BY path")] == [
        "runs/b.ipynb",
        "runs/by-hand.ipynb",
        "runs/deep/d.ipynb",
    ]
    assert query(store, "SELECT * FROM executions") == []
    check(store)


def test_what_a_runner_is_at_stays(store: Path) -> None:
    with locked(str(store.parent / "runs"), store) as runner, Executions(store) as executions:
        executions.queue([Attempt("now", "batch", "runs/a.ipynb", state="running", runner=runner)])
        assert chosen(store, keep_last=0) == ["d", "c", "b", "other"]
    assert chosen(store, keep_last=0) == ["d", "c", "b", "a", "other"]


def test_a_failure_leaves_all_as_it_was(store: Path) -> None:
    before, rows = tree(store.parent / "runs"), query(store, "SELECT * FROM notebooks")
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE DELETE ON notebooks BEGIN SELECT RAISE(ABORT, 'nothing today'); END"
        )
        with pytest.raises(StoreError, match="nothing today"):
            prune.remove(store, prune.old(store, keep_last=0))
        connection.execute("DROP TRIGGER refuse")
    assert tree(store.parent / "runs") == before
    assert len(query(store, "SELECT * FROM executions")) == 2
    (store.parent / "runs/.a.files.scrapdb-pruned").mkdir()
    (store.parent / "runs/.a.files.scrapdb-pruned/full").touch()
    with pytest.raises(ScrapdbError, match=r"a\.files cannot be removed: Directory not empty. Nothing was removed."):
        prune.remove(store, prune.old(store, keep_last=0))
    assert [name for name in tree(store.parent / "runs") if "pruned" not in name] == before
    assert query(store, "SELECT * FROM notebooks") == rows


def test_what_a_killed_prune_left_is_ended(store: Path) -> None:
    runs = store.parent / "runs"
    before = tree(runs)
    (runs / "a.ipynb").rename(runs / ".a.ipynb.scrapdb-pruned")  # killed before the rows were gone
    (runs / "a.files").rename(runs / ".a.files.scrapdb-pruned")
    (runs / ".gone.ipynb.scrapdb-pruned").write_text("")  # killed after that
    (runs / ".gone.files.scrapdb-pruned").mkdir()
    prune.restore(store)
    assert tree(runs) == before


def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/runs/\xff.ipynb"))
    run(tmp_path / "runs", "plain", "2026-01-01T00:00:00.000000Z").rename(odd)
    store = tmp_path / "scraps.db"
    Database(store).index(tmp_path / "runs")
    (old,) = prune.old(store, keep_last=0)
    prune.remove(store, [old])
    assert not any((tmp_path / "runs").iterdir())
    assert Database(store).count() == 0


def made(directory: Path, name: str, *others: str, notebook: str = "report.ipynb") -> Path:
    """Write the directory of a report, and other files into it."""
    path = run(directory / name, notebook.removesuffix(".ipynb"), "2026-01-01T00:00:00.000000Z")
    document = json.loads(path.read_text())
    document["metadata"]["scrapdb"]["report"] = {"id": name, "state": "completed"}
    nb.write(path, document)
    for other in ("report.html", "report.pdf", "output.json", "log.txt", "report.json", "static/chart.png", *others):
        nb.write(path.parent / other, b"x" * 10)
    return path.parent


def test_of_a_report_its_whole_directory_goes_or_nothing(tmp_path: Path) -> None:
    store, reports = tmp_path / "scraps.db", tmp_path / "reports"
    whole, mixed, odd = made(reports, "a"), made(reports, "b", "thesis.docx"), made(tmp_path / "home", "c", ".ssh/key")
    shared = made(tmp_path, "shared", "other.ipynb", notebook="claims.ipynb")
    Database(store).index(tmp_path)
    left = [tree(path) for path in (mixed, odd)]
    runs = prune.old(store, keep_last=0)
    assert [(each.path, each.files) for each in runs] == [
        ("reports/a/report.ipynb", (whole,)),
        ("shared/claims.ipynb", (shared / "claims.ipynb",)),
    ]
    assert runs[0].bytes == sum(path.stat().st_size for path in whole.rglob("*") if path.is_file()) > 60
    prune.remove(store, runs)
    assert not whole.exists()
    assert [tree(path) for path in (mixed, odd)] == left
    assert "report.html" in tree(shared)
    assert query(store, "SELECT path FROM notebooks JOIN reports ON notebook_id = notebooks.id ORDER BY path") == [
        ("home/c/report.ipynb",), ("reports/b/report.ipynb",)
    ]  # fmt: skip
    check(store)


def test_a_report_that_cannot_go_stays_whole(tmp_path: Path) -> None:
    store, directory = tmp_path / "scraps.db", made(tmp_path / "reports", "a")
    Database(store).index(tmp_path)
    before = tree(tmp_path / "reports")
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("CREATE TRIGGER kept BEFORE DELETE ON notebooks BEGIN SELECT raise(ABORT, 'kept'); END")
    with pytest.raises(StoreError):
        prune.remove(store, prune.old(store, keep_last=0))
    assert tree(tmp_path / "reports") == before
    directory.rename(directory.with_name(".a.scrapdb-pruned"))  # as one that was killed leaves it
    prune.restore(store)
    assert tree(tmp_path / "reports") == before
