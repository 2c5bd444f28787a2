"""The queue: whose turn it is, what is written once, and what becomes of what a worker leaves."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import is_gone
from scrapdb.reporting.service.ledger.ledger import worker
from scrapdb.reporting.service.ledger.ledger import written
from scrapdb.reporting.service.ledger.requests import Request

Factory = pytest.TempPathFactory
MOST = 100


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def asked(ledger: Ledger, id_: str, asker: str = "anna", **more: object) -> Request:
    request = Request(id=id_, bundle="sales", bundle_hash="0", asker=asker, via="api", **more)  # type: ignore[arg-type]
    return requests.add(ledger, request)[0]


def turns(ledger: Ledger) -> list[str]:
    return [claimed.id for claimed in iter(lambda: requests.claim(ledger, "w", most=2), None)]


def test_what_was_asked_for_is_there_as_it_was(ledger: Ledger) -> None:
    parameters = {"region": "ñorð\n", "n": 2**60, "x": 1.5, "flag": True, "days": ["a", None]}
    request = asked(ledger, "1", parameters=parameters, pages=("html", "pdf"), reply={"kind": "slack"}, sentence="?")
    assert requests.get(ledger, "1") == request
    assert request.parameters == parameters
    assert requests.get(ledger, "2") is None


def test_a_key_stands_for_one_report(ledger: Ledger) -> None:
    first = asked(ledger, "1", key="k", parameters={"a": 1})
    again, new = requests.add(ledger, replace(first, id="2"))
    assert (again, new) == (first, False)
    with pytest.raises(requests.KeyUsedError, match="'k' stands for another report, 1"):
        asked(ledger, "3", key="k", parameters={"a": 2})
    assert asked(ledger, "4", "ben", key="k", parameters={"a": 2}).id == "4"


def test_a_key_stands_for_where_it_goes_too(ledger: Ledger) -> None:
    first = asked(ledger, "1", key="k", deliver=(Target(to="mail:anna@example.com"),))
    assert requests.add(ledger, replace(first, id="2"))[0] == first
    for more in ({"deliver": ()}, {"deliver_if": "total > 1"}):
        with pytest.raises(requests.KeyUsedError):
            requests.add(ledger, replace(first, id="3", **more))


def test_a_clock_that_went_back_keeps_nobody_waiting(ledger: Ledger) -> None:
    moments = [datetime.now(UTC) + timedelta(seconds=each) for each in (-90, -30, 3600)]
    for number, moment in enumerate(moments):
        asked(ledger, str(number), asked_at=written(moment))
    assert requests.asked_since(ledger, "anna", written(datetime.now(UTC) - timedelta(minutes=1))) == 1


def test_nobody_else_reads_the_ledger(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Ledger(tmp_path) as ledger:
            asked(ledger, "1")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {f".scrapdb-service.db{end}": 0o600 for end in ("", "-wal", "-shm")}


def test_who_reads_waits_for_no_writer(ledger: Ledger) -> None:
    first = asked(ledger, "1")
    with sqlite3.connect(ledger.path, isolation_level=None) as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")
        writes = pool.submit(asked, ledger, "2")
        time.sleep(0.1)
        began = time.monotonic()
        assert requests.latest(ledger) == [first]
        took = time.monotonic() - began
        other.execute("ROLLBACK")
        assert writes.result().id == "2"
    assert took < 5
    with ledger.writing() as connection:  # who writes reads what he has written
        connection.execute("UPDATE requests SET state = 'running' WHERE id = '1'")
        assert [each.state for each in requests.latest(ledger)] == ["queued", "running"]


def test_a_moment_of_a_schedule_asks_once(ledger: Ledger) -> None:
    moment = {"schedule": "monday", "scheduled_for": "2026-11-30T06:00:00.000000Z"}
    assert asked(ledger, "1", parameters={"b": 1, "a": 2}, **moment).id == "1"
    assert asked(ledger, "2", parameters={"a": 2, "b": 1}, **moment).id == "1"
    assert asked(ledger, "3", parameters={"a": 3}, **moment).id == "3"


def test_many_processes_with_one_key_ask_once(tmp_path: Path) -> None:
    Ledger(tmp_path).__exit__()
    code = (
        "import sys, pathlib\n"
        "from scrapdb.reporting.service.ledger.ledger import Ledger\n"
        "from tests.reporting.service.test_requests import asked\n"
        "ledger = Ledger(pathlib.Path(sys.argv[1]))\n"
        "print(sum(asked(ledger, f'{sys.argv[2]}-{n}', key=str(n)).id.startswith(sys.argv[2]) for n in range(50)))"
    )
    words = [[sys.executable, "-c", code, str(tmp_path), name] for name in "ab"]
    started = [subprocess.Popen(each, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) for each in words]
    assert sum(int(each.communicate()[0]) for each in started) == 50


def test_turns_are_fair_between_askers(ledger: Ledger) -> None:
    for number in range(6):
        asked(ledger, f"a{number}")
    asked(ledger, "b0", "ben")
    asked(ledger, "c0", "clara")
    assert turns(ledger) == ["a0", "b0", "c0", "a1"]  # and no more than two of Anna's at once
    requests.ended(ledger, "a0", "w", "completed", None)
    assert turns(ledger) == ["a2"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(1, 3))
def test_every_request_has_its_turn_once(tmp_path_factory: Factory, askers: list[str], most: int) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        ids = [asked(ledger, f"{asker}{number}", asker).id for number, asker in enumerate(askers)]
        begun: list[str] = []
        while claimed := requests.claim(ledger, "w", most=most):
            begun.append(claimed.id)
            under_way = [each for each in requests.latest(ledger, asker=claimed.asker) if each.state == "running"]
            assert len(under_way) <= most
            if len(under_way) == most:
                assert requests.ended(ledger, claimed.id, "w", "completed", None)
        assert sorted(begun) == sorted(ids)


def test_two_workers_take_nothing_twice(tmp_path: Path) -> None:
    with Ledger(tmp_path) as one, Ledger(tmp_path) as other, ThreadPoolExecutor(4) as pool:
        for number in range(60):
            asked(one, str(number))
        claims = [pool.submit(requests.claim, each, name, most=MOST) for each, name in [(one, "1"), (other, "2")] * 40]
        ids = [found.id for each in claims if (found := each.result())]
    assert Counter(ids) == Counter(str(number) for number in range(60))


def test_who_is_gone_leaves_what_he_was_at(tmp_path: Path, ledger: Ledger) -> None:
    asked(ledger, "1")
    with worker(tmp_path) as mine:
        assert requests.claim(ledger, mine, most=MOST)
        assert requests.left(ledger) == []
        assert not is_gone(mine)
    (left,) = requests.left(ledger)
    with worker(tmp_path) as first, worker(tmp_path) as second:
        assert requests.take_over(ledger, left, first)
        assert not requests.take_over(ledger, left, second)
        assert not requests.ended(ledger, "1", second, "completed", None)
        assert requests.ended(ledger, "1", first, "lost", "why")
    assert list(tmp_path.glob("*.lock")) == []


def test_another_attempt_waits_for_its_time(ledger: Ledger) -> None:
    asked(ledger, "1")
    claimed = requests.claim(ledger, "w", most=MOST)
    assert claimed
    later = datetime.now(UTC) + timedelta(hours=1)
    assert requests.retry(ledger, claimed, "w", "timed out", written(later))
    assert requests.claim(ledger, "w", most=MOST) is None
    with ledger.writing() as connection:
        connection.execute("UPDATE requests SET not_before = ?", [written(datetime.now(UTC))])
    again = requests.claim(ledger, "w", most=MOST)
    assert again
    assert (again.attempt, again.reason) == (2, "timed out")


def test_cancelling_ends_what_waits_and_asks_to_end_what_does_not(ledger: Ledger) -> None:
    for id_ in "12":
        asked(ledger, id_)
    assert requests.claim(ledger, "w", most=MOST)
    first, second, gone = (requests.cancel(ledger, id_, "ben") for id_ in "123")
    assert first
    assert second
    assert (first.state, second.state, gone) == ("running", "cancelled", None)
    assert second.reason == "ben cancelled it before it began"
    assert requests.cancelled(ledger, "w") == ["1"]
    requests.ended(ledger, "1", "w", "completed", None)
    over = requests.cancel(ledger, "1", "clara")
    assert over
    assert (over.state, over.cancelled_by) == ("completed", "ben")


def test_no_more_wait_than_may(ledger: Ledger) -> None:
    for id_ in "12":
        asked(ledger, id_)
    request = Request(id="3", bundle="sales", bundle_hash="0", asker="anna", via="api")
    with pytest.raises(requests.QueueFullError, match="2 reports wait already"):
        requests.add(ledger, request, most=2)
    assert requests.claim(ledger, "w", most=MOST)
    assert requests.add(ledger, request, most=2)[1]


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / ".scrapdb-service.db"
    sqlite3.connect(foreign).executescript("CREATE TABLE t (a);")
    with pytest.raises(ScrapdbError, match="is no ledger of a service; nothing was changed"):
        Ledger(tmp_path)
    foreign.write_bytes(b"hello, this is no database at all")
    with pytest.raises(ScrapdbError, match="cannot be opened"):
        Ledger(tmp_path)
