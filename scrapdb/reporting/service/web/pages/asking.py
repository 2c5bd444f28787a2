"""The page of a bundle: its form, what is wrong with what was filled in, and what was asked for before."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import msgspec
from starlette.responses import RedirectResponse

from scrapdb.errors import ScrapdbError
from scrapdb.formats import values
from scrapdb.reporting.bundles import parameters
from scrapdb.reporting.bundles.config import is_language
from scrapdb.reporting.bundles.config import wanted
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service import desk
from scrapdb.reporting.service.ledger import listing
from scrapdb.reporting.service.ledger.listing import Filters
from scrapdb.reporting.service.ledger.requests import KeyUsedError
from scrapdb.reporting.service.web import problem
from scrapdb.reporting.service.web import reading
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.api import bundles
from scrapdb.reporting.service.web.api import reports
from scrapdb.reporting.service.web.pages.rendering import language_name
from scrapdb.reporting.service.web.pages.rendering import render
from scrapdb.reporting.service.web.problem import Problem
from scrapdb.reporting.service.web.shapes import LONGEST_SENTENCE
from scrapdb.running.rows.values import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping

    from starlette.responses import Response

    from scrapdb.reporting.bundles.config import Config
    from scrapdb.reporting.bundles.config import Parameter
    from scrapdb.reporting.service.ledger.requests import Request
    from scrapdb.reporting.service.web.call import Call

_PREFIX = "p."  # of fields that are parameters
_PAST = 10
_HTML = {"number": "number", "integer": "number", "date": "date"}


class Field(NamedTuple):
    """A field of the form."""

    id: str
    input: str
    label: str
    type: str
    html: str
    value: str
    required: bool
    choices: tuple[str, ...]
    least: str | None
    greatest: str | None
    step: str
    hint: str
    error: str | None


class Filled(NamedTuple):
    """What is filled in."""

    values: dict[str, str] = {}  # noqa: RUF012 - never changed
    language: str | None = None
    pdf: bool = False
    to: str = ""
    sentence: str | None = None
    meant: str | None = None
    is_new: bool = False  # nobody has filled in anything

    @classmethod
    def of(cls, given: Mapping[str, Any], **rest: Any) -> Filled:
        """Fill in values of JSON."""
        return cls({name: values.plain(value) for name, value in given.items()}, **rest)


def view(call: Call) -> Response:
    """Show the form; the address may fill it in."""
    name, config = _bundle(call)
    asked = dict(call.http.query_params)
    given = {key.removeprefix(_PREFIX): value for key, value in asked.items() if key.startswith(_PREFIX)}
    return page(call, name, config, Filled(given, asked.get("_language"), is_new=not given))


def ask(call: Call) -> Response:
    """Take what was filled in, and go on to the report; or show what is wrong."""
    name, config = _bundle(call)
    filled = _filled(call, config)
    given = {key: Text(value) for key, value in filled.values.items() if value}
    if wrong := parameters.refusals(config, given):
        return page(call, name, config, filled, "This cannot be asked for yet.", errors=wrong)
    wish = desk.Wish(
        bundle=name,
        parameters=dict(given),
        language=filled.language,
        pages=("pdf",) if filled.pdf else (),
        deliver=(Target(to=filled.to),) if filled.to else (),
        key=call.form.get("_once") or None,
        via="sentence" if filled.sentence else "page",
        sentence=filled.sentence,
    )
    try:
        request = asked(call, wish)
    except (Problem, ScrapdbError) as error:
        found = problem.of(error)
        return page(call, name, config, filled, found.sentence, status=found.status, headers=found.headers)
    return RedirectResponse(told.address(request.id), 303)


def asked(call: Call, wish: desk.Wish) -> Request:
    """Ask for what a form says. The same form twice is one report, unless something else is filled in."""
    try:
        return reports.asked(call, wish)[0]
    except KeyUsedError:
        return reports.asked(call, msgspec.structs.replace(wish, key=None))[0]


def page(
    call: Call,
    name: str,
    config: Config,
    filled: Filled,
    wrong: str | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 422,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Show the form as it is filled in, and what is wrong with that."""
    wished = filled.language if filled.language and is_language(filled.language.replace("-", "_")) else None
    codes = list(dict.fromkeys([*config.languages, *filter(None, [wished])]))
    past = listing.listed(call.desk.ledger, Filters(bundle=name), reading.sight(call), limit=_PAST)
    return render(
        call,
        "bundle",
        status if wrong else 200,
        headers,
        name=name,
        config=config,
        fields=list(_fields(config, filled, errors or {})),
        languages={code: language_name(code) for code in codes},
        language=wished or config.languages[0],
        makes_pdf="pdf" in config.outputs,
        pdf=filled.pdf,
        delivers=bool(call.host.recipients),
        to=filled.to,
        sentence=filled.sentence,
        meant=filled.meant,
        wrong=wrong,
        once=secrets.token_urlsafe(12),
        past=past,
        places=listing.places(call.desk.ledger),
        known={name: config},
        schedules=told.schedules(call, name),
        manages=call.may("manage", name),
    )


def _bundle(call: Call) -> tuple[str, Config]:
    listed = bundles.found(call)
    if listed.bundle is None:
        raise Problem(422, told.bundle(call, listed).wrong or "")
    return listed.name, listed.bundle.config


def _filled(call: Call, config: Config) -> Filled:
    form = call.form
    given = {name: form.get(f"{_PREFIX}{name}", "") for name in config.parameters}
    boxes = [name for name, each in config.parameters.items() if each.type == "boolean"]
    return Filled(
        given | {name: "true" if given[name] else "false" for name in boxes},
        language=form.get("_language") or None,
        pdf="_pdf" in form,
        to=form.get("_to", "").strip(),
        sentence=form.get("_sentence", "")[:LONGEST_SENTENCE] or None,
    )


def _fields(config: Config, filled: Filled, errors: Mapping[str, str]) -> Iterator[Field]:
    for number, (name, parameter) in enumerate(config.parameters.items()):
        default = values.plain(parameter.default)
        value = filled.values.get(name, default) if not filled.is_new else default
        least, greatest = parameter.range or (None, None)
        yield Field(
            id=f"field-{number}",
            input=f"{_PREFIX}{name}",
            label=parameter.label or name,
            type=parameter.type,
            html=_HTML.get(parameter.type, "text"),
            value=value,
            required=parameter.is_required,
            choices=tuple(str(choice) for choice in parameter.choices),
            least=None if least is None else str(least),
            greatest=None if greatest is None else str(greatest),
            step="1" if parameter.type == "integer" else "any",
            hint=_hint(parameter),
            error=f"{errors[name].capitalize()}." if name in errors else None,
        )


def _hint(parameter: Parameter) -> str:
    """Say what a field takes, if its looks do not."""
    return wanted(parameter).capitalize() if parameter.range else ""
