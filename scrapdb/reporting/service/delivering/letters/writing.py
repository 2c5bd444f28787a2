"""Writing a letter: what became of a report is gathered, and put into our words, or into those of its bundle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.facts import Facts
from scrapdb.notebooks.extract import read_facts
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import archive
from scrapdb.reporting.making import maker
from scrapdb.reporting.making import output
from scrapdb.reporting.making import record as records
from scrapdb.reporting.making.order import Order
from scrapdb.reporting.making.record import Record
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.service import links
from scrapdb.reporting.service.delivering.letters import ours
from scrapdb.reporting.service.delivering.letters import theirs
from scrapdb.reporting.service.delivering.letters import words
from scrapdb.reporting.service.delivering.letters.letter import File
from scrapdb.reporting.service.delivering.letters.letter import Letter
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.deliveries import Delivery
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.running.rows.units import size
from scrapdb.text import valid_text

_MIMES = {"html": "text/html", "pdf": "application/pdf"}
_LISTED = 20  # reports in one letter
_MOST_FIGURES, _LONGEST_FIGURE = 8, 80
_MOST_PICTURES, _SECONDS = 6, 10.0  # of a page, and what it may take to find and draw them
_LONGEST_TRACE, _LONGEST_LOG = 20_000, 5_000  # characters, of the end
_BASE64 = 1.37  # by which a file grows in a message
# What of a letter of ours is written as the language and the bundle's translations have it; of a bundle, only behind a
# wall. The characters between are those that are made for it.
_FACTS = (
    "{% for each in rows %}{{ _(each.label) }}\x1f"
    "{% if each.kind == 'date' %}{{ each.value | date }}{% elif each.kind == 'number' %}{{ each.value | number }}"
    "{% elif each.kind == 'choice' %}{{ _(each.value) }}{% else %}{{ each.value }}{% endif %}\x1e{% endfor %}"
)
_TEMPLATE = "scrapdb-facts.txt"


class Subject(NamedTuple):
    """What a letter is about: the request, the directory, and what there is of record and bundle."""

    request: Request
    directory: Path
    record: Record | None
    bundle: Bundle | None

    @property
    def title(self) -> str:
        """What the report is called, in its language if it was made."""
        if self.record:
            return self.record.title
        return self.bundle.config.title if self.bundle else self.request.bundle


def subject(desk: Desk, id_: str) -> Subject:
    """Gather what is known of a request.

    Raises:
        NotSentError: there is none any more.
    """
    request = requests.get(desk.ledger, id_)
    if request is None:
        raise NotSentError(f"There is no request {id_} any more.")
    directory, record = desk.reports / id_, None
    with suppress(ScrapdbError):
        record = records.read(directory)
    return Subject(request, directory, record, bundle(desk, request))


def bundle(desk: Desk, request: Request) -> Bundle | None:
    """Return the bundle of a request as it was then; if it is not kept any more, as it is now; None if it is gone."""
    with suppress(ScrapdbError):
        return _kept(request.bundle_hash, desk.reports, request.bundle)
    with suppress(ScrapdbError):
        return desk.catalogue.get(request.bundle)
    return None


@lru_cache(maxsize=4)
def _kept(digest: str, reports: Path, name: str) -> Bundle:
    return archive.kept(digest, reports, "", name)


def written(desk: Desk, group: Sequence[Delivery], largest: int) -> Letter:
    """Write one letter for deliveries to the same address; only what failed comes in groups.

    Args:
        desk: where it was asked for.
        group: the first gives the language.
        largest: bytes that it may have.

    Raises:
        NotSentError: there is nothing of which it could tell.
        ScrapdbError: a link cannot be signed.
    """
    about = subject(desk, group[0].request)
    if group[0].letter == "report":
        return _of_report(desk, group[0], about, largest)
    others = [subject(desk, each.request) for each in group[1:_LISTED]]
    make = {"failure": _failure, "trace": _trace, "undelivered": _undelivered}[group[0].letter]
    told = make(about, [about, *others], group)
    template = None if group[0].letter == "undelivered" else f"letter-{group[0].letter}"
    return _made(about, group[0], told, template)


def _of_report(desk: Desk, delivery: Delivery, about: Subject, largest: int) -> Letter:
    """Write the letter that brings a report.

    Raises:
        NotSentError: its pages are gone.
    """
    if about.record is None or about.record.state != "completed":
        raise NotSentError(f"There is no page of {about.request.id} any more.")
    language, wish = about.request.language, delivery.options.wish
    wished = wish.attach if wish else ("html",)
    files = tuple(_attached(about, [kind for kind in wished if kind != "link"]))
    shown = _pictures(_page(about))
    remarks = [delivery.options.remark] if delivery.options.remark else []
    if too_large := sum(len(each.content) for each in (*files, *shown)) * _BASE64 > largest:
        files = ()
        remarks.append(words.said(words.TOO_LARGE, language))
    if sum(len(each.content) for each in shown) * _BASE64 > largest:
        shown = ()
    is_there = {kind for kind in _MIMES if (about.directory / records.PAGES[kind]).is_file()}
    wants_link = too_large or "link" in wished or not is_there.issuperset(wished)
    told = ours.Told(
        title=about.title,
        language=language,
        opening=words.said(words.ATTACHED, language) if files else "",
        remarks=tuple(remarks),
        link=links.made(desk, about.request, f"{delivery.target}:{delivery.address}") if wants_link else None,
        foot=about.request.id,
    )
    return _made(about, delivery, told, wish.template if wish else None, files=files, shown=shown)


def _made(
    about: Subject,
    delivery: Delivery,
    told: ours.Told,
    template: str | None,
    *,
    files: tuple[File, ...] = (),
    shown: tuple[File, ...] = (),
) -> Letter:
    """Make a letter by the bundle's template, or by ours if there is none or it is wrong."""
    known: dict[str, Any] = {"files": files, "link": told.link, "about": _for_programs(about, delivery, told)}
    if found := theirs.templates(about.bundle, template):
        given: dict[str, Any] = {
            "kind": delivery.letter,
            "link": told.link,
            "sentence": told.opening,
            "reason": told.fault,
        }
        given |= {"title": told.title, "others": list(told.others), "remarks": list(told.remarks)}
        try:
            made = theirs.written(_page_of(about, delivery), found, {**given, "files": [each.name for each in files]})
            known |= {"text": made.text, "html": made.html, "pictures": _named(made.pictures)}
            return Letter(subject=made.title or told.title, **known)
        except ScrapdbError as error:
            told = replace(told, remarks=(*told.remarks, f"{', '.join(found.values())} cannot be used: {error}"))
    elif template and delivery.letter == "report":
        told = replace(told, remarks=(*told.remarks, f"The bundle has no {template}.html and no {template}.txt."))
    if delivery.letter in {"report", "failure"}:
        told = _with_facts(about, delivery, told)
    return Letter(subject=told.title, text=ours.text(told), html=ours.html(told, shown), pictures=shown, **known)


def _failure(about: Subject, every: Sequence[Subject], group: Sequence[Delivery]) -> ours.Told:
    """Tell who asked, in a sentence, what became of it."""
    language = about.request.language
    sentence = {"skipped": words.SKIPPED, "cancelled": words.CANCELLED}.get(about.request.state, words.FAILED)
    return ours.Told(
        title=words.said(sentence, language, title=about.title) + _count(group),
        language=language,
        opening=words.said(words.SEVERAL, language, count=len(group)) if group[1:] else "",
        fault=about.request.reason or about.request.state,
        others=_listed(every, group, language),
        foot=about.request.id,
    )


def _trace(about: Subject, every: Sequence[Subject], group: Sequence[Delivery]) -> ours.Told:
    """Tell the author what went wrong, with all that is known of it."""
    request, record = about.request, about.record
    trace = record.trace if record else None
    where = f"Cell {trace.cell}" if trace and trace.cell is not None else (trace.file if trace else None) or "Template"
    parts = {
        where: trace.source if trace else None,
        "Trace": _end(trace.traceback, _LONGEST_TRACE) if trace else None,
        "The end of the log": _end(trace.log or "", _LONGEST_LOG) if trace else None,
    }
    version = about.bundle.config.version if about.bundle else "?"
    facts = {
        "Report": request.id,
        "Bundle": f"{request.bundle} {version} ({request.bundle_hash[:12]})",
        "Parameters": _values(request.parameters),
        "Language": request.language,
        "Asked for by": f"{request.asker} ({request.schedule or request.via}) at {request.asked_at}",
        "Attempt": str(request.attempt),
        "Host": (record.host or "") if record else "",
    }
    opening = f"{len(group):,} reports could not be made:" if group[1:] else ""
    return ours.Told(
        title=f"{about.title}: {request.state}{_count(group)}",
        language="en",
        opening=opening or group[0].options.remark or "",
        fault=request.reason or "",
        facts=tuple((name, value) for name, value in facts.items() if value),
        others=_listed(every, group, "en"),
        parts=tuple((heading, text) for heading, text in parts.items() if text),
    )


def _undelivered(about: Subject, every: Sequence[Subject], group: Sequence[Delivery]) -> ours.Told:
    """Tell the author that a report did not reach somebody."""
    return ours.Told(
        title=f"{about.title}: not delivered{_count(group)}",
        language="en",
        fault=group[0].options.remark or "",
        facts=(("Report", about.request.id), ("Parameters", _values(about.request.parameters))),
        others=_listed(every, group, "en"),
        remarks=(f"`scrapdb report deliver {about.request.id}` sends it again.",),
    )


def _count(group: Sequence[Delivery]) -> str:
    return f" ({len(group):,})" if group[1:] else ""


def _listed(every: Sequence[Subject], group: Sequence[Delivery], language: str) -> tuple[str, ...]:
    """List the reports of a group, as many as one reads."""
    if not group[1:]:
        return ()
    shown = [f"{each.request.id}: {_values(each.request.parameters)}{_differing(each, every[0])}" for each in every]
    more = len(group) - len(shown)
    return (*shown, *((words.said(words.MORE, language, count=f"{more:,}"),) if more else ()))


def _differing(about: Subject, first: Subject) -> str:
    is_same = about.request.reason == first.request.reason
    return "" if is_same else f" – {about.request.reason or about.request.state}"


def _values(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items()) or "no parameters"


def _end(text: str | None, most: int) -> str | None:
    return text if not text or len(text) <= most else f"…{text[-most:]}"


def _pictures(page: bytes) -> tuple[File, ...]:
    """Return the first pictures of a page; without them where that cannot be done, since the page has them."""
    if b"<svg" in page or b"data:image" in page:
        with suppress(ScrapdbError):
            return _named(rendered.letter(page, _MOST_PICTURES, seconds=_SECONDS).pictures)
    return ()


def _named(pictures: Sequence[Image]) -> tuple[File, ...]:
    """Return pictures by the names by which a letter shows them."""
    return tuple(
        File(name=f"chart{number}@scrapdb", mime=each.mime, content=each.content, alt=each.alt)
        for number, each in enumerate(pictures, 1)
    )


def _page(about: Subject) -> bytes:
    try:
        return (about.directory / records.PAGES["html"]).read_bytes()
    except OSError as error:
        raise NotSentError(f"The page of {about.request.id} cannot be read: {error.strerror}.") from error


def _attached(about: Subject, kinds: Sequence[str]) -> Iterator[File]:
    for kind in kinds:
        with suppress(OSError):
            content = (about.directory / records.PAGES[kind]).read_bytes()
            yield File(name=f"{about.request.id}.{kind}", mime=_MIMES[kind], content=content)


def _page_of(about: Subject, delivery: Delivery) -> Page:
    """Return what templates of a bundle are given, which is what its page is made of.

    Raises:
        ScrapdbError: what the notebook left cannot be used.
    """
    bundle, request = about.bundle, about.request
    assert bundle  # noqa: S101 - it has the template
    order = Order(
        id=request.id,
        directory=about.directory,
        bundle=bundle,
        parameters=request.parameters,
        language=request.language,
    )
    if delivery.letter != "report":
        execution = Execution(state="failed", ended_at=request.ended_at)
        return maker.page_of(order, output.Output({}), maker.Ran(execution, Facts(status="failed")))
    facts = _facts(about)
    found = _found(about, facts)
    return maker.page_of(order, found, maker.Ran(facts.execution or Execution(state="completed"), facts))


def _facts(about: Subject) -> Facts:
    try:
        return read_facts((about.directory / records.NOTEBOOK).read_bytes())
    except OSError as error:
        raise ScrapdbError(f"{records.NOTEBOOK} of {about.request.id} cannot be read: {error.strerror}.") from error


def _found(about: Subject, facts: Facts) -> output.Output:
    assert about.bundle  # noqa: S101 - whoever asks has looked
    bounds = about.bundle.config.limits
    return output.read(about.directory, facts.scraps, size(bounds.output), size(bounds.page))


def _with_facts(about: Subject, delivery: Delivery, told: ours.Told) -> ours.Told:
    """Add what was asked for, and of a report its figures, as the language writes them."""
    if about.bundle is None:
        plain = tuple((name, str(value)) for name, value in about.request.parameters.items())
        return replace(told, facts=plain)
    given = about.request.parameters
    names = [name for name in about.bundle.config.parameters if name in given]
    asked = [_row(name, given[name], about.bundle) for name in dict.fromkeys((*names, *given))]
    figures = list(_figures(about)) if delivery.letter == "report" else []
    rows = [*asked, *figures]
    if delivery.letter == "report" and rows:
        written_ = _in_language(about, rows)
    else:
        written_ = [(row["label"], str(row["value"])) for row in rows]
    return replace(told, facts=tuple(written_[: len(asked)]), figures=tuple(written_[len(asked) :]))


def _row(name: str, value: Any, bundle: Bundle) -> dict[str, Any]:
    known = bundle.config.parameters.get(name)
    kind = known.type if known and known.type in {"date", "number", "choice"} else "text"
    shown = value if kind in {"date", "number"} else str(value)
    return {"label": known.label if known and known.label else name, "value": shown, "kind": kind}


def _figures(about: Subject) -> Iterator[dict[str, Any]]:
    """Yield the numbers that a report found, the first of them."""
    with suppress(ScrapdbError):
        context = _found(about, _facts(about)).context
        numbers = ((name, value) for name, value in context.items() if _is_figure(name, value, about))
        for name, value in [*numbers][:_MOST_FIGURES]:
            yield {"label": valid_text(name), "value": value, "kind": "number"}


def _is_figure(name: str, value: Any, about: Subject) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return is_number and name not in about.request.parameters and len(name) <= _LONGEST_FIGURE


def _in_language(about: Subject, rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Write labels and values in the language of the report; as they are if that cannot be done."""
    assert about.bundle  # noqa: S101 - whoever asks has looked
    files = {path: content for path, content in about.bundle.files.items() if path.startswith("languages/")}
    page = Page(
        template=_TEMPLATE,
        files={**files, _TEMPLATE: _FACTS.encode()},
        language=about.request.language,
        context={"rows": list(rows)},
    )
    with suppress(ScrapdbError):
        lines = rendered.text(page).split("\x1e")[:-1]
        return [(label, value) for label, _, value in (line.partition("\x1f") for line in lines)]
    return [(row["label"], str(row["value"])) for row in rows]


def _for_programs(about: Subject, delivery: Delivery, told: ours.Told) -> dict[str, Any]:
    request, record = about.request, about.record
    known: dict[str, Any] = {
        "id": request.id,
        "bundle": request.bundle,
        "title": about.title,
        "parameters": request.parameters,
        "language": request.language,
        "state": request.state,
        "reason": request.reason,
        "asked_at": request.asked_at,
        "ended_at": request.ended_at,
    }
    known["link"] = told.link
    known["others"] = list(told.others)
    if delivery.letter == "undelivered":
        known["reason"] = told.fault
    if delivery.letter == "trace" and record and record.trace:
        known["trace"] = {"name": record.trace.name, "value": record.trace.value, "traceback": record.trace.traceback}
    return known
