from __future__ import annotations

from collections import Counter

import pytest

from scrapdb.indexing.changes import Change
from scrapdb.indexing.changes import Summary
from scrapdb.indexing.changes import change_of
from scrapdb.indexing.changes import has_marks_of
from scrapdb.notebooks.scan import Candidate
from scrapdb.store.rows import Known

READABLE = Known(1, 7, 9, None, "hash", "completed")
UNREADABLE = Known(1, 7, 9, None, None, "unreadable")


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (None, False),
        (READABLE, True),
        (Known(1, 8, 9, None, "hash", "completed"), False),
        (Known(1, 7, 8, None, "hash", "completed"), False),
        (Known(1, 7, 9, "etag", "hash", "completed"), False),
        (Known(1, 7, None, None, "hash", "completed"), False),
        (Known(1, None, None, None, None, "unreadable"), False),
    ],
)
def test_size_and_time_tell_a_change(stored: Known | None, same: bool) -> None:
    assert has_marks_of(Candidate("a", "a", 7, 9), stored) is same


@pytest.mark.parametrize(
    ("stored", "same", "status", "sign"),
    [
        (None, False, None, "+"),
        (None, False, "failed", "+"),  # its run did, and can be read
        (None, False, "unreadable", "!"),
        (READABLE, True, None, "="),
        (READABLE, True, "completed", "="),
        (READABLE, False, None, "~"),
        (READABLE, False, "completed", "~"),
        (READABLE, False, "unreadable", "!"),
        (UNREADABLE, True, None, "!"),
        (UNREADABLE, True, "completed", "="),  # by what reads more than what read it before
        (UNREADABLE, False, None, "~"),
        (UNREADABLE, False, "completed", "~"),
    ],
)
def test_what_became_of_a_file(stored: Known | None, same: bool, status: str | None, sign: str) -> None:
    assert change_of(stored, same=same, status=status) == sign


def test_a_summary_counts_every_change() -> None:
    counts = Counter({change: number for number, change in enumerate(Change, 1)})
    summary = Summary.of(counts, 0.25, ["What went wrong."])
    assert (summary.added, summary.changed, summary.unchanged) == (1, 2, 3)
    assert (summary.removed, summary.failed, summary.unfinished) == (4, 5, 6)
    assert (summary.notebooks, summary.seconds, summary.errors) == (11, 0.25, ["What went wrong."])


def test_a_summary_is_a_sentence() -> None:
    few, many = Summary(added=1, seconds=0.04), Summary(1234, 2, 3, 4, 5, 6, seconds=61.25)
    assert str(few) == "1 notebook: 1 added, 0 changed, 0 unchanged, 0 removed, 0 failed in 0.0 s"
    assert str(many) == "1,244 notebooks: 1,234 added, 2 changed, 3 unchanged, 4 removed, 5 failed in 61.2 s"
    assert many.told(Change.REMOVED, Change.UNFINISHED) == "4 removed, 6 unfinished"


def test_what_two_did_is_added_up_and_what_fails_is_what_still_does() -> None:
    first, later = Summary(5, 1, 0, 2, 3, errors=["Gone."]), Summary(1, 1, 5, 1, 1)
    assert first.then(later) == Summary(6, 2, 5, 3, 1)
