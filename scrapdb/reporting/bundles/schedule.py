"""A schedule as config.json, or a command, says it: when reports ask for themselves, and which."""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import Literal

import msgspec
from msgspec import Meta

from scrapdb.reporting.bundles.target import Target


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When reports are asked for by the clock, and which."""

    cron: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="Minute, hour, day of month, month and day of week: `0 7 * * 1`; or @daily, …",
        ),
    ]
    zone: Annotated[
        str | None, Meta(description="Time zone of that: Europe/Madrid; by default that of the service.")
    ] = None
    parameters: Annotated[
        dict[str, Any],
        Meta(
            description="Values by name. Dates may move: `yesterday`, `today - 7 days`; two at once by"
            ' `"from_day..to_day": "last week"`. They are counted from the moment of the schedule.'
        ),
    ] = {}
    languages: Annotated[tuple[str, ...], Meta(description="A report in each; by default the bundle's first.")] = ()
    pages: Annotated[tuple[Literal["html", "pdf"], ...], Meta(description="Kinds of pages, beside the bundle's.")] = ()
    deliver: Annotated[tuple[Target, ...], Meta(description="Where they go, as far as the service allows it.")] = ()
    deliver_if: Annotated[str | None, Meta(description="What their scraps have to meet for that.")] = None
    for_each: Annotated[
        str | tuple[dict[str, Any], ...] | None,
        Meta(
            description="A report for each row: rows, a file of the bundle, `sql:SELECT …` of the store, or an"
            " expression for notebooks of the store. Beside parameters a row may have `language` and `deliver`."
        ),
    ] = None
    catch_up: Annotated[
        Literal["once", "skip"], Meta(description="What becomes of moments at which nothing ran: once for all, or not.")
    ] = "once"
    owner: Annotated[str | None, Meta(description="The asker with whose rights it asks.")] = None


def kept(schedule: Schedule) -> Schedule:
    """Return a schedule as it is read again after it was written down.

    Raises:
        ValueError: it cannot be written down.
    """
    try:
        return msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule)
    except (msgspec.MsgspecError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error
