"""What the formats share: payloads that say their own name, and the bundle that was shown for a scrap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from scrapdb.facts import Glued
from scrapdb.facts import Problem


def note(metadata: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Read what a format left under its key in an output's metadata; empty if it is no object."""
    entry = metadata.get(key)
    return entry if isinstance(entry, dict) else {}


def named(payload: Any, encoder: str) -> Glued | Problem:
    """Read a payload `{"name": …, "data": …, "encoder": …}`; `encoder` is the one its MIME type names."""
    if not isinstance(payload, dict):
        return Problem("malformed", f"A scrap's payload is not a JSON object but {payload!r:.60}.")
    name = payload.get("name")
    if not isinstance(name, str):
        return Problem("malformed", f"A scrap's name is not a text but {name!r:.60}.")
    if "data" not in payload:
        return Problem("malformed", "The scrap's payload has no data.", name)
    stated = payload.get("encoder")
    types = _types(payload["types"]) if "types" in payload else {}
    return Glued(name, stated if isinstance(stated, str) else encoder, payload["data"], types=types)


def by_name(payload: Any, called: str) -> list[Glued | Problem]:
    """Read a payload `{name: value, …}` of a format before encoders; `called` is what such a format makes."""
    if isinstance(payload, dict):
        return [Glued(name, "json", value) for name, value in payload.items()]
    return [Problem("malformed", f"A {called}'s payload is not a JSON object but {payload!r:.60}.")]


def only_shown(note_: Mapping[str, Any], data: Mapping[str, Any], prefix: str) -> list[Glued | Problem]:
    """Return the display that a note without flags names; `data` and `prefix` are as for `with_display`."""
    name, display = note_.get("name"), without(data, prefix)
    return [Glued(name, "display", display=display)] if isinstance(name, str) and display else []


def joined(part: Any) -> Any:
    """Join the lines of a text; anything else stays as it is."""
    is_lines = isinstance(part, list) and all(isinstance(line, str) for line in part)
    return "".join(part) if is_lines else part


def _types(types: Any) -> dict[str, str]:
    """Read what scrapdb's `glue` adds to a payload; nothing if it is of another making."""
    if isinstance(types, dict) and all(isinstance(kind, str) for kind in types.values()):
        return types
    return {}


def with_display(
    payloads: list[Glued | Problem], note_: Mapping[str, Any], data: Mapping[str, Any], prefix: str
) -> list[Glued | Problem]:
    """Return the scraps with what was shown for one of them, if the note says that something was.

    Args:
        payloads: the scraps of the output.
        note_: what the format left in the output's metadata: the scrap's name, and whether it was shown.
        data: the output's MIME bundle.
        prefix: how the MIME types of the payloads begin; the others are what was shown.
    """
    if note_.get("display") is not True or not isinstance(name := note_.get("name"), str):
        return payloads
    display = without(data, prefix)
    for index, payload in enumerate(payloads):
        if isinstance(payload, Glued) and payload.name == name:
            return [*payloads[:index], replace(payload, display=display), *payloads[index + 1 :]]
    return [*payloads, Glued(name, "display", display=display)]


def without(data: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return a MIME bundle but for the types that start with a prefix."""
    return {mime: part for mime, part in data.items() if not mime.startswith(prefix)}
