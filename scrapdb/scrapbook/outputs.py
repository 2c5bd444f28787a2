"""What a notebook's outputs hold: for each name the payload and the display that count."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple
from typing import SupportsIndex

from msgspec import UNSET

from scrapdb.encoders.python_types import restored
from scrapdb.encoders.registration import registry as encoder_registry
from scrapdb.encoders.scrap import Scrap
from scrapdb.errors import ScrapbookDataException
from scrapdb.errors import ScrapbookException
from scrapdb.facts import Found
from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks import extract
from scrapdb.notebooks import ipynb
from scrapdb.notebooks.wire.payload import joined


class GluedScrap(NamedTuple):
    """A scrap of a notebook, and the whole output that was shown for it."""

    found: Found
    display: dict[str, Any] | None


class LazyScrap(Scrap):
    """A Scrap whose `data` is decoded once, at first sight: a DataFrame costs milliseconds, and memory.

    In the tuple itself stands the function that computes it; every way to look at the tuple leads past it.
    """

    @property
    def data(self) -> Any:
        """The value."""
        if "value" not in self.__dict__:
            decode: Any = super().__getitem__(1)
            self.__dict__["value"] = decode()
        return self.__dict__["value"]

    def whole(self) -> Scrap:
        """Return the scrap with its value."""
        return Scrap(self.name, self.data, self.encoder, self.display)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.name, self.data, self.encoder, self.display))

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        return tuple(self)[key]

    def __eq__(self, other: object) -> bool:
        return (type(other) is tuple or isinstance(other, Scrap)) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(self.whole())

    def __reduce__(self) -> tuple[Any, ...]:
        return Scrap, tuple(self)

    def _replace(self, **changed: Any) -> Scrap:  # type: ignore[override]
        return self.whole()._replace(**changed)


def glued_scraps(notebook: ipynb.Notebook, *, strict: bool, old_reading: bool) -> dict[str, GluedScrap]:
    """Find the scraps of a notebook by name, the last of a name where its first stood.

    Args:
        notebook: the notebook.
        strict: whether a malformed payload is an error; else it is passed over.
        old_reading: whether a display replaces the value of the same name that was glued before it in its cell.

    Raises:
        ScrapbookDataException: a payload is malformed.
        msgspec.MsgspecError: an undecoded part is refused; read the notebook with `ipynb.read_careful`.
    """
    scraps: dict[str, GluedScrap] = {}
    for item in extract.items(enumerate(notebook.cells)):
        if isinstance(item, Problem):
            if strict:
                raise ScrapbookDataException(item.message)
            continue
        glued, place = item.glued, item.place
        earlier = None if old_reading else scraps.get(glued.name)
        display = _display(glued, notebook.cells[place.cell].outputs[place.output])
        if earlier and extract.belongs(item, earlier.found):
            scraps[glued.name] = GluedScrap(extract.merged(earlier.found, item), display)
        else:
            scraps[glued.name] = GluedScrap(item, display)
    return scraps


def value(glued: Glued) -> Any:
    """Decode a payload; None for what was only shown.

    Raises:
        ScrapbookMissingEncoder: no encoder has its encoder's name.
        ScrapbookDataException: the encoder cannot read it.
    """
    if glued.data is None or glued.data is UNSET:
        return None
    try:
        scrap = encoder_registry.decode(Scrap(glued.name, glued.data, glued.encoder))
        return restored(scrap.data, glued.types)
    except ScrapbookException:
        raise
    except Exception as error:  # an encoder may be anybody's
        message = f"The scrap {glued.name!r} cannot be decoded by the encoder {glued.encoder!r}: {error}"
        raise ScrapbookDataException(message) from error


def value_or_payload(glued: Glued, *, strict: bool) -> Any:
    """Decode a payload; one that cannot be decoded is returned as it is, with a warning, unless `strict`."""
    try:
        return value(glued)
    except ScrapbookException as error:
        if strict:
            raise
        warnings.warn(f"{error} Its payload is given instead.", stacklevel=3)
        return glued.data


def _display(glued: Glued, output: ipynb.Output) -> dict[str, Any] | None:
    """Return the output as nbformat does, which joins the lines of texts."""
    if glued.display is None:
        return None
    data = {mime: part if _is_json(mime) else joined(part) for mime, part in glued.display.items()}
    return {"output_type": output.output_type, "data": data, "metadata": output.metadata}


def _is_json(mime: str) -> bool:
    return mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
