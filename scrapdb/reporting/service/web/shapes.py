"""What the API takes and gives. Of these, and of nothing else, its description is made."""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import Literal

import msgspec
from msgspec import Meta

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.ledger.listing import Delivery
from scrapdb.reporting.service.ledger.requests import State

PageKind = Literal["html", "pdf"]
LONGEST_SENTENCE = 500
_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Language = Annotated[str | None, Meta(description="Of the page; by default the first that the bundle has.")]
_If = Annotated[str | None, Meta(description="An expression that its scraps have to meet to be sent.")]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report that is asked for."""

    bundle: Annotated[_Name, Meta(description="Name of the bundle.")]
    parameters: Annotated[dict[str, Any], Meta(description="Values by name.")] = {}
    language: _Language = None
    pages: Annotated[
        tuple[PageKind, ...], Meta(max_length=2, description="Kinds of pages beside those that the bundle makes.")
    ] = ()
    deliver: Annotated[tuple[Target, ...], Meta(max_length=20, description="Where it is to go.")] = ()
    deliver_if: _If = None


class Sentence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report that is asked for in a sentence."""

    sentence: Annotated[
        str, Meta(min_length=1, max_length=LONGEST_SENTENCE, description="north sales from 2025-01-01 to 2025-02-01")
    ]
    language: _Language = None
    deliver: Annotated[tuple[Target, ...], Meta(max_length=20, description="Where it is to go.")] = ()
    deliver_if: _If = None
    only_meaning: Annotated[bool, Meta(description="Tell what is meant, and ask for nothing.")] = False


class Links(msgspec.Struct, frozen=True, kw_only=True, rename={"itself": "self"}, omit_defaults=True):
    """Addresses of what there is of a report."""

    itself: str
    html: str | None = None
    pdf: str | None = None
    output: str | None = None
    log: str | None = None
    trace: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was asked for, and what has become of it."""

    id: str
    bundle: str
    parameters: dict[str, Any]
    language: str
    pages: tuple[str, ...]
    asker: str
    via: Annotated[str, Meta(description="Where it was asked for.")]
    sentence: Annotated[str | None, Meta(description="What was typed.")]
    schedule: Annotated[str | None, Meta(description="Name of the schedule that asked for it.")]
    state: State
    reason: Annotated[str | None, Meta(description="Why, in a sentence.")]
    position: Annotated[int | None, Meta(description="Place in the queue, from 1; null if it does not wait.")]
    attempt: Annotated[int, Meta(description="Which one it is, from 1.")]
    cell: Annotated[int | None, Meta(description="Which code cell is under way, from 1.")]
    cells: Annotated[int | None, Meta(description="How many there are.")]
    asked_at: str
    started_at: str | None
    ended_at: str | None
    links: Links
    deliveries: tuple[Delivery, ...] = ()
    output: Annotated[
        dict[str, Any] | None, Meta(description="What it found, if it was waited for and is completed.")
    ] = None


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list of reports, the last first."""

    reports: list[Report]
    next: Annotated[str | None, Meta(description="Address of the next page; null on the last.")] = None


class Which(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which reports are listed."""

    bundle: Annotated[str | None, Meta(description="Of this bundle.")] = None
    state: Annotated[State | None, Meta(description="In this state.")] = None
    asker: Annotated[str | None, Meta(description="That somebody asked for.")] = None
    language: Annotated[str | None, Meta(description="In this language.")] = None
    schedule: Annotated[str | None, Meta(description="That this schedule asked for.")] = None
    open: Annotated[bool, Meta(description="That are not over.")] = False
    limit: Annotated[int, Meta(ge=1, le=200, description="At most so many.")] = 50
    after: Annotated[_Name | None, Meta(description="Where a page begins, as next says it.")] = None


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle of which reports can be asked for."""

    name: str
    title: str
    description: str | None = None
    version: str | None
    languages: tuple[str, ...]
    asks: Annotated[tuple[str, ...], Meta(description="Sentences by which it is asked for.")]
    is_broken: Annotated[bool, Meta(description="Whether it cannot be made at the moment.")] = False
    wrong: Annotated[str | None, Meta(description="Why, for who may manage it.")] = None
    parameters: Annotated[
        dict[str, Any] | None, Meta(description="JSON schema of its parameters; only of a single bundle.")
    ] = None


class Bundles(msgspec.Struct, frozen=True, kw_only=True):
    """The bundles of which somebody may ask for reports."""

    bundles: list[Bundle]


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence means."""

    bundle: str
    parameters: dict[str, Any]
    language: str | None
    told: Annotated[str, Meta(description="In words.")]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence means, and the report that was asked for by it, unless only the meaning was wanted."""

    meaning: Meaning
    report: Report | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service works."""

    status: Literal["ok"] = "ok"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot be done (RFC 9457)."""

    title: str
    status: int
    detail: Annotated[str, Meta(description="A sentence for people.")]
    type: str = "about:blank"
    fields: Annotated[dict[str, str] | None, Meta(description="What is wrong with parameters, by name.")] = None
    nearest: Annotated[list[str] | None, Meta(description="Sentences that would be understood.")] = None
