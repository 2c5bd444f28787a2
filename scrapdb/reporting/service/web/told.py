"""Reports and bundles as the API tells them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from scrapdb.reporting import directory
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.config import Config
from scrapdb.reporting.bundles.config import Parameter
from scrapdb.reporting.service.catalogue import Listed
from scrapdb.reporting.service.ledger import listing
from scrapdb.reporting.service.ledger.listing import Schedule
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.web import reading
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web.call import Call

_JSON = {"text": "string", "number": "number", "integer": "integer", "boolean": "boolean", "date": "string"}
NOT_NOW = "It cannot be made at the moment."


def address(id_: str, *parts: str) -> str:
    """Return the address of a report, or of something of it."""
    return "/".join(["/reports", *(quote(part, safe="") for part in (id_, *parts))])


def report(
    call: Call, request: Request, places: dict[str, int] | None = None, output: dict[str, Any] | None = None
) -> shapes.Report:
    """Tell of a report; alone also what there is of it, and to whom it was brought."""
    alone = places is None
    known = listing.places(call.desk.ledger) if places is None and request.is_open else places or {}
    same = {name: getattr(request, name) for name in shapes.Report.__struct_fields__ if hasattr(request, name)}
    return shapes.Report(
        **same | {"pages": tuple(request.pages)},
        position=known.get(request.id),
        links=_links(call, request, reading.files(call, request) if alone else {}),
        deliveries=tuple(reading.deliveries(call, request)) if alone else (),
        output=output,
    )


def _links(call: Call, request: Request, there: dict[str, int]) -> shapes.Links:
    seen = {
        "html": directory.PAGE in there and directory.PAGE,
        "pdf": directory.PDF in there and directory.PDF,
        "output": directory.PAGE in there and not request.is_open and request.state == "completed" and "output",
        "log": reading.may_trace(call, request) and "log",
        "trace": reading.may_trace(call, request) and request.reason is not None and "trace",
    }
    addresses = {name: address(request.id, last) for name, last in seen.items() if last}
    return shapes.Links(itself=address(request.id), **addresses)


def bundle(call: Call, listed: Listed, *, alone: bool = False) -> shapes.Bundle:
    """Tell of a bundle; alone also what parameters it takes."""
    if listed.bundle is None:
        wrong = listed.wrong if call.may("manage", listed.name) else NOT_NOW
        return shapes.Bundle(
            name=listed.name, title=listed.name, version=None, languages=(), asks=(), is_broken=True, wrong=wrong
        )
    said = listed.bundle.config
    return shapes.Bundle(
        name=listed.name,
        title=said.title,
        description=said.description,
        version=said.version,
        languages=said.languages,
        asks=tuple(pattern for patterns in said.sentences.values() for pattern in patterns),
        parameters=schema(said) if alone else None,
    )


def schedules(call: Call, name: str) -> list[Schedule]:
    """Tell of the schedules of a bundle."""
    return listing.schedules(call.desk.ledger, [name])


def schema(said: Config) -> dict[str, Any]:
    """Return the JSON schema of the parameters of a bundle; one that names none leaves all to its notebook."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {name: _of(parameter) for name, parameter in said.parameters.items()},
        "required": [name for name, parameter in said.parameters.items() if parameter.is_required],
        "additionalProperties": not said.parameters,
    }


def _of(parameter: Parameter) -> dict[str, Any]:
    told: dict[str, Any] = {"enum": [*parameter.choices]} if parameter.choices else {"type": _JSON[parameter.type]}
    if parameter.type == "date":
        told["format"] = "date"
    if parameter.label:
        told["title"] = parameter.label
    if parameter.default is not None:
        told["default"] = parameter.default
    ends = dict(zip(("minimum", "maximum"), parameter.range or (), strict=False))
    if parameter.type == "date":  # of whose ends JSON schema has no word
        told["description"] = config.wanted(parameter)
    else:
        told |= {name: end for name, end in ends.items() if end is not None}
    return told
