from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from scrapdb.indexing.backlog import Task
from scrapdb.indexing.changes import Change
from scrapdb.indexing.reading import Reader
from scrapdb.notebooks.scan import Candidate
from scrapdb.store.rows import Known
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import write

WHOLE = content(gluing(x=1))
HASH = hashlib.sha256(WHOLE).hexdigest()


def candidate(tmp_path: Path) -> Candidate:
    path = write(tmp_path / "a.ipynb", gluing(x=1))
    return Candidate(str(path), "a.ipynb", path.stat().st_size, path.stat().st_mtime_ns)


@pytest.mark.parametrize(
    ("stored", "force", "change", "is_laid_out"),
    [
        (None, False, Change.ADDED, True),
        (Known(1, 1, 1, None, "other", "completed"), False, Change.CHANGED, True),
        (Known(1, 1, 1, None, HASH, "completed"), False, Change.UNCHANGED, False),
        (Known(1, 1, 1, None, HASH, "completed"), True, Change.UNCHANGED, True),
        (Known(1, 1, 1, None, HASH, "unreadable"), False, Change.FAILED, False),
    ],
)
def test_a_reader_that_was_sent_reads(
    tmp_path: Path, stored: Known | None, force: bool, change: Change, is_laid_out: bool
) -> None:
    reader = pickle.loads(pickle.dumps(Reader(str(tmp_path), 2**20)))  # noqa: S301 (made here)
    listed = candidate(tmp_path)
    (done,) = reader([Task(listed, stored, force)])
    assert (done.change, done.rows is not None) == (change, is_laid_out)
    assert (done.file.size, done.file.mtime_ns, done.file.content_hash) == (len(WHOLE), listed.mtime_ns, HASH)


@pytest.mark.parametrize("until_changed", [True, False])
def test_what_cannot_be_read_keeps_its_marks_if_it_is_not_to_be_tried_again(
    tmp_path: Path, until_changed: bool
) -> None:
    listed = candidate(tmp_path)
    task = Task(listed, None, force=False)
    done = Reader(str(tmp_path), 2**20).unreadable(task, "crash", "It ended.", until_changed=until_changed)
    assert done.change is Change.FAILED
    assert (done.file.mtime_ns == listed.mtime_ns) is until_changed
    assert done.rows is not None
    assert [problem[-2:] for problem in done.rows.problems] == [("crash", "It ended.")]
