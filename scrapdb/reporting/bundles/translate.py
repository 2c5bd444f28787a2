"""Translations of a bundle kept up to date: gettext's files, written by Babel as `pybabel` would.

`languages/messages.pot` has all texts; `languages/ca/LC_MESSAGES/messages.po` what they are in Catalan, and the `.mo`
beside it the same for machines. What nobody uses any more stays in a `.po` as obsolete, so that it can come back.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.files.whole import whole_file
from scrapdb.reporting.bundles import messages
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import LANGUAGES
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.config import is_language

if TYPE_CHECKING:
    from babel.messages import Catalog
    from babel.messages import Message

NONE, FUZZY = "not translated", "fuzzy"
POT = f"{LANGUAGES}/messages.pot"
_PLACE = f"{LANGUAGES}/{{}}/LC_MESSAGES/messages.{{}}"
_HEADER = "# Texts of {}.\n# `scrapdb report translate` brings this file up to date."
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, SyntaxError, OverflowError)
_LINE = re.compile(rb'#.*|\xef?\xbb?\xbf?(?:msg(?:id|str|ctxt|id_plural)(?:\[[0-9]{1,2}\])?\s*)?"(?:[^"\\]|\\.)*"|')
_PLURALS = re.compile(rb"nplurals\s*=\s*([0-9]*)([^\\\n]*)")
_MOST_DIGITS, _LONGEST = 1, 1_000  # of the number of plural forms, and of the expression that chooses one
_LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)


class Translated(NamedTuple):
    """What became of a language: its file, its number of texts, which are left out and why; if config.json names it."""

    language: str
    file: str
    texts: int
    left_out: dict[str, str]
    is_named: bool = True


def po(language: str) -> str:
    """Return the path of a language's translations in a bundle."""
    return _PLACE.format(language, "po")


def mo(language: str) -> str:
    """Return the path of a language's compiled translations in a bundle."""
    return _PLACE.format(language, "mo")


def extract(where: str) -> int:
    """Collect all texts of a bundle in its messages.pot, and return how many there are.

    Raises:
        BundleError: it is no directory of a bundle, or something in it cannot be parsed.
    """
    bundle = _writable(where)
    template = collected(bundle)
    _write_pot(Path(where), bundle, template)
    return len(template)


def update(where: str, languages: Iterable[str] = ()) -> list[Translated]:
    """Collect all texts, and bring the translations up to date: new texts come in, old ones become obsolete.

    Args:
        where: directory of the bundle.
        languages: those to bring up to date, or to begin; by default all of config.json but the first, and all begun.

    Raises:
        BundleError: as `extract`, or a .po cannot be read.
        UsageError: there is no such language.
    """
    bundle = _writable(where)
    wanted = [*dict.fromkeys(languages)] or _languages(bundle)
    catalogs = {language: _catalog(bundle, language) for language in wanted}
    template = collected(bundle)
    _write_pot(Path(where), bundle, template)
    made = []
    for language, catalog in catalogs.items():
        for message in catalog.obsolete.values():  # which may be used again, as msgmerge has it
            if message.string:
                catalog[message.id] = message
        catalog.obsolete.clear()
        catalog.update(template)
        file = po(language)
        _write(Path(where), file, _as_po(catalog), bundle)
        made.append(
            Translated(language, file, len(catalog), unfit(catalog), is_named=language in bundle.config.languages)
        )
    return made


def compiled(where: str, languages: Iterable[str] = ()) -> list[Translated]:
    """Compile the translations; what is fuzzy, missing or would break a page is left out.

    Raises:
        BundleError: it is no directory of a bundle, or a .po cannot be read.
        UsageError: there is none for a language.
    """
    bundle = _writable(where)
    wanted = [*dict.fromkeys(languages)] or [
        language for language in _languages(bundle) if po(language) in bundle.files
    ]
    for language in wanted:
        if po(language) not in bundle.files:
            raise UsageError(f"{where} has no {po(language)}; `scrapdb report translate update {where}` begins it.")
    catalogs = {language: _catalog(bundle, language) for language in wanted}
    made = []
    for language, catalog in catalogs.items():
        _write(Path(where), mo(language), as_mo(catalog), bundle)
        made.append(Translated(language, mo(language), len(catalog), unfit(catalog)))
    return made


def collected(bundle: Bundle, *, tolerant: bool = False) -> Catalog:
    """Return a catalog of all texts of a bundle; arguments and errors are those of `messages.of`."""
    catalog = _new(bundle)
    for message in messages.of(bundle, tolerant=tolerant):
        catalog.add(
            message.id,
            locations=[(message.file, message.place)],
            auto_comments=message.comments,
            context=message.context,
        )
    return catalog


def read(bundle: Bundle, language: str) -> Catalog:
    """Read the translations of a language.

    Raises:
        BundleError: they cannot be read; the sentence names the line.
    """
    from babel.messages.pofile import PoFileError
    from babel.messages.pofile import read_po

    file = po(language)
    _check_lines(file, bundle.files[file])
    try:
        return read_po(io.BytesIO(bundle.files[file]), locale=language, abort_invalid=True)
    except PoFileError as error:
        raise BundleError(f"{file}:{error.lineno + 1} cannot be read: {error.args[0]}. Mend that line.") from error
    except UnicodeDecodeError as error:
        raise BundleError(f"{file}: {error.object!r:.60} is not in {error.encoding}. Save the file so.") from error
    except _UNREADABLE as error:
        raise BundleError(f"{file} cannot be read: {' '.join(str(error).split())}. Look at its first entry.") from error


def _check_lines(file: str, content: bytes) -> None:
    """Refuse lines that Babel would take for something else, such as a text without its end.

    https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
    """
    for number, line in enumerate(content.splitlines(), 1):
        if not _LINE.fullmatch(line.strip()):
            shown = line.decode("utf-8", "replace").strip()
            raise BundleError(f"{file}:{number} cannot be read: {shown!r:.60}. Mend that line.")
    for forms in _PLURALS.finditer(re.sub(rb'"\s*"', b"", content)):
        if len(forms[1]) > _MOST_DIGITS or len(forms[2]) > _LONGEST:  # of which Babel would make as many texts
            raise BundleError(f"{file} cannot be read: no language has such plural forms. Mend its Plural-Forms.")


def unfit(catalog: Catalog) -> dict[str, str]:
    """Return the texts whose translations are not compiled, and why."""
    return {shown(message): why for message in catalog if message.id and (why := wrong(message, catalog))}


def wrong(message: Message, catalog: Catalog) -> str:
    """Return why a translation cannot be used, empty if it can."""
    texts = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
    if not any(texts):
        return NONE
    if message.fuzzy:
        return FUZZY
    if message.pluralizable and (len(texts) < catalog.num_plurals or not all(texts)):
        missing = catalog.num_plurals - sum(map(bool, texts))
        return f"{missing} of {catalog.num_plurals} plural forms missing"
    known = set().union(*map(messages.placeholders, [message.id] if isinstance(message.id, str) else message.id))
    strange = sorted(set().union(*map(messages.placeholders, texts)) - known)
    return f"the text has no %({strange[0]})s" if strange else ""


def shown(message: Message) -> str:
    """Return what a message is called: itself, or its singular."""
    return message.id if isinstance(message.id, str) else message.id[0]


def as_mo(catalog: Catalog) -> bytes:
    """Compile translations, without those that are unfit."""
    from babel.messages import Catalog as Made
    from babel.messages.mofile import write_mo

    fit = Made(locale=catalog.locale)
    fit.mime_headers = catalog.mime_headers
    for message in catalog:
        if message.id and not wrong(message, catalog):
            fit.add(message.id, message.string, context=message.context)
    written = io.BytesIO()
    write_mo(written, fit)
    return written.getvalue()


def _writable(where: str) -> Bundle:
    bundle = opening.opened(where)
    if not Path(where).is_dir():
        raise UsageError(f"{where} is no directory, in which translations could be written. Unpack it.")
    return bundle


def _languages(bundle: Bundle) -> list[str]:
    """Return the languages to translate into: those of config.json but that of the source, and those begun."""
    begun = [name.split("/")[1] for name in bundle.files if name.endswith("/LC_MESSAGES/messages.po")]
    return [*dict.fromkeys([*bundle.config.languages[1:], *begun])]


def _catalog(bundle: Bundle, language: str) -> Catalog:
    """Return the translations of a language, new ones if it has none.

    Raises:
        UsageError: there is no such language.
    """
    if not is_language(language):
        raise UsageError(f"There is no language {language!r}; write it as en, ca or pt_BR.")
    if po(language) in bundle.files:
        return read(bundle, language)
    return _new(bundle, language)


def _new(bundle: Bundle, language: str | None = None) -> Catalog:
    """Return an empty catalog. It has no time, so that the same texts are always the same file."""
    from babel.messages import Catalog

    said = bundle.config
    comment = _HEADER.format(" ".join(said.title.split()))
    return Catalog(language, None, comment, said.title, said.version, creation_date=_LONG_AGO, fuzzy=False)


def _as_po(catalog: Catalog) -> bytes:
    from babel.messages.pofile import write_po

    written = io.BytesIO()
    write_po(written, catalog, include_previous=True)
    return written.getvalue()


def _write_pot(top: Path, bundle: Bundle, template: Catalog) -> None:
    _write(top, POT, _as_po(template), bundle)


def _write(top: Path, file: str, content: bytes, bundle: Bundle) -> None:
    """Write a file of a bundle unless it is as it should be, so that its time tells when it was changed."""
    if bundle.files.get(file) == content:
        return
    path = top / file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BundleError(f"{path.parent} cannot be made: {error.strerror}.") from error
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
