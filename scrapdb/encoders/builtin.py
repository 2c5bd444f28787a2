"""scrapbook's encoders, as the objects that its registry holds."""

from __future__ import annotations

from typing import Any

from scrapdb.encoders import display
from scrapdb.encoders import json
from scrapdb.encoders import pandas
from scrapdb.encoders import text
from scrapdb.encoders.plain import is_frame
from scrapdb.scraps import Scrap


class TextEncoder:
    """Text, as it is."""

    def name(self) -> str:
        """Return the name by which it is asked for."""
        return text.NAME

    def encodable(self, data: Any) -> bool:
        """Tell whether it writes the value when no encoder is named."""
        return isinstance(data, str)

    def encode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Write the scrap's value."""
        return scrap._replace(data=text.encode(scrap.data))

    def decode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Read the scrap's payload."""
        return scrap._replace(data=text.decode(scrap.data))


class JsonEncoder:
    """Whatever JSON holds."""

    def name(self) -> str:
        """Return the name by which it is asked for."""
        return json.NAME

    def encodable(self, data: Any) -> bool:
        """Tell whether it writes the value when no encoder is named."""
        return isinstance(data, list | dict | int | float | str)

    def encode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Write the scrap's value."""
        return scrap._replace(data=json.encode(scrap.data))

    def decode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Read the scrap's payload."""
        return scrap._replace(data=json.decode(scrap.data))


class DisplayEncoder:
    """What is only shown: `glue` never asks it to write or read."""

    def name(self) -> str:
        """Return the name by which it is asked for."""
        return display.NAME

    def encodable(self, data: Any) -> bool:
        """Tell whether the value is one of IPython's display objects."""
        return display.is_display_object(data)

    def encode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Refuse: a display has no payload."""
        raise NotImplementedError(f"{scrap.name!r} is only shown; it has no payload.")

    def decode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Refuse: a display has no payload."""
        raise NotImplementedError(f"{scrap.name!r} is only shown; it has no payload.")


class PandasArrowDataframeEncoder:
    """A DataFrame, as a parquet file in base64."""

    def name(self) -> str:
        """Return the name by which it is asked for."""
        return pandas.NAME

    def encodable(self, data: Any) -> bool:
        """Tell whether the value is a pandas.DataFrame."""
        return is_frame(data)

    def encode(self, scrap: Scrap, **options: Any) -> Scrap:
        """Write the scrap's value."""
        return scrap._replace(data=pandas.encode(scrap.data, **options))

    def decode(self, scrap: Scrap, **_: Any) -> Scrap:
        """Read the scrap's payload."""
        return scrap._replace(data=pandas.decode(scrap.data))


BUILTIN = (TextEncoder, JsonEncoder, DisplayEncoder, PandasArrowDataframeEncoder)
