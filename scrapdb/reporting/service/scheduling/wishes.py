"""What a schedule asks for at a moment: a request for each row and language, or in a sentence why there is none."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service import desk as desks
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.ledger.schedules import Scheduled
from scrapdb.reporting.service.scheduling import moving
from scrapdb.running.rows import grid
from scrapdb.running.rows import tables
from scrapdb.running.rows import values
from scrapdb.running.rows.parameters import canonical
from scrapdb.text import valid_text

_SQL = "sql:"
_LANGUAGE, _DELIVER = "language", "deliver"  # columns of a row that are no parameters
_FILES = (".csv", ".tsv", ".json", ".jsonl")  # those that are read without harm, whoever wrote them
_log = logging.getLogger("scrapdb.service")
_MOST = 1_000  # rows


class Asked(NamedTuple):
    """What is asked for at a moment, and what of it is refused, as requests that have ended in an error."""

    requests: list[Request]
    refused: list[Request]


def asked(desk: Desk, who: Person, scheduled: Scheduled, moment: dt.datetime) -> Asked:
    """Return what a schedule asks for; what is wrong with one row keeps no other from being asked for.

    Args:
        desk: of the service.
        who: its owner.
        scheduled: the schedule.
        moment: for which it asks, in its zone.
    """
    found, refused = dict[str, Request](), list[Request]()
    try:
        bundle = desks.bundle_for(desk, who, scheduled.bundle)
        rows = _rows(desk, bundle, scheduled)
    except Exception as error:  # noqa: BLE001 - rows and bundles are of strangers; no other schedule waits for them
        return Asked([], [_refused(scheduled, {}, None, moment, _why(error))])
    for row in rows:
        for wish in _wishes(scheduled, bundle, row, moment):
            try:
                given = moving.settled(bundle.config, wish.parameters, moment)
                request = desks.prepared(
                    desk, who, msgspec.structs.replace(wish, parameters=_taken(bundle, given, moment))
                )
            except Exception as error:  # noqa: BLE001 - as above
                refused.append(_refused(scheduled, wish.parameters, wish.language, moment, _why(error)))
                continue
            same = canonical({_LANGUAGE: request.language, "given": request.parameters})
            found[same] = _both(found[same], request) if same in found else request
    return Asked([*found.values()], refused)


def _rows(desk: Desk, bundle: Bundle, scheduled: Scheduled) -> list[dict[str, Any]]:
    """Return the rows that a schedule asks for.

    Raises:
        ScrapdbError: they cannot be read, or there are too many.
    """
    source = scheduled.definition.for_each
    if source is None:
        return [{}]
    found = list(source) if not isinstance(source, str) else _read(desk, bundle, scheduled, source)
    if len(found) > (most := min(_MOST, desk.host.waiting)):
        raise UsageError(f"{scheduled.name} asks for {len(found):,} rows at once; {most:,} are the most.")
    return found


def _read(desk: Desk, bundle: Bundle, scheduled: Scheduled, source: str) -> list[dict[str, Any]]:
    if source.lower().endswith(_FILES) and not source.startswith(_SQL):
        if source not in bundle.files:
            raise UsageError(f"{scheduled.bundle} has no file {source}, for the rows of {scheduled.name}.")
        return tables.read(bundle.files[source], source)
    if source in bundle.files:
        raise UsageError(f"{scheduled.name} has its rows in {source}; they are read from {', '.join(_FILES)}.")
    if scheduled.source == "config" and (desk.host.askers or desk.host.rules):
        # Who writes a bundle may not read what others have in the store.
        raise UsageError(f"{scheduled.name} asks the store, which no bundle may here: add it by a command.")
    if source.startswith(_SQL):
        return grid.read(source, desk.store)
    return grid.for_each(desk.store, source, [*bundle.config.parameters] or None)


def _wishes(scheduled: Scheduled, bundle: Bundle, row: Mapping[str, Any], moment: dt.datetime) -> Iterator[Wish]:
    definition, own = scheduled.definition, bundle.config.parameters
    language = row.get(_LANGUAGE) if _LANGUAGE not in own else None
    aside = {name for name in (_LANGUAGE, _DELIVER) if name not in own}
    given = {name: value for name, value in row.items() if name not in aside}
    for each in (str(language),) if language else definition.languages or (bundle.config.languages[0],):
        yield Wish(
            bundle=scheduled.bundle,
            parameters={**_others(definition.parameters, given), **given},
            language=each,
            pages=definition.pages,
            deliver=_targets(definition.deliver, row.get(_DELIVER) if _DELIVER in aside else None),
            deliver_if=definition.deliver_if,
            via="schedule",
            schedule=scheduled.name,
            scheduled_for=ledger.written(moment),
        )


def _others(parameters: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a row says otherwise."""
    return {name: value for name, value in parameters.items() if not set(name.split("..")) & given.keys()}


def _targets(common: tuple[Target, ...], own: Any) -> tuple[Target, ...]:
    """Return where a report goes: where all of the schedule do, and where its row says, in texts or targets."""
    texts = own.split(",") if isinstance(own, str) else own if isinstance(own, list) else [own] if own else []
    try:
        ours = [
            msgspec.convert(each if isinstance(each, dict) else {"to": str(each).strip()}, Target)
            for each in texts
            if each and str(each).strip()
        ]
    except msgspec.ValidationError:
        ours = [Target(to=str(own))]  # which nobody allows
    return tuple(dict.fromkeys((*common, *ours)))


def _taken(bundle: Bundle, given: dict[str, Any], moment: dt.datetime) -> dict[str, Any]:
    """Add the moment, if config.json leaves parameters to the notebook, and that takes it."""
    if bundle.config.parameters or moving.MOMENT in given:
        return given
    from scrapdb.running.rows import parameters as signatures  # heavy

    signature = signatures.of(bundle.files[NOTEBOOK], bundle.config.kernel)
    taken = signature.named(moving.MOMENT)
    return {**given, taken: moment.isoformat()} if taken in signature.parameters else given


def _both(one: Request, two: Request) -> Request:
    """Return one request of two for the same report, which goes where each of them was to go."""
    return msgspec.structs.replace(one, deliver=tuple(dict.fromkeys((*one.deliver, *two.deliver))))


def _refused(
    scheduled: Scheduled, given: Mapping[str, Any], language: str | None, moment: dt.datetime, why: str
) -> Request:
    """Return a request that has ended before it began, so that its owner is told like of any other."""
    return Request(
        id=f"{scheduled.bundle}-{secrets.token_hex(4)}",
        bundle=scheduled.bundle,
        bundle_hash="",
        parameters={valid_text(name): _plain(value) for name, value in given.items()},
        language=valid_text(language or "en"),
        asker=scheduled.owner,
        via="schedule",
        schedule=scheduled.name,
        scheduled_for=ledger.written(moment),
        state="error",
        reason=valid_text(why),
        ended_at=ledger.now(),
    )


def _why(error: Exception) -> str:
    if isinstance(error, ScrapdbError | OSError):
        return str(error)
    _log.warning("a schedule cannot ask", exc_info=error)
    return f"It cannot be asked for: {type(error).__name__}: {error}"


def _plain(value: Any) -> Any:
    try:
        made = values.plain(value)
        msgspec.json.encode(made)
    except (values.RefusedError, ValueError, TypeError, RecursionError):
        return valid_text(str(value))
    return made.isoformat() if isinstance(made, dt.date | dt.time) else made
