"""The language of a page: how it writes numbers and times, and from which side."""

from __future__ import annotations

import re
from typing import NamedTuple

from babel import Locale
from babel import UnknownLocaleError

from scrapdb.reporting.rendering.errors import TemplateError

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([_-][A-Za-z0-9]{1,8})*")
_FALLBACK = Locale("en")


class Language(NamedTuple):
    """A language: as BCP 47 writes it, what Babel knows of it or of one that it falls back to, and its direction."""

    tag: str
    locale: Locale
    direction: str


def of(name: str) -> Language:
    """Return a language by its name, as `ca`, `pt_BR` or `pt-BR`.

    Raises:
        TemplateError: it is none.
    """
    if not _LANGUAGE.fullmatch(name):
        raise TemplateError(f"{name!r} is no language; write it as ca or pt_BR.")
    locale = next(filter(None, map(_locale, fallbacks(name))), _FALLBACK)
    return Language(name.replace("_", "-"), locale, locale.text_direction)


def fallbacks(name: str) -> list[str]:
    """Return a language and those that it falls back to: pt_BR, pt."""
    parts = name.replace("-", "_").split("_")
    return ["_".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _locale(name: str) -> Locale | None:
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None
