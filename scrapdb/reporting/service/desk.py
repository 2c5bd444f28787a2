"""The desk at which reports are asked for: the one way from a wish, wherever it came from, into the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any
from typing import NamedTuple

import msgspec

from scrapdb.errors import ExpressionError
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.query.parser import parse
from scrapdb.reporting.bundles import parameters
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.config import is_language
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.making import archive
from scrapdb.reporting.service import access
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import written
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.ledger.requests import Via
from scrapdb.reporting.service.recipients import check_recipient

_PAGES = ("html", "pdf")
_MINUTE = timedelta(minutes=1)


class Desk(NamedTuple):
    """What a service has: its settings, its bundles, its ledger, the directory of reports, and the store."""

    host: Host
    catalogue: Catalogue
    ledger: Ledger
    reports: Path
    store: Path


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A report as somebody wishes it, of which nothing is checked yet.

    Args:
        bundle: its name in the catalogue.
        parameters: by name, of JSON, or `running.rows.values.Text` as somebody typed them.
        language: by default the first that the bundle has.
        pages: kinds of pages beside those that the bundle makes.
        deliver: where it is to go.
        deliver_if: an expression over its scraps.
        key: of idempotency.
        via: where it came from.
        sentence: what was typed.
        reply: how to answer there.
        schedule: which one asks.
        scheduled_for: its moment, as the ledger has it.
    """

    bundle: str
    parameters: dict[str, Any] = {}
    language: str | None = None
    pages: tuple[str, ...] = ()
    deliver: tuple[Target, ...] = ()
    deliver_if: str | None = None
    key: str | None = None
    via: Via = "api"
    sentence: str | None = None
    reply: dict[str, Any] | None = None
    schedule: str | None = None
    scheduled_for: str | None = None


class ForbiddenError(ScrapdbError):
    """Whoever asks may not."""


class TooManyError(ScrapdbError):
    """Somebody asks for too much at once, or too many wait; `seconds` says when to try again."""

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


def ask(desk: Desk, who: Person, wish: Wish, address: str | None = None) -> tuple[Request, bool]:
    """Write a wish into the ledger as a request, and return it, and whether it is new.

    Args:
        desk: where it is asked for.
        who: with whose rights.
        wish: what.
        address: from where, for the audit.

    Raises:
        UsageError: there is no such bundle for him, or a parameter, a language, a page or a target is wrong.
        ExpressionError: `deliver_if` is none.
        ForbiddenError: the report may not go to one of the addresses.
        TooManyError: he asks for too much at once, or too many wait.
        KeyUsedError: the key stands for another report.
    """
    try:
        request = _request(desk, who, wish)
        with desk.ledger.writing():  # all of it or nothing, and nobody else asks between counting and adding
            _check_rate(desk, who)
            request, new = _added(desk, request)
            if new:
                audit.write(desk.ledger, who.name, wish.via, "ask", request=request.id, address=address)
    except ScrapdbError as error:
        audit.write(desk.ledger, who.name, wish.via, "refuse", detail=f"{wish.bundle}: {error}", address=address)
        raise
    return request, new


def prepared(desk: Desk, who: Person, wish: Wish) -> Request:
    """Return the request that a wish would be; errors are those of `ask`, but for how many there are."""
    return _request(desk, who, wish)


def bundle_for(desk: Desk, who: Person, name: str) -> Bundle:
    """Return a bundle of which somebody may ask for reports; to others there is none.

    Raises:
        UsageError: there is none for him.
    """
    known = [listed.name for listed in desk.catalogue.all() if access.may(desk.host, who, "ask", listed.name)]
    if name not in known:
        raise UsageError(f"There is no report {name!r} for {who.name}.{_there_is(known)}")
    return desk.catalogue.get(name)


def _request(desk: Desk, who: Person, wish: Wish) -> Request:
    bundle = bundle_for(desk, who, wish.bundle)
    typed = parameters.typed(bundle.config, wish.parameters)
    language = wish.language or bundle.config.languages[0]
    if not is_language(language.replace("-", "_")):
        raise UsageError(f"There is no language {language!r}; {wish.bundle} has {', '.join(bundle.config.languages)}.")
    if unknown := [page for page in wish.pages if page not in _PAGES]:
        raise UsageError(f"There is no page {unknown[0]!r}; there is {' and '.join(_PAGES)}.")
    for target in wish.deliver:
        check_recipient(desk.host, target)
    if wish.deliver_if is not None:
        _check_condition(wish.deliver_if)
    archive.keep(bundle, desk.reports)
    attached = [kind for target in (*bundle.config.deliver, *wish.deliver) for kind in target.attach if kind != "link"]
    return Request(
        id=f"{wish.bundle}-{secrets.token_hex(4)}",
        bundle=wish.bundle,
        bundle_hash=bundle.hash,
        parameters=typed,
        language=language,
        pages=tuple(dict.fromkeys((*bundle.config.outputs, *wish.pages, *attached))),
        asker=who.name,
        via=wish.via,
        sentence=wish.sentence,
        reply=wish.reply,
        key=wish.key,
        schedule=wish.schedule,
        scheduled_for=wish.scheduled_for,
        deliver=wish.deliver,
        deliver_if=wish.deliver_if,
    )


def _check_condition(condition: str) -> None:
    try:
        parse(condition)
    except ExpressionError as error:
        raise UsageError(f"The condition {condition!r} cannot be read: {error.message.rstrip('.')}.") from error


def _added(desk: Desk, request: Request) -> tuple[Request, bool]:
    try:
        return requests.add(desk.ledger, request, most=desk.host.waiting)
    except requests.QueueFullError as error:
        raise TooManyError(str(error), 60) from error


def _check_rate(desk: Desk, who: Person) -> None:
    since = written(datetime.now(UTC) - _MINUTE)
    if requests.asked_since(desk.ledger, who.name, since) >= desk.host.rate:
        raise TooManyError(f"{who.name} has asked for {desk.host.rate} reports within a minute; wait a little.", 60)


def _there_is(known: Mapping[str, Any] | list[str]) -> str:
    return f" There is {', '.join(known)}." if known else ""
