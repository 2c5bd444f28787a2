"""What nobody needs any more goes: old reports with all copies and rows, and bundles that were kept for them."""

from __future__ import annotations

import logging
import time

from scrapdb.errors import StoreNotFoundError
from scrapdb.reporting.making import archive
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import requests
from scrapdb.running.batches import prune
from scrapdb.running.rows.units import duration

_log = logging.getLogger("scrapdb.service")
_HOUR = 3600.0
_next = 0.0


def step(desk: Desk, worker: str) -> int:
    """Tidy up if it was not done within an hour."""
    global _next  # noqa: PLW0603 - a process has one worker
    del worker
    if time.monotonic() >= _next:
        _next = time.monotonic() + _HOUR
        tidy(desk)
    return 0


def tidy(desk: Desk) -> list[str]:
    """Remove what service.yaml does not keep, and return the reports that are gone."""
    last, younger = desk.host.keep.last, desk.host.keep.younger
    gone: list[str] = []
    if last is not None or younger is not None:
        gone = _removed(desk, last, None if younger is None else duration(younger))
    archive.tidy(desk.reports, requests.bundles_needed(desk.ledger))
    return gone


def _removed(desk: Desk, last: int | None, seconds: float | None) -> list[str]:
    try:
        prune.restore(desk.store, str(desk.reports))
        old = prune.old(desk.store, str(desk.reports), keep_last=last, older_than=seconds)
    except StoreNotFoundError:
        return []
    removed, wrong = prune.remove(desk.store, old)
    for sentence in wrong:
        _log.warning("%s", sentence)
    gone = [path.name for run in removed for path in run.files]
    requests.forget(desk.ledger, gone)
    if gone:
        _log.info("%d old report(s) removed", len(gone))
    return gone
