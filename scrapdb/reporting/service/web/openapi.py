"""The description of the API: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), made of the table of addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from scrapdb.reporting.service.web import problem
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web.route import Gives
from scrapdb.reporting.service.web.route import Route
from scrapdb.reporting.service.web.route import phrase

_NAMED = re.compile(r"\{(\w+)\}")
_SHAPES = "#/components/schemas/{name}"


def document(routes: Iterable[Route], *, has_askers: bool) -> dict[str, Any]:
    """Return the description of all addresses that have a summary.

    Args:
        routes: the table.
        has_askers: whether askers are told apart, so that each has to say who it is.
    """
    described = [route for route in routes if route.summary]
    schemas, components = _schemas(described)
    paths: dict[str, Any] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Reports",
            "version": version("scrapdb"),
            "summary": "Reports: asked for, made, brought.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}] if has_askers else [],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(routes: list[Route]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of each shape, and those to which they refer, by name."""
    given = (gives.shape for route in routes for gives in route.gives.values())
    used = [shapes.Problem, *given, *(route.takes for route in routes), *(route.query for route in routes)]
    distinct = [*dict.fromkeys(shape for shape in used if shape is not None)]
    made, components = msgspec.json.schema_components(distinct, ref_template=_SHAPES)
    return dict(zip(distinct, made, strict=True)), components


def _operation(route: Route, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"summary": route.summary, "operationId": _id(route)}
    if parameters := list(_parameters(route, schemas, components)):
        made["parameters"] = parameters
    if route.takes:
        content = {"application/json": {"schema": schemas[route.takes]}}
        made["requestBody"] = {"required": True, "content": content}
    if route.is_open:
        made["security"] = []
    answers = {str(status): _answer(status, gives, schemas) for status, gives in route.gives.items()}
    made["responses"] = answers | {str(status): _problem(status, schemas) for status in route.statuses}
    return made


def _id(route: Route) -> str:
    words = re.sub(r"[^a-z0-9]+", " ", route.path.lower()).split()
    return "-".join([route.method.lower(), *words])


def _parameters(route: Route, schemas: dict[Any, Any], components: dict[str, Any]) -> Any:
    for name in _NAMED.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if route.query:
        shape = components[schemas[route.query]["$ref"].rpartition("/")[2]]
        for name, schema in shape["properties"].items():
            plain = {key: value for key, value in schema.items() if key != "description"}
            yield {"name": name, "in": "query", "schema": plain, "description": schema.get("description", "")}
    for name, told in route.headers.items():
        yield {"name": name, "in": "header", "schema": {"type": "string"}, "description": told}


def _answer(status: int, gives: Gives, schemas: dict[Any, Any]) -> dict[str, Any]:
    schema = {"type": "string"} if gives.shape is None else schemas[gives.shape]
    schema = {"type": "object"} if gives.shape is None and gives.media == "application/json" else schema
    return {"description": gives.told or phrase(status), "content": {gives.media: {"schema": schema}}}


def _problem(status: int, schemas: dict[Any, Any]) -> dict[str, Any]:
    return {"description": phrase(status), "content": {problem.MEDIA: {"schema": schemas[shapes.Problem]}}}
