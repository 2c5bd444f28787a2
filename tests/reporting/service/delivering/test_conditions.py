"""`deliver_if`: what is kept back, what is sent, and what is sent since nobody can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.delivering import conditions
from scrapdb.reporting.service.delivering import dispatch
from scrapdb.reporting.service.desk import Desk
from tests.reporting.service.delivering import desks

NONE: Any = None
KEPT, SENT, SAID = "kept back", "sent", "sent, and it is said"


def judged(desk: Desk, condition: str, **asked: Any) -> tuple[str, str]:
    request = desks.over(desk, **asked)
    verdict = conditions.judged(desk, request, desk.catalogue.get("voltage"), condition)
    if verdict.why_not:
        return KEPT, verdict.why_not
    return (SAID, verdict.remark) if verdict.remark else (SENT, "")


@pytest.mark.parametrize(
    ("condition", "before", "now", "wanted"),
    [
        ("n_rows > 0", NONE, {"n_rows": 3}, SENT),
        ("n_rows > 0", NONE, {"n_rows": 0}, KEPT),
        ("n_rows > 0", {"n_rows": 3}, {}, SAID),  # known, and missing this time
        ("n_rows > 0", NONE, {}, SAID),  # not known at all
        ("n_rows > 0", NONE, {"n_rows": None}, SAID),
        ("n_rows >", NONE, {"n_rows": 0}, SAID),
        ("n_rows > 0) or (1 = 1", NONE, {"n_rows": 0}, SAID),
        ("nosuch(n_rows)", NONE, {"n_rows": 0}, SAID),
        ("n_rows > 'many'", NONE, {"n_rows": 0}, SAID),
        ("result != previous.result", {"result": "a"}, {"result": "a"}, KEPT),
        ("result != previous.result", {"result": "a"}, {"result": "b"}, SENT),
        ("result != previous.result", NONE, {"result": "a"}, SENT),  # the first is always another one
        ("result != previous.result", {"other": 1}, {"result": "a"}, SAID),
        ("n_rows > 0 and n_rows != previous.n_rows", NONE, {"n_rows": 0}, KEPT),
        ("n_rows > 0 and n_rows != previous.n_rows", NONE, {"n_rows": 1}, SENT),
        ("n_rows > 0 and n_rows != previous.n_rows", {"n_rows": 2}, {"n_rows": 2}, KEPT),
        ("n_rows > previous.n_rows * 1.1", {"n_rows": 100}, {"n_rows": 105}, KEPT),
        ("n_rows > previous.n_rows * 1.1", {"n_rows": 100}, {"n_rows": 111}, SENT),
        ("found.best = 'x'", NONE, {"found": {"best": "x"}}, SENT),
        ("found.best != previous.found.best", {"found": {"best": "x"}}, {"found": {"best": "x"}}, KEPT),
        ("not ok", NONE, {"ok": True}, KEPT),
        ("ok", NONE, {"ok": True}, SENT),
        ("nb.status = 'completed'", NONE, {}, SENT),
        ("nb.status = 'failed'", NONE, {}, KEPT),
        ("`a b` is not null", NONE, {"a b": 1}, SENT),
    ],
)
def test_what_is_sent(tmp_path: Path, condition: str, before: Any, now: Any, wanted: str) -> None:
    with desks.desk(tmp_path) as desk:
        if before is not None:
            desks.over(desk, scraps=before)
        assert judged(desk, condition, scraps=now)[0] == wanted


def test_what_is_in_output_json_counts_too_and_before_scraps(tmp_path: Path) -> None:
    with desks.desk(tmp_path) as desk:
        desks.over(desk, output={"n": 4})
        assert judged(desk, "n = 5 and previous.n = 4 and m = 1", scraps={"n": 3, "m": 1}, output={"n": 5}) == (
            SENT,
            "",
        )


def test_it_is_said_what_was_found(tmp_path: Path) -> None:
    with desks.desk(tmp_path) as desk:
        desks.over(desk, scraps={"n": 0})
        told = judged(desk, "n > 0 or n != previous.n", scraps={"n": 0})
        assert told == (KEPT, "n > 0 or n != previous.n does not hold: n is 0, previous.n is 0")


def test_the_report_before_is_of_the_same_kind(tmp_path: Path) -> None:
    changed = "n != previous.n"
    with desks.desk(tmp_path, {"parameters": {"site": {}, "day": {"type": "date"}}}) as desk:
        desks.over(desk, scraps={"n": 1}, parameters={"site": "north"})
        others: list[dict[str, Any]] = [
            {"parameters": {"site": "south"}},
            {"parameters": {"site": "north"}, "language": "ca"},
            {"parameters": {"site": "north"}, "schedule": "daily", "scheduled_for": "1"},
            {"parameters": {"site": "north", "day": "2026-01-02"}},
        ]
        assert [judged(desk, changed, scraps={"n": 1}, **each)[0] for each in others] == [SENT] * 4
        desks.over(desk, scraps={"n": 2}, parameters={"site": "north"}, state="error")
        assert judged(desk, changed, scraps={"n": 1}, parameters={"site": "north"})[0] == KEPT
        # The days of a schedule move on; it is the same report of another day.
        daily = {"schedule": "daily", "parameters": {"site": "north", "day": "2026-01-03"}}
        assert judged(desk, changed, scraps={"n": 1}, scheduled_for="2", **daily)[0] == KEPT


def test_a_report_that_is_kept_back_is_not_sent_and_says_why(tmp_path: Path) -> None:
    target = Target(to="mail:anna@example.com")
    with desks.desk(tmp_path, {"deliver_if": "n > 0"}, recipients=["@example.com"]) as desk:
        kept = desks.over(desk, scraps={"n": 0}, deliver=(target,))
        own = desks.over(desk, scraps={"n": 0}, deliver=(target,), deliver_if="n = 0")
        unsure = desks.over(desk, deliver=(target,))
        here = desks.over(desk, scraps={"n": 0}, reply={"kind": "slack", "channel": "C1"}, deliver=(target,))
        dispatch.told(desk)
        assert (desks.only(desk, kept).state, desks.only(desk, kept).reason) == (
            "not sent",
            "n > 0 does not hold: n is 0",
        )
        assert desks.only(desk, own).state == "to send"
        assert "No notebook has a field `n`" in (desks.only(desk, unsure).options.remark or "")
        assert desks.states(desk, here) == {  # whoever asked himself is always answered
            ("mail", "anna@example.com", "report"): "not sent",
            ("reply", "C1", "report"): "to send",
        }
