"""Encoders by name, one's own among them.

An encoder is an object with four methods:

    name()            the name, which becomes part of the MIME type
    encodable(data)   whether it takes a value for which no encoder was named
    encode(scrap)     gives the scrap with a JSON value for its data
    decode(scrap)     gives the scrap with the value back

A package offers encoders to everyone who installs it by entry points of the group `scrapdb.encoders`, each an encoder
or a class of one. Encoders run where they are registered, when a notebook is read with `read_notebook`; `scrapdb index`
never runs one that is not of scrapdb itself.

Source of the protocol: scrapbook's `encoders.DataEncoderRegistry`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from collections.abc import MutableMapping
from typing import Any

from scrapdb.encoders import display
from scrapdb.encoders import json
from scrapdb.encoders import pandas
from scrapdb.encoders import text
from scrapdb.encoders.payload import scrap_to_payload
from scrapdb.encoders.python_types import is_frame
from scrapdb.encoders.scrap import Scrap
from scrapdb.errors import ScrapbookInvalidEncoder
from scrapdb.errors import ScrapbookMissingEncoder

GROUP = "scrapdb.encoders"


class DataEncoderRegistry(MutableMapping[str, Any]):
    """Encoders by name, in the order in which they are asked whether they take a value.

    Args:
        group: entry points to look at when the registered encoders do not suffice.
    """

    def __init__(self, group: str | None = None) -> None:
        self._encoders: dict[str, Any] = {}
        self._group = group

    def __getitem__(self, name: str) -> Any:
        if name not in self._encoders:
            self._load()
        return self._encoders[name]

    def __setitem__(self, name: str, encoder: Any) -> None:
        for method in ("encode", "decode"):
            if isinstance(encoder, str) or not callable(getattr(encoder, method, None)):
                raise ScrapbookInvalidEncoder(f"{encoder!r} is no encoder: it has no method {method}.")
        self._encoders[name] = encoder

    def __delitem__(self, name: str) -> None:
        del self._encoders[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._encoders)

    def __len__(self) -> int:
        self._load()
        return len(self._encoders)

    def register(self, encoder: Any, *rest: Any) -> None:
        """Add an encoder: `register(encoder)`, or `register(name, encoder)` as scrapbook's README has it.

        Raises:
            ScrapbookInvalidEncoder: it has no name, or does not encode and decode.
        """
        if rest:
            self[encoder] = rest[0]
            return
        if not callable(getattr(encoder, "name", None)):
            raise ScrapbookInvalidEncoder(f"{encoder!r} is no encoder: it has no method name.")
        self[encoder.name()] = encoder

    def deregister(self, encoder: Any) -> None:
        """Remove an encoder, given itself or its name.

        Raises:
            KeyError: it is not registered.
        """
        del self[encoder if isinstance(encoder, str) else encoder.name()]

    def reset(self) -> None:
        """Remove all encoders."""
        self._encoders, self._group = {}, None

    def determine_encoder_name(self, data: Any) -> str:
        """Name the first encoder that takes a value.

        Raises:
            NotImplementedError: none does.
        """
        for encoders in (self._encoders, self):  # with those of installed packages, if the others do not suffice
            for name, encoder in encoders.items():
                if hasattr(encoder, "encodable") and encoder.encodable(data):
                    return name
        raise NotImplementedError(f"Scrap of type {type(data)} has no supported encoder registered")

    def encode(self, scrap: Scrap, **options: Any) -> Scrap:
        """Return a scrap with its data encoded.

        Raises:
            ScrapbookMissingEncoder: no encoder has the scrap's encoder for a name.
            ScrapbookDataException: what the encoder made is not allowed in a payload.
        """
        encoded: Scrap = self._named(scrap).encode(scrap, **options)
        scrap_to_payload(encoded)
        return encoded

    def decode(self, scrap: Scrap, **options: Any) -> Scrap:
        """Return a scrap with its data decoded.

        Raises:
            ScrapbookMissingEncoder: no encoder has the scrap's encoder for a name.
            ScrapbookDataException: the scrap's data is not allowed in a payload.
        """
        scrap_to_payload(scrap)
        decoded: Scrap = self._named(scrap).decode(scrap, **options)
        return decoded

    def _named(self, scrap: Scrap) -> Any:
        if scrap.encoder not in self:
            known = ", ".join(self)
            message = f"No encoder is called {scrap.encoder!r}, for the scrap {scrap.name!r}; registered are {known}."
            raise ScrapbookMissingEncoder(message)
        return self[scrap.encoder]

    def _load(self) -> None:
        """Register the encoders of installed packages, once, behind those that are registered already."""
        group, self._group = self._group, None
        if group is None:
            return
        from importlib.metadata import entry_points

        for entry in entry_points(group=group):
            try:
                found = entry.load()
                encoder = found() if isinstance(found, type) else found
                if encoder.name() not in self._encoders:
                    self.register(encoder)
            except Exception as error:  # noqa: BLE001 - a broken package must not keep others from gluing
                warnings.warn(f"The encoder {entry.value} cannot be loaded: {error!r}", stacklevel=2)


class _Own:
    """A module of `encoders` as an object of the protocol."""

    _module: Any

    def name(self) -> str:
        """Return the name by which it is asked for."""
        return str(self._module.NAME)

    def encode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Write the scrap's value."""
        return scrap._replace(data=self._module.encode(scrap.data))

    def decode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Read the scrap's payload."""
        return scrap._replace(data=self._module.decode(scrap.data))


class TextEncoder(_Own):
    """Text, as it is."""

    _module = text

    def encodable(self, data: Any) -> bool:
        """Return whether it writes the value when no encoder is named."""
        return isinstance(data, str)


class JsonEncoder(_Own):
    """Whatever JSON holds."""

    _module = json

    def encodable(self, data: Any) -> bool:
        """Return whether it writes the value when no encoder is named."""
        return isinstance(data, list | dict | int | float | str)


class DisplayEncoder(_Own):
    """What is only shown: `glue` never asks it to write or read."""

    _module = display

    def encodable(self, data: Any) -> bool:
        """Return whether the value is one of IPython's display objects."""
        return display.is_display_object(data)

    def encode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Refuse: a display has no payload."""
        raise NotImplementedError(f"{scrap.name!r} is only shown; it has no payload.")

    decode = encode


class PandasArrowDataframeEncoder(_Own):
    """A DataFrame, as a parquet file in base64."""

    _module = pandas

    def encodable(self, data: Any) -> bool:
        """Return whether the value is a pandas.DataFrame."""
        return is_frame(data)

    def encode(self, scrap: Scrap, **options: Any) -> Scrap:
        """Write the scrap's value."""
        return scrap._replace(data=pandas.encode(scrap.data, **options))


def standard(group: str | None = None) -> DataEncoderRegistry:
    """Make a registry of scrapbook's encoders, in scrapbook's order."""
    registry = DataEncoderRegistry(group)
    for encoder in (TextEncoder, JsonEncoder, DisplayEncoder, PandasArrowDataframeEncoder):
        registry.register(encoder())
    return registry


registry = standard(GROUP)
register = registry.register
deregister = registry.deregister
