"""Two hundred nights of twelve notebooks, of which a store keeps all versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from proof.trial import Counts
from proof.trial import Trial
from tests import histories
from tests.stores import check

_NIGHTS = 200
_LOOKED_AT = 20  # nights between two looks


def prove(trial: Trial) -> Iterator[Counts]:
    """Index after each night, then ask what was, and hold it against the files as they were."""
    for number, history in zip(trial.rounds(), histories.keep(trial.directory, _NIGHTS), strict=False):
        if number % _LOOKED_AT == 0:
            check(history.store)
        yield Counter({"nights": 1})
    count = len(history.past)
    check(history.store)
    yield Counter({"versions": histories.versions(history)})
    yield Counter({"values as of a night": histories.of_nights(history, range(count))})
    yield Counter({"values of versions": histories.of_versions(history)})
    yield Counter({"values over time": histories.over_time(history)})
    yield Counter({"rows of versions": histories.like_files(history, trial.directory)})
    for number in range(0, count, _LOOKED_AT):
        yield Counter({"rows as of a night": histories.like_then(history, number, trial.directory)})
