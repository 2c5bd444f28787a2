"""`deliver_if`: whether a report is worth sending, by what it found and what the one before it found.

The expression is one of the query language, and answered by it: of a store of its own, in which the names of the report
before are those of its scraps with `previous.` in front. What is missing there makes an expression neither true nor
false. A report is kept back only if its condition is certainly false: what cannot be judged is sent, and it is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from scrapdb.database.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.errors import ScrapdbError
from scrapdb.facts import Decoded
from scrapdb.facts import Facts
from scrapdb.facts import Place
from scrapdb.notebooks.extract import read_facts
from scrapdb.query import nodes
from scrapdb.query import parser
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import output
from scrapdb.reporting.making import record as records
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.running.rows.units import size
from scrapdb.store.rows import File
from scrapdb.store.rows import rows
from scrapdb.store.write import Writer

_BEFORE = "previous"
_OF_REPORT, _OF_NAMES = "report", "names"  # paths in the store
_MOST_TOLD, _LONGEST = 5, 60  # values in a sentence, and characters of one


class Verdict(NamedTuple):
    """Why a report is kept back, if it is, or what is to be said where it is sent; in sentences."""

    why_not: str | None = None
    remark: str | None = None


SENT = Verdict()
_UNJUDGED = "It was sent since its condition cannot be judged:"


def judged(desk: Desk, request: Request, bundle: Bundle | None, condition: str) -> Verdict:
    """Judge a report that is completed by an expression over its scraps."""
    dates = {name for name, each in bundle.config.parameters.items() if each.type == "date"} if bundle else set[str]()
    before = requests.previous(desk.ledger, request, apart=dates if request.schedule else set())
    try:
        now = _facts(desk, request, bundle)
        then = _facts(desk, before, bundle) if before else None
        return _judged(condition, now, then)
    except ExpressionError as error:
        return Verdict(remark=f"{_UNJUDGED} {error.message.rstrip('.')}.")
    except ScrapdbError as error:
        return Verdict(remark=f"{_UNJUDGED} {error}")
    except Exception as error:  # noqa: BLE001 - a notebook may hold anything, and no report is lost for it
        return Verdict(remark=f"{_UNJUDGED} {type(error).__name__}: {error}.")


def _judged(condition: str, now: Facts, then: Facts | None) -> Verdict:
    """Ask whether a condition holds for what was found now, and then.

    Raises:
        ExpressionError: it is wrong, or names something that neither has.
        ScrapdbError: the store for it cannot be written.
    """
    asked = parser.parse(condition)
    before = tuple(_named(then or now))
    with TemporaryDirectory(prefix="scrapdb-") as directory:
        path = Path(directory, "scraps.db")
        with Writer(path) as writer:
            both = replace(now, scraps=(*now.scraps, *before)) if then else now
            # Names that only another notebook has are known, and missing.
            writer.write([rows(File(_OF_REPORT), both), rows(File(_OF_NAMES), Facts("completed", scraps=before))])
        store = Database(path)
        if _is_among(store, f"not ({asked})"):
            return Verdict(why_not=f"{condition} does not hold{_told(asked, both)}")
        if _is_among(store, str(asked)) or (then is None and _names_before(asked)):
            return SENT
    return Verdict(remark=f"{_UNJUDGED} something in {condition} is missing.")


def _is_among(store: Database, expression: str) -> bool:
    return any(row[0] == _OF_REPORT for row in store.query(expression, "nb.path").rows())


def _facts(desk: Desk, request: Request, bundle: Bundle | None) -> Facts:
    """Return what a report found, as its template was given it: what is in output.json counts before scraps.

    Raises:
        ScrapdbError: that cannot be read.
    """
    directory = desk.reports / request.id
    try:
        found = read_facts((directory / records.NOTEBOOK).read_bytes())
    except OSError as error:
        raise ScrapdbError(f"{records.NOTEBOOK} of {request.id} cannot be read: {error.strerror}.") from error
    path = directory / output.NAME
    if bundle is None or not path.is_file() or path.stat().st_size > size(bundle.config.limits.output):
        return found
    said = output.of_json(path.read_bytes(), [])
    own = tuple(_scrap(name, value) for name, value in said.items())
    return replace(found, scraps=(*(each for each in found.scraps if each.name not in said), *own))


def _named(then: Facts) -> Iterator[Decoded]:
    """Yield the scraps of the report before, and its parameters, as they are called in a condition."""
    for scrap in then.scraps:
        yield replace(scrap, name=f"{_BEFORE}.{scrap.name}")
    names = {scrap.name for scrap in then.scraps}
    yield from (_scrap(f"{_BEFORE}.{each.name}", each.value) for each in then.parameters if each.name not in names)


def _scrap(name: str, value: Any) -> Decoded:
    return Decoded(name=name, encoder="json", place=Place(0, 0), value=value)


def _names_before(asked: nodes.Node) -> bool:
    return any(isinstance(node, nodes.Name) and node.name == _BEFORE for node, _ in nodes.walk(asked))


def _told(asked: nodes.Node, now: Facts) -> str:
    """Say which values were found for the names of a condition."""
    known = {each.name: each.value for each in now.parameters} | {each.name: each.value for each in now.scraps}
    names = dict.fromkeys(str(node) for node, _ in nodes.walk(asked) if isinstance(node, nodes.Name))
    told = [f"{name} is {_shown(known[name])}" for name in names if isinstance(known.get(name, UNSET), _PLAIN)]
    return f": {', '.join(told[:_MOST_TOLD])}" if told else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_PLAIN = (bool, int, float, str)
