"""Metrics, in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

What the ledger knows is counted there, so that all processes of a service tell the same, and a new one too.
"""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import get_args

from starlette.responses import Response

from scrapdb.reporting.service import access
from scrapdb.reporting.service.ledger import listing
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.web.problem import Problem
from scrapdb.running.batches.lock import is_held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping

    from scrapdb.reporting.service.desk import Desk
    from scrapdb.reporting.service.web.call import Call

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)  # seconds
_WORKERS = ".scrapdb-worker-*.lock"


def answer(call: Call) -> Response:
    """Answer with the metrics, for who may manage everything."""
    if not access.manages_all(call.host, call.person):
        raise Problem(403, "Metrics are for who may manage everything.")
    lines = [*_of_ledger(call.desk), *_of_answers(call.site.answered)]
    return Response("\n".join(lines) + "\n", media_type=MEDIA)


def _of_ledger(desk: Desk) -> Iterator[str]:
    ledger = desk.ledger
    counted = listing.counts(ledger)
    by_state = dict.fromkeys(get_args(requests.State), 0)
    for (_, state), number in counted.items():
        by_state[state] += number
    yield from _metric("scrapdb_reports", "gauge", "Reports by state, as the ledger has them.")
    yield from (_line("scrapdb_reports", number, state=state) for state, number in by_state.items())
    yield from _metric("scrapdb_bundle_reports", "gauge", "Reports by bundle and state.")
    yield from (
        _line("scrapdb_bundle_reports", number, bundle=bundle, state=state)
        for (bundle, state), number in sorted(counted.items())
    )
    yield from _metric("scrapdb_deliveries", "gauge", "Deliveries by kind of target and state.")
    yield from (
        _line("scrapdb_deliveries", number, target=target, state=state)
        for (target, state), number in sorted(listing.delivered(ledger).items())
    )
    yield from _metric("scrapdb_queue_oldest_seconds", "gauge", "How long the report waits that has waited longest.")
    yield _line("scrapdb_queue_oldest_seconds", _waited(listing.oldest(ledger)))
    yield from _metric("scrapdb_workers", "gauge", "Workers that live.")
    yield _line("scrapdb_workers", sum(is_held(str(path)) for path in desk.reports.glob(_WORKERS)))
    yield from _histogram(*listing.seconds(ledger, _BOUNDS))


def _of_answers(answered: Mapping[int, int]) -> Iterator[str]:
    yield from _metric("scrapdb_http_answers_total", "counter", "Answers of this process by status of HTTP.")
    yield from (
        _line("scrapdb_http_answers_total", number, status=str(status)) for status, number in sorted(answered.items())
    )


def _histogram(below: list[int], total: float, number: int) -> Iterator[str]:
    name = "scrapdb_report_seconds"
    yield from _metric(name, "histogram", "How long reports took, from the start of the last attempt to the end.")
    yield from (_line(f"{name}_bucket", count, le=f"{bound:g}") for bound, count in zip(_BOUNDS, below, strict=True))
    yield _line(f"{name}_bucket", number, le="+Inf")
    yield _line(f"{name}_sum", total)
    yield _line(f"{name}_count", number)


def _metric(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, value: float, **labels: str) -> str:
    written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{written}}} {value}" if written else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _waited(since: str | None) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()) if since else 0.0
