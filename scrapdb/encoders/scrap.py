"""A scrap as scrapbook's API hands it out, and scraps by name.

Source: scrapbook's `scraps.Scrap` and `scraps.Scraps`. It stands beside the encoders since theirs is the protocol that
takes and gives it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.text import Named

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_SHOWN = 100


class Scrap(NamedTuple):
    """A scrap as scrapbook's API hands it out.

    Args:
        name: the name it was glued under.
        data: the value, or None if only a display was glued.
        encoder: the name of the encoder that wrote it, `display` if only a display was glued.
        display: the output that was shown for it: a dict with `data` (the MIME bundle), `metadata` and `output_type`.
    """

    name: str
    data: Any
    encoder: str
    display: dict[str, Any] | None = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Show in Jupyter what was shown for it, or else the rows of a DataFrame."""
        from scrapdb.formats import html

        del include, exclude
        shown = html.bundle(html.decoded((self.display or {}).get("data", {})))
        if self.encoder == "pandas" and shown.keys() <= {"text/plain"} and hasattr(self.data, "_repr_html_"):
            shown["text/html"] = f"<div {html.NO_MATH}>{self.data._repr_html_()}</div>"
        return shown

    def _repr_pretty_(self, printer: Any, _: bool) -> None:  # noqa: FBT001 - IPython's signature
        """Be printed by IPython as the tuple it is, but without the pages of base64 of its display."""
        shown = f"<{', '.join(self.display.get('data', {}))}>" if self.display else None
        printer.text(f"Scrap(name={self.name!r}, data={self.data!r}, encoder={self.encoder!r}, display={shown})")


class Scraps(Named[Scrap], OrderedDict[str, Scrap]):
    """Scraps by name, in the order in which they were glued."""

    @property
    def data_scraps(self) -> OrderedDict[str, Scrap]:
        """The scraps that have a value."""
        return OrderedDict((name, scrap) for name, scrap in self.items() if scrap.data is not None)

    @property
    def data_dict(self) -> dict[str, Any]:
        """The values by name."""
        return {name: scrap.data for name, scrap in self.data_scraps.items()}

    @property
    def display_scraps(self) -> OrderedDict[str, Scrap]:
        """The scraps that have a display."""
        return OrderedDict((name, scrap) for name, scrap in self.items() if scrap.display is not None)

    @property
    def display_dict(self) -> dict[str, dict[str, Any]]:
        """The displays by name."""
        return {name: scrap.display for name, scrap in self.items() if scrap.display is not None}

    @property
    def dataframe(self) -> pd.DataFrame:
        """A row for each scrap: name, data, encoder, display."""
        import pandas as pd

        return pd.DataFrame([list(scrap) for scrap in self.values()], columns=list(Scrap._fields))

    def _repr_html_(self) -> str:
        from scrapdb.formats.html import table

        rows = ((name, scrap.encoder, _summary(scrap)) for name, scrap in self.items())
        return table(("name", "encoder", "value"), rows)


def _summary(scrap: Scrap) -> str:
    """Say in a line what a scrap is; a DataFrame is not decoded for that."""
    kinds = ", ".join((scrap.display or {}).get("data", {}))
    if scrap.encoder == "display":
        return kinds
    value = "DataFrame" if scrap.encoder == "pandas" else repr(scrap.data)
    short = value if len(value) <= _LONGEST_SHOWN else f"{value[: _LONGEST_SHOWN - 1]}…"
    return f"{short} ({kinds})" if kinds else short
