"""Old reports, and what was kept for them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from scrapdb.reporting import report
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.desk import ask
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import Keep
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.work import tidying


def test_old_reports_go_with_all_that_is_of_them(desk: Desk, bundles: Path, tmp_path: Path) -> None:
    ids = []
    for _ in range(3):
        request, _ = ask(desk, Person("you"), Wish(bundle="other"))
        claimed = requests.claim(desk.ledger, "w", most=9)
        assert claimed
        made = report.build(
            bundles / "other",
            output=desk.reports,
            name=request.id,
            push=str(tmp_path / "pushed" / "{id}"),
            db=desk.store,
        )
        requests.ended(desk.ledger, request.id, "w", made[0].state, None)
        ids.append(request.id)
    waiting, _ = ask(desk, Person("you"), Wish(bundle="sales"))
    assert tidying.tidy(desk) == []
    desk = desk._replace(host=Host(keep=Keep(last=1, younger="1s")))
    time.sleep(1.1)
    assert sorted(tidying.tidy(desk)) == sorted(ids[:2])
    assert [path.name for path in desk.reports.iterdir() if path.name[0] != "."] == ids[2:]
    assert [path.stem for path in (tmp_path / "pushed").iterdir()] == ids[2:]
    assert {each.id for each in requests.latest(desk.ledger)} == {ids[2], waiting.id}
    assert len([line for line in audit.latest(desk.ledger) if line.what == "ask"]) == 4
    for path in (desk.reports / ".bundles").iterdir():
        os.utime(path, (0, 0))
    requests.cancel(desk.ledger, waiting.id, "you")
    tidying.tidy(desk)
    assert len([*(desk.reports / ".bundles").iterdir()]) == 1  # of the report that is left
