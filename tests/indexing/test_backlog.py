from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.indexing.backlog import Backlog
from scrapdb.indexing.backlog import Task
from scrapdb.notebooks.scan import Candidate
from scrapdb.store.rows import Known


def task(file: str) -> Task:
    return Task(Candidate(file, "a.ipynb", 7, 9), Known(1, 7, 8, None, "hash", "completed"), force=False)


@pytest.mark.parametrize("in_memory", [1, 2**20])
def test_tasks_come_back_in_their_order(monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr("scrapdb.indexing.backlog._IN_MEMORY", in_memory)
    given = [task(f"/tree/\udcff{number}.ipynb") for number in range(2_500)]
    with closing(Backlog()) as backlog:
        for each in given:
            backlog.add(each)
        assert (len(backlog), list(backlog)) == (2_500, given)


def test_what_the_files_are_is_remembered() -> None:
    with closing(Backlog()) as backlog:
        for file in ("s3://bucket/a.ipynb", "/a.ipynb", "/b.ipynb"):
            backlog.add(task(file))
        assert (backlog.local_file, backlog.in_memory) == ("/a.ipynb", False)
        backlog.add(task("memory://a.ipynb"))
        backlog.add(task("/c.ipynb"))
        assert (backlog.local_file, backlog.in_memory) == ("/a.ipynb", True)


def test_no_room_for_the_list_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("scrapdb.indexing.backlog._IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with closing(Backlog()) as backlog:
        backlog.add(task("/a.ipynb"))
        with pytest.raises(ScrapdbError, match=r"cannot be written to .*/none: .*TMPDIR"):
            next(iter(backlog))
