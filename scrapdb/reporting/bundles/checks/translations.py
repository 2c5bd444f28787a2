"""Translations: that each language has all texts, with their placeholders, and that what is compiled is that."""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.errors import BundleError
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import messages
from scrapdb.reporting.bundles import translate
from scrapdb.reporting.bundles.bundle import LANGUAGES
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks.finding import Finding
from scrapdb.reporting.bundles.messages import CHOICE

if TYPE_CHECKING:
    from babel.messages import Catalog
    from babel.messages import Message

_MOST_SHOWN = 60  # characters of a text in a sentence


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what is wrong with the translations."""
    try:
        template = translate.collected(bundle, tolerant=True)
    except BundleError:  # the notebook is none, which is told as such
        return
    begun = {name.split("/")[1] for name in bundle.files if name.startswith(f"{LANGUAGES}/") and name.count("/") > 1}
    for language in bundle.config.languages[1:]:
        yield from _language(bundle, language, template)
    for language in sorted(begun - {*bundle.config.languages}):
        message = f"{config.FILE} does not name {language} among its languages. Name it, or remove the directory."
        yield Finding(severity="warning", file=f"{LANGUAGES}/{language}", message=message)
    if bundle.config.languages[0] in begun:
        yield from _language(bundle, bundle.config.languages[0], None)


def _language(bundle: Bundle, language: str, template: Catalog | None) -> Iterator[Finding]:
    po, mo = translate.po(language), translate.mo(language)
    try:
        catalog = translate.read(bundle, language) if po in bundle.files else None
    except BundleError as error:
        yield _of_sentence(po, str(error))
        return
    compiled = _compiled(bundle.files[mo]) if mo in bundle.files else None
    if isinstance(compiled, str):
        yield Finding(file=mo, message=f"It cannot be read: {compiled}. {_again(bundle)}")
    elif catalog is not None:
        yield from _same(bundle, language, catalog, compiled)
    if catalog is None and compiled is None and template:
        begin = f"`scrapdb report translate update {bundle.where}` begins them."
        yield Finding(file=po, message=f"There are no translations to {language}. {begin}")
    elif catalog is not None:
        yield from _texts(po, catalog, template)
    elif template and isinstance(compiled, dict):
        for message in (each for each in template if each.id and _key(each) not in compiled):
            yield _missing(mo, message, "no translation")


def _texts(po: str, catalog: Catalog, template: Catalog | None) -> Iterator[Finding]:
    """Say what is wrong with texts: those of the bundle, and in a catalog of the source language its own."""
    for wanted in (each for each in template or catalog if each.id):
        message = catalog.get(wanted.id, wanted.context)
        if message is None:
            yield _missing(po, wanted, "no translation, and is not in this file: `scrapdb report translate update`")
        elif why := translate.wrong(message, catalog):
            if template or why != translate.NONE:
                yield _missing(po, wanted, _WORDS.get(why, f"a translation that cannot be used: {why}"), message.lineno)
        elif lost := _lost(message):
            told = f"{_shown(message)} says %({lost})s, which its translation leaves out."
            yield Finding(severity="warning", file=po, line=message.lineno, message=told)


_WORDS = {translate.NONE: "no translation", translate.FUZZY: "only a fuzzy translation, which is not used"}


def _missing(file: str, message: Message, what: str, line: int | None = None) -> Finding:
    # What can be chosen may be no word: the name of a place, or of a machine.
    is_choice = CHOICE in message.auto_comments and len(message.locations) == 1
    told = f"{_shown(message)} ({_places(message)}) has {what}."
    return Finding(severity="warning" if is_choice else "error", file=file, line=line, message=told)


def _places(message: Message) -> str:
    file, place = message.locations[0] if message.locations else ("?", 0)
    return f"{file}, cell {place}" if file.endswith(".ipynb") else f"{file}:{place}"


def _lost(message: Message) -> str:
    texts = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
    ids = [message.id] if isinstance(message.id, str) else [*message.id]
    wanted = messages.placeholders(ids[-1])
    return next(iter(sorted(wanted - set().union(*map(messages.placeholders, texts)))), "")


def _same(bundle: Bundle, language: str, catalog: Catalog, compiled: dict[Any, str] | None) -> Iterator[Finding]:
    mo = translate.mo(language)
    if compiled is None:
        yield Finding(severity="warning", file=mo, message=f"It is missing: the .po is not compiled. {_again(bundle)}")
        return
    made = _compiled(translate.as_mo(catalog))
    if made != compiled:
        yield Finding(file=mo, message=f"It says something else than the .po beside it. {_again(bundle)}")


def _compiled(content: bytes) -> dict[Any, str] | str:
    """Return the texts of a compiled catalog, or why it cannot be read."""
    try:
        read: Any = gettext.GNUTranslations(io.BytesIO(content))
    except Exception as error:  # noqa: BLE001 - struct, Unicode, plural forms: it raises whatever it stumbles over
        return " ".join(str(error).split()) or type(error).__name__
    return {key: text for key, text in read._catalog.items() if key}  # noqa: SLF001 - it has no other way to list them


def _key(message: Message) -> Any:
    first = message.id if isinstance(message.id, str) else message.id[0]
    named = f"{message.context}\x04{first}" if message.context else first
    return named if isinstance(message.id, str) else (named, 0)


def _again(bundle: Bundle) -> str:
    return f"`scrapdb report translate compile {bundle.where}` makes it."


def _shown(message: Message) -> str:
    text = " ".join(translate.shown(message).split())
    return f"“{text}”" if len(text) <= _MOST_SHOWN else f"“{text[:_MOST_SHOWN]}…”"


def _of_sentence(file: str, sentence: str) -> Finding:
    place, _, said = sentence.partition(" ")
    line = place.rstrip(":").rpartition(":")[2]
    said = said[:1].upper() + said[1:]
    return Finding(file=file, line=int(line) if line.isdigit() else None, message=said)
