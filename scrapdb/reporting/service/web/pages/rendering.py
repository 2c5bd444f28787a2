"""Templates of ours: what they have at hand, and that everything in them is escaped."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined
from markupsafe import Markup
from markupsafe import escape
from starlette.responses import Response

from scrapdb.formats import values
from scrapdb.notebooks.times import parsed
from scrapdb.reporting.service import access
from scrapdb.reporting.service.web import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapdb.reporting.bundles.config import Config
    from scrapdb.reporting.service.web.call import Call

REFRESHED = 3  # seconds, while something is under way
_HERE = Path(__file__).parent.parent
STATIC = {"service.css": "text/css; charset=utf-8", "service.js": "text/javascript; charset=utf-8"}
_PAGES = {"/": "Ask", "/reports": "Reports", "/queue": "Queue"}
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b", re.ASCII)
_MOST_SHOWN = 200  # characters of parameters in a list
HTML = "text/html; charset=utf-8"


def render(
    call: Call, template: str, status: int = 200, headers: Mapping[str, str] | None = None, /, **context: Any
) -> Response:
    """Answer with a page.

    Args:
        call: for whom it is.
        template: its name without suffix.
        status: of HTTP.
        headers: to be sent, too.
        context: what is in it.
    """
    pages = dict(_PAGES)
    if call.who and access.manages_all(call.host, call.who):
        pages["/audit"] = "Audit"
    common = {
        "who": call.who,
        "known": call.known,
        "pages": pages,
        "here": call.http.url.path,
        "form_proof": call.proof,
        "refreshed": None,
        "wide": False,
        "when": partial(_when, ZoneInfo(call.host.zone)),
    }
    page = _environment().get_template(f"{template}.html").render(common | context)
    return Response(page.encode("utf-8", "replace"), status, headers, HTML)


@cache
def static(name: str) -> bytes:
    """Return a file of ours."""
    return (_HERE / "static" / name).read_bytes()


@cache
def language_name(code: str) -> str:
    """Return what a language is called in English."""
    from babel import Locale
    from babel import UnknownLocaleError

    try:
        return Locale.parse(code.replace("-", "_")).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "shown": lambda value: values.escaped(values.plain(value)),
        "lines": values.escaped_but_lines,
        "short": _short,
        "address": told.address,
        "static": lambda name: f"/static/{name}?v={hashlib.sha256(static(name)).hexdigest()[:8]}",
    }
    return made


def in_order(parameters: Mapping[str, Any], config: Config | None) -> dict[str, Any]:
    """Return parameters by their labels, in the order of their bundle."""
    known = config.parameters if config else {}
    names = [*(name for name in known if name in parameters), *sorted(parameters.keys() - known)]
    return {(known[name].label if name in known else None) or name: parameters[name] for name in names}


def _short(parameters: Mapping[str, Any], config: Config | None) -> Markup:
    """Write parameters in a line, in which no day is broken at its hyphens."""
    given = in_order(parameters, config)
    text = values.escaped(" · ".join(f"{name}: {values.plain(value)}" for name, value in given.items()))
    cut = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return Markup(_DAY.sub(r"<time>\g<0></time>", str(escape(cut))))  # noqa: S704 - all but the tag is escaped


def _when(zone: ZoneInfo, moment: str | None) -> Markup:
    """Write a moment of the ledger for people, in the time zone of the service."""
    at = parsed(moment)
    if at is None:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(moment, at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z"))
