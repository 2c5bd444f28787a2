from __future__ import annotations

import pytest

from scrapdb.errors import UsageError
from scrapdb.facts import Execution
from scrapdb.running.batches.retries import Retries
from scrapdb.running.batches.retries import causes
from scrapdb.running.batches.retries import pause


def test_each_pause_is_twice_as_long_up_to_a_minute() -> None:
    assert [pause(attempt) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause(10_000) == 60


@pytest.mark.parametrize(
    ("state", "reason", "again"),
    [
        ("lost", None, True),
        ("timed out", "60 of 60 s", True),
        ("failed", "not ready: the kernel did not answer in 60 s", True),
        ("failed", "KeyError: 'x'", False),
        ("killed", "memory: 2.0 of 2.0 GB", False),
        ("completed", None, False),
        ("skipped", "not ready yet", False),
    ],
)
def test_by_default_what_may_go_better_is_tried_again(state: str, reason: str | None, again: bool) -> None:
    execution = Execution(state=state, reason=reason)  # type: ignore[arg-type]
    assert Retries(2).wants(execution, 2) == again
    assert not Retries(2).wants(execution, 3)
    assert not Retries().wants(execution, 1)


def test_states_are_written_as_options_or_as_they_are_shown() -> None:
    assert causes("lost,Timed-Out, not-ready") == causes(["lost", "timed out", "not ready"])
    assert Retries(1, causes("failed")).wants(Execution(state="failed", reason="KeyError"), 1)
    with pytest.raises(UsageError, match="No run ends as 'lots' here; did you mean lost"):
        causes("lots")
