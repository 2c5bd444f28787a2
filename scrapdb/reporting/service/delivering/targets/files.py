"""Paths and URLs: pages are pushed there as by --push, each whole, and never over another content."""

from __future__ import annotations

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.making import order
from scrapdb.reporting.making import push
from scrapdb.reporting.service.delivering.letters.writing import Subject
from scrapdb.reporting.service.delivering.outcomes import NotNowError
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.ledger.deliveries import Delivery


def send(delivery: Delivery, about: Subject) -> str:
    """Push the pages of a report, and return where they went.

    Raises:
        NotSentError, NotNowError: they were not.
    """
    record, wish = about.record, delivery.options.wish
    if record is None or record.state != "completed":
        raise NotSentError(f"There is no page of {about.request.id} any more.")
    wanted = [page for page in record.pages if page.name.rpartition(".")[2] in (wish.attach if wish else ("html",))]
    if not wanted:
        raise NotSentError(f"{about.request.id} has none of the pages that were to be pushed.")
    fields = order.fields(record.bundle.name, record.bundle.version, record.language, record.parameters)
    try:
        (to,) = push.targets(delivery.address, [{**fields, "hash": record.key[:8], "id": record.id}])
        pushed = [push.push(about.directory / page.name, to) for page in wanted]
    except (push.TakenError, UsageError) as error:
        raise NotSentError(str(error)) from error
    except (ScrapdbError, OSError) as error:
        raise NotNowError(str(error)) from error
    return ", ".join(each.url for each in pushed)
