"""What a store says of a dozen nights, against the notebooks as they were saved; `make proof` plays 200."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import histories
from tests.histories import History
from tests.stores import check

_NIGHTS, _TICKERS = 12, ("ABC", "BCD", "MNO", "AAA")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return [*histories.keep(tmp_path_factory.mktemp("history"), _NIGHTS, _TICKERS)][-1]


def test_versions_are_what_was_saved(history: History) -> None:
    check(history.store)
    assert histories.versions(history) > 2 * _NIGHTS


def test_values_as_of_each_night(history: History) -> None:
    assert histories.of_nights(history, range(_NIGHTS)) > 200


def test_values_of_every_version(history: History) -> None:
    assert histories.of_versions(history) > 200


def test_functions_over_time(history: History) -> None:
    assert histories.over_time(history) > 200


@pytest.mark.parametrize("number", [0, _NIGHTS // 2, _NIGHTS - 1])
def test_answers_as_of_a_night_are_those_that_were_given_then(history: History, number: int, tmp_path: Path) -> None:
    assert histories.like_then(history, number, tmp_path) > 50


def test_versions_have_what_their_files_have(history: History, tmp_path: Path) -> None:
    assert histories.like_files(history, tmp_path) > 200
