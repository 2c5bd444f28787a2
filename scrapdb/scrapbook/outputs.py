"""What a notebook's outputs hold: for each name the payload and the display that count."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from msgspec import UNSET

from scrapdb.encoders.registration import registry as encoder_registry
from scrapdb.encoders.scrap import Scrap
from scrapdb.encoders.types import restored
from scrapdb.errors import ScrapbookDataException
from scrapdb.errors import ScrapbookException
from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import wire


class Kept(NamedTuple):
    """A scrap of a notebook: its payload, the whole output that was shown for it, and the cell it was glued in."""

    glued: Glued
    display: dict[str, Any] | None
    cell: int


def kept(notebook: ipynb.Notebook, *, strict: bool, old_reading: bool) -> dict[str, Kept]:
    """Find the scraps of a notebook by name, the last of a name where its first stood.

    Args:
        notebook: the notebook.
        strict: whether a malformed payload is an error; else it is passed over.
        old_reading: whether a display replaces the value of the same name that was glued before it in its cell.

    Raises:
        ScrapbookDataException: a payload is malformed.
        msgspec.MsgspecError: an undecoded part is refused; read the notebook with `ipynb.read_careful`.
    """
    found: dict[str, Kept] = {}
    for item in _all(notebook):
        if isinstance(item, Kept):
            earlier = None if old_reading else found.get(item.glued.name)
            found[item.glued.name] = _merged(earlier, item)
        elif strict:
            raise ScrapbookDataException(item.message)
    return found


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
    """Decode a payload; one that cannot be decoded is given as it is, with a warning, unless that is an error.

    Raises:
        As `value`, if strict.
    """
    try:
        return value(glued)
    except ScrapbookException as error:
        if strict:
            raise
        warnings.warn(f"{error} Its payload is given instead.", stacklevel=3)
        return glued.data


def _all(notebook: ipynb.Notebook) -> Iterator[Kept | Problem]:
    for index, cell in enumerate(notebook.cells):
        for output in cell.outputs:
            for item in wire.read(output.data, output.metadata, ipynb.value):
                if isinstance(item, Glued):
                    yield Kept(item, _display(item, output), index)
                else:
                    yield item


def _display(glued: Glued, output: ipynb.Output) -> dict[str, Any] | None:
    """Return the output as nbformat does, which joins the lines of texts."""
    if glued.display is None:
        return None
    data = {mime: part if _is_json(mime) else _text(part) for mime, part in glued.display.items()}
    return {"output_type": output.output_type, "data": data, "metadata": output.metadata}


def _is_json(mime: str) -> bool:
    return mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))


def _text(part: Any) -> Any:
    is_lines = isinstance(part, list) and all(isinstance(line, str) for line in part)
    return "".join(part) if is_lines else part


def _merged(earlier: Kept | None, item: Kept) -> Kept:
    """Let a display join the value that was glued right before it, in the same cell."""
    shown_only = item.glued.data is UNSET
    if earlier and shown_only and earlier.cell == item.cell and earlier.glued.data is not UNSET and not earlier.display:
        return earlier._replace(display=item.display)
    return item
