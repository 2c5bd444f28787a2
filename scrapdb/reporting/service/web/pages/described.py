"""The description of the API, for machines and for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import openapi
from scrapdb.reporting.service.web.pages.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator

    from starlette.responses import Response

    from scrapdb.reporting.service.web.call import Call
    from scrapdb.reporting.service.web.call import Handler
    from scrapdb.reporting.service.web.route import Route

_EXAMPLE = {"bundle": "voltage", "parameters": {"site": "north"}, "language": "ca"}


def document(routes: Iterable[Route], *, has_askers: bool) -> Handler:
    """Return what answers with the description."""
    made = openapi.document(routes, has_askers=has_askers)
    return lambda _: calls.json(made)


def page(routes: Iterable[Route], *, has_askers: bool) -> Handler:
    """Return what answers with the description as a page."""
    made = openapi.document(routes, has_askers=has_askers)
    operations = list(_operations(made))
    shapes = {name: {"required": (), "properties": {}, "description": ""} | each for name, each in _objects(made)}

    def view(call: Call) -> Response:
        base = call.host.url or str(call.http.base_url).rstrip("/")
        return render(
            call,
            "api",
            operations=operations,
            shapes=shapes,
            kind=_kind,
            base=base,
            example=json.dumps(_EXAMPLE),
            has_askers=has_askers,
        )

    return view


def _objects(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, shape in made["components"]["schemas"].items():
        if "properties" in shape:
            shown = {field: {"description": "", **each} for field, each in shape["properties"].items()}
            yield name, {**shape, "properties": shown}


def _operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in made["paths"].items():
        for method, each in methods.items():
            body = each.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            yield {
                "id": each["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": each["summary"],
                "parameters": [{"description": "", **parameter} for parameter in each.get("parameters", ())],
                "body": _name(body),
                "responses": {status: _answer(answer) for status, answer in each["responses"].items()},
            }


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    schema = next(iter(answer["content"].values()))["schema"]
    return {"description": answer["description"], "shape": _name(schema)}


def _name(schema: dict[str, Any]) -> str | None:
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else None


def _kind(schema: dict[str, Any]) -> str:
    """Say in a word or two what a schema takes."""
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if isinstance(schema.get("items"), dict) else "list"
    return _name(schema) or str(schema.get("type", "anything"))
