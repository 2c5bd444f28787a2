"""Translations: catalogues of gettext out of a bundle, and the functions by which a template asks for them.

https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
"""

from __future__ import annotations

import gettext
import io
import re
import reprlib
from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from markupsafe import escape

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.inside import languages
from scrapdb.reporting.rendering.inside.words import WORDS

_PLACE = "languages/{}/LC_MESSAGES/messages.{}"
_PATTERN = re.compile(r"%(?:%|\((\w+)\)([-+ #0]*\d*(?:\.\d+)?[sdifeEgGxX]))")


class Catalogue:
    """What a bundle says in a language, and where it says nothing, in the one that this falls back to.

    Raises:
        TemplateError: a catalogue is broken.
    """

    def __init__(self, files: dict[str, bytes], language: str) -> None:
        self._all = [read for name in languages.fallbacks(language) if (read := _read(files, name))]
        self._words = next((WORDS[name] for name in languages.fallbacks(language) if name in WORDS), {})
        self.untranslated: dict[str, None] = {}

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions of a template."""
        return {
            "gettext": self.text,
            "_": self.text,
            "ngettext": self.plural,
            "pgettext": lambda context, message, /, **given: self.text(message, context=context, **given),
            "npgettext": lambda context, singular, plural, number, /, **given: self.plural(
                singular, plural, number, context=context, **given
            ),
        }

    def text(self, message: str, /, *, context: str | None = None, **given: Any) -> str:
        """Return a text in the language, with what it is given: HTML if the template or its translator wrote it."""
        found = self._found(lambda each: each.get(_key(context, message)))
        return self._filled(message, found, given)

    def plural(self, singular: str, plural: str, number: Any, /, *, context: str | None = None, **given: Any) -> str:
        """Return a text in the language, in the form that a number needs."""
        count = _count(number)
        found = self._found(lambda each: each.get_plural(_key(context, singular), count))
        return self._filled(singular if count == 1 else plural, found, {"num": number, **given})

    def word(self, message: str, **given: Any) -> str:
        """Return a text of ours in the language: as the bundle has it, else as we do."""
        found = self._found(lambda each: each.get((message,)))
        return str(_formatted(str(found or self._words.get(message, message)), given))

    def _found(self, ask: Callable[[_Read], str | None]) -> str | None:
        return next(filter(None, map(ask, self._all)), None)

    def _filled(self, message: str, found: str | None, given: dict[str, Any]) -> str:
        if found is None:
            if any(each.is_used for each in self._all) and message and hasattr(message, "__html__"):
                self.untranslated[str(message)] = None
            return _formatted(escape(message), given)
        return _formatted(Markup(found), given)  # noqa: S704 - its translator wrote it


def _count(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:  # noqa: PLR0124 - NaN
        raise TemplateError(f"A plural form needs a number, not {_shown(number)}.")
    return int(number) if abs(number) < 1e18 and number == int(number) else 2  # noqa: PLR2004 - as many languages do


def _key(context: str | None, message: str) -> tuple[str, ...]:
    return (str(message),) if context is None else (str(context), str(message))


def _formatted(text: str, given: dict[str, Any]) -> str:
    """Put what is given into a text: `%(name)s`, and `%%` for %; whatever else follows a % stays as it is."""

    def put(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if match[1] not in given:
            raise TemplateError(
                f"The text {_shown(text)} wants {match[1]}, which it is not given; {suggestion(match[1], given)}"
            )
        value = given[match[1]]
        try:
            return str(escape(f"%{match[2]}" % (value,)) if not hasattr(value, "__html__") else escape(value))
        except (TypeError, ValueError):
            raise TemplateError(f"The text {_shown(text)} wants a number as {match[1]}, not {_shown(value)}.") from None

    return type(text)(_PATTERN.sub(put, str(text)))


def _shown(value: Any) -> str:
    return reprlib.repr(str(value) if isinstance(value, str) else value)


class _Read:
    """One catalogue."""

    def __init__(self, translations: gettext.GNUTranslations) -> None:
        self._texts: dict[Any, str] = translations._catalog  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other way to ask what is missing
        self._plural: Callable[[int], int] = translations.plural  # type: ignore[attr-defined]
        self.is_used = any(self._texts.keys() - {""})

    def get(self, key: tuple[str, ...]) -> str | None:
        """Return the translation of a text, or None."""
        found = self._texts.get("\x04".join(key))
        return found or self._texts.get(("\x04".join(key), self._plural(1)))

    def get_plural(self, key: tuple[str, ...], count: int) -> str | None:
        """Return the translation for a number, or None."""
        return self._texts.get(("\x04".join(key), self._plural(count))) or self._texts.get("\x04".join(key))


def _read(files: dict[str, bytes], language: str) -> _Read | None:
    """Read the catalogue of a language, if there is one: compiled, or else as it is written."""
    for kind, read in (("mo", _compiled), ("po", _written)):
        for name in (language, language.replace("_", "-")):
            path = _PLACE.format(name, kind)
            if path in files:
                try:
                    return _Read(read(files[path]))
                except Exception as error:  # noqa: BLE001 - catalogues break in many ways
                    raise TemplateError(
                        f"This catalogue cannot be read ({error}). Make it anew: scrapdb report translate compile", path
                    ) from None
    return None


def _compiled(content: bytes) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(content))


def _written(content: bytes) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(content), abort_invalid=True))
    return _compiled(compiled.getvalue())
