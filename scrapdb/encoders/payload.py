"""The JSON object that is glued: name, data, encoder and version.

Source: scrapbook's `schemas/scrap.v1.json`. Its data is an object, an array, a text, a number or a boolean; null is not
allowed. Keys beside these four are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from scrapdb.encoders.scrap import Scrap
from scrapdb.errors import ScrapbookDataException

VERSION = 1
logger = logging.getLogger("scrapdb")


def scrap_to_payload(scrap: Scrap, types: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Write an encoded scrap.

    Args:
        scrap: the scrap; its data is a JSON value.
        types: what parts of the value were (see `encoders.plain`).

    Raises:
        ScrapbookDataException: the schema does not allow it.
    """
    payload = {"name": scrap.name, "data": scrap.data, "encoder": scrap.encoder, "version": VERSION}
    _check(payload)
    return payload | ({"types": dict(types)} if types else {})


def payload_to_scrap(payload: Mapping[str, Any]) -> Scrap:
    """Read a payload; its data stays encoded. One of a later version is read as far as it can be, with a warning.

    Raises:
        ScrapbookDataException: it has no version, or the schema does not allow it.
    """
    if "version" not in payload:
        raise ScrapbookDataException(f"The payload of {payload.get('name')!r} has no version.")
    if payload["version"] > VERSION:
        logger.warning("The payload of %r has version %s.", payload.get("name"), payload["version"])
    else:
        _check(payload)
    name, data, encoder = (payload.get(key) for key in ("name", "data", "encoder"))
    return Scrap(name, data, encoder)  # type: ignore[arg-type]  # a later version may have none


def _check(payload: Mapping[str, Any]) -> None:
    wrong = [f"its {key} is not text" for key in ("name", "encoder") if not isinstance(payload.get(key), str)]
    if not isinstance(payload.get("data"), dict | list | str | bool | int | float):
        wrong.append(f"its data is {type(payload.get('data'))}, which JSON cannot hold here")
    if wrong:
        raise ScrapbookDataException(f"The scrap {payload.get('name')!r} is not valid: {', '.join(wrong)}.", wrong)
