"""Each moment of a schedule asks once: whatever ends in between, who else is there, and how the clock is changed."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from threading import Barrier
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import scrapdb
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service import desk as desks
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.host import Asker
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import Rule
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger import schedules
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.ledger.schedules import Scheduled
from scrapdb.reporting.service.scheduling import changing
from scrapdb.reporting.service.scheduling import clock
from scrapdb.reporting.service.scheduling import due
from scrapdb.reporting.service.scheduling import wishes
from tests.reporting.service.bundles import write

DAY = {"type": "date", "default": "2026-01-01"}


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def plan(desk: Desk, name: str = "daily", since: str = "2026-11-29T07:00+01:00", **said: Any) -> None:
    """Write down a schedule that is due since a moment."""
    definition = Schedule(**{"cron": "0 7 * * *", "zone": "Europe/Madrid", **said})
    owner = definition.owner or "you"
    next_at = ledger.written(at(since))
    schedules.add(
        desk.ledger,
        Scheduled(name=name, bundle="sales", source="command", definition=definition, owner=owner, next_at=next_at),
    )


def of(desk: Desk, name: str = "daily") -> Scheduled:
    found = schedules.get(desk.ledger, name)
    assert found is not None
    return found


def asked(desk: Desk) -> list[Request]:
    return sorted(requests.latest(desk.ledger, limit=1000), key=lambda each: (each.scheduled_for or "", each.id))


def end(desk: Desk, state: str = "completed") -> None:
    with desk.ledger.writing() as connection:
        connection.execute("UPDATE requests SET state = ?, ended_at = ? WHERE ended_at IS NULL", [state, ledger.now()])


def lines(desk: Desk) -> list[tuple[str | None, str, str | None]]:
    return [(each.who, each.what, each.detail) for each in reversed(audit.latest(desk.ledger))]


def given(desk: Desk, **parameters: Any) -> None:
    """Let the bundle take other parameters."""
    path = Path(desk.catalogue.where) / "sales" / "config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "parameters": {**said["parameters"], **parameters}}))
    desk.catalogue._looked = float("-inf")


def says(desk: Desk, **said: Any) -> None:
    """Let the bundle say something else in its config.json."""
    path = Path(desk.catalogue.where) / "sales" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))
    desk.catalogue._looked = float("-inf")


def test_what_is_due_is_asked_for_once(desk: Desk) -> None:
    plan(desk, parameters={"region": "south"}, languages=("en", "ca"), pages=("pdf",))
    assert due.step(desk, "w", at("2026-11-29T06:59:59+01:00")) == 0
    assert due.step(desk, "w", at("2026-11-29T07:00:01+01:00")) == 1
    assert due.step(desk, "w", at("2026-11-29T07:00:02+01:00")) == 0
    found = asked(desk)
    assert [each.language for each in sorted(found, key=lambda each: each.language)] == ["ca", "en"]
    for each in found:
        assert each.parameters == {"region": "south", "times": 1}
        assert each.pages == ("html", "pdf")
        assert (each.schedule, each.scheduled_for) == ("daily", "2026-11-29T06:00:00.000000Z")
        assert (each.asker, each.via, each.state) == ("you", "schedule", "queued")
    assert (of(desk).next_at, of(desk).last_at) == ("2026-11-30T06:00:00.000000Z", "2026-11-29T06:00:00.000000Z")
    assert [line[:2] for line in lines(desk)] == [("you", "ask"), ("you", "ask")]


def test_after_three_days_off_one_makes_up_for_all(desk: Desk) -> None:
    given(desk, day=DAY)
    plan(desk, since="2026-11-26T07:00+01:00", parameters={"day": "yesterday"})
    assert due.step(desk, "w", at("2026-11-29T12:00+01:00")) == 1
    (one,) = asked(desk)
    assert one.scheduled_for == "2026-11-29T06:00:00.000000Z"
    assert one.parameters["day"] == "2026-11-28"
    assert of(desk).next_at == "2026-11-30T06:00:00.000000Z"


def test_what_was_missed_can_be_left_out(desk: Desk) -> None:
    plan(desk, since="2026-11-26T07:00+01:00", catch_up="skip")
    assert due.step(desk, "w", at("2026-11-29T12:00+01:00")) == 1
    assert asked(desk) == []
    assert of(desk).reason == "2026-11-29 07:00 CET was missed, since nothing ran then."
    assert of(desk).next_at == "2026-11-30T06:00:00.000000Z"
    assert lines(desk)[-1][1] == "skip"
    assert due.step(desk, "w", at("2026-11-30T07:00:30+01:00")) == 1
    assert [each.scheduled_for for each in asked(desk)] == ["2026-11-30T06:00:00.000000Z"]
    assert of(desk).reason is None


def test_none_is_asked_for_while_the_one_before_is_not_over(desk: Desk) -> None:
    plan(desk)
    due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    (first,) = asked(desk)
    assert due.step(desk, "w", at("2026-11-30T07:00+01:00")) == 1
    assert len(asked(desk)) == 1
    assert of(desk).reason == f"2026-11-30 07:00 CET was left out, since {first.id} was not over."
    assert lines(desk)[-1] == ("you", "skip", f"daily: {of(desk).reason}")
    end(desk)
    assert due.step(desk, "w", at("2026-12-01T07:00+01:00")) == 1
    assert len(asked(desk)) == 2
    assert of(desk).reason is None


MADRID, NEW_YORK = "Europe/Madrid", "America/New_York"


@pytest.mark.parametrize(
    ("zone", "cron", "since", "hours", "expected"),
    [
        (MADRID, "30 2 * * *", "2026-03-28T00:00+01:00", 58, ["28 01:30", "29 01:00", "30 00:30"]),
        (MADRID, "30 2 * * *", "2026-10-24T00:00+02:00", 60, ["24 00:30", "25 00:30", "26 01:30"]),
        (NEW_YORK, "30 2 * * *", "2026-03-07T00:00-05:00", 58, ["07 07:30", "08 07:00", "09 06:30"]),
        (NEW_YORK, "30 1 * * *", "2026-10-31T00:00-04:00", 60, ["31 05:30", "01 05:30", "02 06:30"]),
        (MADRID, "*/30 * * * *", "2026-10-25T01:45+02:00", 2, ["25 00:00", "25 00:30", "25 01:00", "25 01:30"]),
        (NEW_YORK, "*/30 * * * *", "2026-03-08T01:15-05:00", 1, ["08 06:30", "08 07:00"]),
    ],
)
def test_the_clock_is_changed(desk: Desk, zone: str, cron: str, *, since: str, hours: int, expected: list[str]) -> None:
    """A worker that looks every ten minutes asks for each moment, in UTC, once."""
    begin = at(since)
    first = clock.following(cron, ZoneInfo(zone), begin)
    assert first is not None
    plan(desk, since=first.isoformat(), cron=cron, zone=zone)
    for number in range(hours * 6 + 1):
        due.step(desk, "w", begin + dt.timedelta(minutes=10 * number))
        end(desk)
    assert [f"{at(each.scheduled_for or ''):%d %H:%M}" for each in asked(desk)] == expected


def test_moving_dates_where_the_clock_is_changed(desk: Desk) -> None:
    given(desk, from_day=DAY, to_day=DAY, scheduled_for={})
    plan(
        desk,
        since="2026-10-24T00:30+02:00",
        cron="30 0 * * *",
        parameters={"from_day..to_day": "last 2 days"},
    )
    schedules.change(desk.ledger, "daily", next_at=ledger.written(at("2026-10-24T00:30+02:00")))
    for now in ("2026-10-24T00:30+02:00", "2026-10-25T00:31+02:00", "2026-10-26T23:59+01:00"):
        due.step(desk, "w", at(now))
        end(desk)
    assert [(each.parameters["from_day"], each.parameters["to_day"]) for each in asked(desk)] == [
        ("2026-10-22", "2026-10-23"),
        ("2026-10-23", "2026-10-24"),
        ("2026-10-24", "2026-10-25"),
    ]
    assert asked(desk)[2].parameters["scheduled_for"] == "2026-10-26T00:30:00+01:00"


@pytest.mark.parametrize("where", ["audit.write", "schedules.change", "requests.add"])
def test_what_ends_in_between_leaves_nothing_half_done(desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    plan(desk, languages=("en", "ca"))
    module, name = where.split(".")
    original: Callable[..., Any] = getattr(getattr(due, module), name)
    calls = []

    def fails(*args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) == (1 if module == "schedules" else 2):
            raise KeyboardInterrupt
        return original(*args, **more)

    monkeypatch.setattr(getattr(due, module), name, fails)
    with pytest.raises(KeyboardInterrupt):
        due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    assert asked(desk) == []
    assert lines(desk) == []
    assert of(desk).next_at == "2026-11-29T06:00:00.000000Z"
    monkeypatch.undo()
    assert due.step(desk, "w", at("2026-11-29T07:00+01:00")) == 1
    assert len(asked(desk)) == 2


def _steps(where: str, reports: Path, begin: Any, now: str) -> None:
    with ledger.Ledger(reports) as opened:
        desk = Desk(Host(), Catalogue(where), opened, reports, reports / "scraps.db")
        desk.catalogue.all()
        begin.wait()
        due.step(desk, "w", at(now))


def _check_once(desk: Desk) -> None:
    assert sorted(each.schedule or "" for each in asked(desk)) == sorted([f"daily-{n}" for n in range(10)] * 2)
    assert len(lines(desk)) == 20


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_two_workers_ask_once(desk: Desk, kind: str) -> None:
    """Each has a connection of its own, so that threads are to SQLite what processes are."""
    for number in range(10):
        plan(desk, f"daily-{number}", languages=("en", "ca"))
    context = multiprocessing.get_context("spawn")
    begin: Any = Barrier(2) if kind == "threads" else context.Barrier(2)
    worker: Any = Thread if kind == "threads" else context.Process
    args = (desk.catalogue.where, desk.reports, begin, "2026-11-29T07:00+01:00")
    workers = [worker(target=_steps, args=args) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(30)
    _check_once(desk)


def test_the_same_moment_cannot_be_asked_for_twice(desk: Desk) -> None:
    plan(desk)
    due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    end(desk)
    schedules.change(desk.ledger, "daily", next_at=ledger.written(at("2026-11-29T07:00+01:00")))
    due.step(desk, "w", at("2026-11-29T07:01+01:00"))
    assert len(asked(desk)) == 1


def test_a_row_each_and_a_bad_one_stops_no_other(tmp_path: Path, bundles: Path) -> None:
    (bundles / "sales" / "rows.csv").write_text(
        "region,language,deliver\nnorth,en,mail:n@example.com\nmars,en,mail:m@example.com\n"
        'south,ca,"mail:s@example.com,mail:t@example.com"\nnorth,en,mail:o@example.com\nnorth,ca,mail:x@elsewhere.org\n'
        "south,klingon,\n"
    )
    said = Host(recipients=("@example.com",))
    with ledger.Ledger(tmp_path / "reports") as opened:
        desk = Desk(said, Catalogue(str(bundles)), opened, tmp_path / "reports", tmp_path / "scraps.db")
        plan(desk, for_each="rows.csv", deliver=(Target(to="mail:all@example.com"),), parameters={"times": 3})
        assert due.step(desk, "w", at("2026-11-29T07:00+01:00")) == 1
        good = [each for each in asked(desk) if each.state == "queued"]
        assert [(each.parameters["region"], each.language, sorted(t.to[5] for t in each.deliver)) for each in good] in (
            [("north", "en", ["a", "n", "o"]), ("south", "ca", ["a", "s", "t"])],
            [("south", "ca", ["a", "s", "t"]), ("north", "en", ["a", "n", "o"])],
        )
        assert {each.parameters["times"] for each in good} == {3}
        bad = [each for each in asked(desk) if each.state == "error"]
        assert sorted(each.reason or "" for each in bad) == [
            "Nothing may go to mail:x@elsewhere.org: name it below `recipients` in service.yaml.",
            "The parameter region cannot be 'mars': it takes 'north' or 'south'.",
            "There is no language 'klingon'; sales has en, ca.",
        ]
        assert all(each.ended_at and each.asker == "you" and not each.told_at for each in bad)
        assert (of(desk).reason or "").startswith("3 of 5 reports refused; the first: The parameter region")
        assert sorted(line[1] for line in lines(desk)) == ["ask", "ask", "refuse", "refuse", "refuse"]


def test_rows_of_the_schedule_and_of_the_store(desk: Desk) -> None:
    plan(desk, "listed", for_each=({"region": "north"}, {"region": "south", "times": 2}))
    plan(desk, "none", for_each=())
    plan(desk, "gone", for_each="none.csv")
    plan(desk, "asking", for_each="sql:SELECT 'south' AS region, 7 AS times")
    (desk.reports / "empty").mkdir()
    scrapdb.open(desk.store).index(desk.reports / "empty")
    assert due.step(desk, "w", at("2026-11-29T07:00+01:00")) == 4
    found = {each.name: [r for r in asked(desk) if r.schedule == each.name] for each in schedules.every(desk.ledger)}
    assert sorted(each.parameters["times"] for each in found["listed"]) == [1, 2]
    assert found["none"] == []
    assert [each.reason for each in found["gone"]] == ["sales has no file none.csv, for the rows of gone."]
    assert [each.parameters for each in found["asking"]] == [{"region": "south", "times": 7}]


def test_a_bundle_that_is_broken_is_told(desk: Desk) -> None:
    plan(desk)
    schedules.change(desk.ledger, "daily", bundle="broken")
    due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    (one,) = asked(desk)
    assert one.state == "error"
    assert (one.reason or "").startswith("broken cannot be made: config.json: title cannot be 1")
    assert of(desk).reason == one.reason
    assert of(desk).next_at == "2026-11-30T06:00:00.000000Z"


def test_where_too_many_wait_it_stays_due(desk: Desk) -> None:
    small = desk._replace(host=Host(waiting=2))
    plan(desk, for_each=({"times": 1}, {"times": 2}))
    desks.ask(small, Person("you"), Wish(bundle="other"))
    assert due.step(small, "w", at("2026-11-29T07:00+01:00")) == 0
    assert (of(desk).reason or "").startswith("2026-11-29 07:00 CET waits: 1 reports wait already")
    end(desk)
    assert due.step(small, "w", at("2026-11-29T07:05+01:00")) == 1
    assert len(asked(desk)) == 3


def test_a_schedule_may_ask_for_more_in_a_minute_than_a_person(desk: Desk) -> None:
    small = desk._replace(host=Host(rate=1))
    plan(desk, since="2026-11-29T07:00+01:00", for_each=tuple({"times": number} for number in range(5)))
    due.step(small, "w", at("2026-11-29T07:00+01:00"))
    assert len(asked(desk)) == 5
    desks.ask(small, Person("you"), Wish(bundle="other"))


ANNA = Host(
    askers={"anna": Asker(), "ben": Asker()},
    rules=(Rule(bundles="sales", ask=("anna",)), Rule(bundles="other", ask=("*",))),
)


@pytest.mark.parametrize(
    ("owner", "sentence"),
    [("carl", "carl is no asker any more"), ("ben", "ben may not ask for it")],
)
def test_an_owner_who_may_not_ask_any_more_pauses_it(desk: Desk, owner: str, sentence: str) -> None:
    plan(desk, owner=owner)
    assert due.step(desk._replace(host=ANNA), "w", at("2026-11-29T07:00+01:00")) == 1
    assert asked(desk) == []
    assert of(desk).paused_by == "scrapdb"
    assert (of(desk).reason or "").startswith(sentence)
    assert lines(desk)[-1][:2] == ("scrapdb", "pause")
    assert due.step(desk._replace(host=ANNA), "w", at("2026-11-29T07:00:01+01:00")) == 0


def test_paused_and_resumed(desk: Desk) -> None:
    plan(desk)
    changing.pause(desk.ledger, "anna", "daily")
    assert due.step(desk, "w", at("2026-11-29T07:00+01:00")) == 0
    assert of(desk).paused_by == "anna"
    resumed = changing.resume(desk, "ben", "daily")
    assert of(desk).paused_by is None
    assert at(resumed.next_at or "") > dt.datetime.now(dt.UTC)  # what it slept through is gone by
    assert [line[:2] for line in lines(desk)] == [("anna", "pause schedule"), ("ben", "resume schedule")]


def test_run_now(desk: Desk) -> None:
    plan(desk, since="2099-01-01T07:00+01:00")
    before = of(desk).next_at
    (one,) = changing.run_now(desk, "anna", "daily").requests
    assert requests.get(desk.ledger, one.id) is not None
    assert of(desk).next_at == before
    with pytest.raises(ScrapdbError, match=f"while {one.id} is not over"):
        changing.run_now(desk, "anna", "daily")
    end(desk)
    changing.run_now(desk, "anna", "daily")
    assert [line[:2] for line in lines(desk)][-1] == ("anna", "run schedule")


def test_what_is_added_is_tried_at_once(desk: Desk) -> None:
    added = changing.add(desk, "you", "weekly", "sales", Schedule(cron="0 7 * * 1", parameters={"region": "south"}))
    assert schedules.get(desk.ledger, "weekly") == added
    assert asked(desk) == []
    for name, bundle, definition, sentence in (
        ("weekly", "sales", Schedule(cron="@daily"), "There is a schedule weekly already."),
        ("a/b", "sales", Schedule(cron="@daily"), "'a/b' can be no name"),
        ("x", "sale", Schedule(cron="@daily"), "There is no report 'sale' for you."),
        ("x", "sales", Schedule(cron="daily"), "'daily' is no time of cron"),
        ("x", "sales", Schedule(cron="@daily", zone="Mars/Base"), "There is no time zone 'Mars/Base'"),
        ("x", "sales", Schedule(cron="@daily", parameters={"regio": 1}), "The report takes no parameter regio"),
        ("x", "sales", Schedule(cron="@daily", languages=("xx",)), "There is no language 'xx'"),
        ("x", "sales", Schedule(cron="@daily", deliver=(Target(to="mail:a@b.c"),)), "Nothing may go to mail:a@b.c"),
    ):
        with pytest.raises(UsageError) as raised:
            changing.add(desk, "you", name, bundle, definition)
        assert str(raised.value).startswith(sentence)
    with pytest.raises(UsageError, match="It names no owner"):
        changing.add(desk._replace(host=ANNA), "you", "x", "sales", Schedule(cron="@daily"))
    with pytest.raises(UsageError, match="Its owner ben may not ask for sales"):
        changing.add(desk._replace(host=ANNA), "you", "x", "sales", Schedule(cron="@daily", owner="ben"))


def test_what_bundles_name_is_taken_up_as_it_changes(desk: Desk) -> None:
    now = at("2026-11-29T12:00+01:00")
    assert due.step(desk, "w", now) == 0
    says(desk, schedules={"daily": {"cron": "0 7 * * *", "zone": "Europe/Madrid"}})
    assert due.step(desk, "w", now) == 1
    assert due.step(desk, "w", now) == 0
    assert of(desk, "sales/daily").next_at == "2026-11-30T06:00:00.000000Z"
    changing.pause(desk.ledger, "anna", "sales/daily")
    says(desk, schedules={"daily": {"cron": "0 8 * * *", "zone": "Europe/Madrid"}})
    assert due.step(desk, "w", now) == 1
    assert of(desk, "sales/daily").next_at == "2026-11-30T07:00:00.000000Z"
    assert of(desk, "sales/daily").paused_by == "anna"
    with pytest.raises(UsageError, match=r"stands in config\.json of sales"):
        changing.remove(desk.ledger, "you", "sales/daily")
    says(desk, title=3)  # broken for a while
    assert due.step(desk, "w", now) == 0
    says(desk, title="x", schedules={})
    assert due.step(desk, "w", now) == 1
    assert schedules.every(desk.ledger) == []
    assert [line[:2] for line in lines(desk)] == [
        ("scrapdb", "add schedule"),
        ("anna", "pause schedule"),
        ("scrapdb", "change schedule"),
        ("scrapdb", "remove schedule"),
    ]


def test_a_bundle_names_no_rights_that_it_has_not(desk: Desk) -> None:
    """Where there are askers, it needs an owner who may ask for it, and cannot read what others have in the store."""
    guarded = desk._replace(host=ANNA)
    now = at("2026-11-29T12:00+01:00")
    says(
        desk,
        schedules={
            "none": {"cron": "@daily"},
            "wrong": {"cron": "@daily", "owner": "ben"},
            "store": {"cron": "@daily", "owner": "anna", "for_each": "sql:SELECT 1 AS times"},
        },
    )
    due.step(guarded, "w", now)
    assert {each.name: each.paused_by for each in schedules.every(desk.ledger)} == {
        "sales/none": "scrapdb",
        "sales/wrong": "scrapdb",
        "sales/store": None,
    }
    due.step(guarded, "w", now + dt.timedelta(days=1))
    assert [each.reason for each in asked(desk)] == [
        "sales/store asks the store, which no bundle may here: add it by a command."
    ]


def test_what_a_broken_schedule_of_a_bundle_says(desk: Desk) -> None:
    says(desk, schedules={"never": {"cron": "0 0 31 2 *"}, "mars": {"cron": "@daily", "zone": "Mars/Base"}})
    due.step(desk, "w", at("2026-11-29T12:00+01:00"))
    assert [(each.name, each.paused_by, (each.reason or "")[:20]) for each in schedules.every(desk.ledger)] == [
        ("sales/mars", "scrapdb", "There is no time zon"),
        ("sales/never", "scrapdb", "'0 0 31 2 *' is no t"),
    ]
    assert due.step(desk, "w", at("2026-11-29T12:01+01:00")) == 0


def test_the_notebook_that_names_its_parameters_itself_gets_the_moment(desk: Desk, bundles: Path) -> None:
    write(bundles / "own", "", config={"parameters": {}})
    path = bundles / "own" / "report.ipynb"
    path.write_text(path.read_text().replace("times = 1", "scheduled_for = ''"))
    desk.catalogue._looked = float("-inf")
    plan(desk)
    schedules.change(desk.ledger, "daily", bundle="own")
    due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    assert [each.parameters for each in asked(desk)] == [{"scheduled_for": "2026-11-29T07:00:00+01:00"}]


def test_too_many_rows_are_refused(desk: Desk) -> None:
    plan(desk, for_each=tuple({"times": number % 1000} for number in range(wishes._MOST + 1)))
    due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    assert [each.reason for each in asked(desk)] == ["daily asks for 1,001 rows at once; 1,000 are the most."]


HOSTILE = {
    "surrogates.json": '[{"region": "\\ud800"}, {"\\udfff": 1}, {"region": "south", "language": "\\ud800"}]',
    "deep.json": '[{"region": ' + "[" * 500 + "]" * 500 + "}]",
    "deeper.json": "[" * 100_000,
    "numbers.json": '[{"times": 1e999}, {"times": 123456789012345678901234567890}]',
    "objects.json": '[{"region": {"a": [1]}}, {"deliver": {"to": 3}}, {"deliver": [["x"]]}]',
    "no.json": '{"a": 1}',
    "empty.csv": "",
    "nul.csv": "region\n\x00\n",
    "bytes.csv": "region\n\xff\xfe",
    "wrong.yaml": "- {region: south}",
}


def test_rows_of_strangers_stop_nothing(desk: Desk, bundles: Path) -> None:
    for name, content in HOSTILE.items():
        (bundles / "sales" / name).write_bytes(content.encode("latin-1"))
        plan(desk, name, for_each=name)
    plan(desk, "good", since="2026-11-29T07:00:30+01:00")
    due.step(desk, "w", at("2026-11-29T07:01+01:00"))
    found = asked(desk)
    assert [each.schedule for each in found if each.state == "queued"] == ["good"]
    assert {each.schedule for each in found if each.state == "error"} == HOSTILE.keys() - {"empty.csv"}
    assert all(each.reason for each in found if each.state == "error")
    assert due.step(desk, "w", at("2026-11-29T07:01+01:00")) == 0


@pytest.mark.parametrize(
    "cron", ["LW/2 * * * *", "* * * * 1#2/3", "²L * * * L", "* * L/L * *", "1-,2 * * * *", "9" * 201]
)
def test_times_of_strangers(desk: Desk, cron: str) -> None:
    says(desk, schedules={"strange": {"cron": cron}})
    due.step(desk, "w", at("2026-11-29T07:00+01:00"))
    found = schedules.get(desk.ledger, "sales/strange")
    assert found is None or (found.paused_by == "scrapdb" and "is no time of cron" in (found.reason or ""))


@pytest.mark.parametrize(
    "said",
    [
        {"../up": {"cron": "@daily"}},
        {"": {"cron": "@daily"}},
        {"a": {"cron": "@daily", "parameters": {"x": "\ud800"}}},
        {"a": {"cron": "@daily", "parameters": {"x": 2**70}}},
        {"a": {"cron": "@daily", "parameters": {"times": 1e300}}},
    ],
)
def test_what_bundles_say_is_taken_up_once_or_refused(desk: Desk, said: dict[str, Any]) -> None:
    says(desk, schedules=said)
    now = at("2026-11-29T12:00+01:00")
    assert due.step(desk, "w", now) == len(schedules.every(desk.ledger))
    assert due.step(desk, "w", now) == 0
