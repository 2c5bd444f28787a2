"""The values that travel between the rooms: scraps, parameters and what was found in one notebook.

All are frozen. They hold plain Python values and bytes; how a value is written in a notebook is the business of
`encoders` and `wire`, how it is kept in a store that of `store`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal
from typing import NamedTuple

import msgspec
from msgspec import UNSET

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["unreadable", "failed", "running", "not run", "partial", "completed"]
ParameterSource = Literal["default", "recorded", "injected"]
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
        from scrapdb.formats.html import NO_MATH
        from scrapdb.formats.html import bundle
        from scrapdb.formats.html import decoded

        del include, exclude
        shown = bundle(decoded((self.display or {}).get("data", {})))
        if self.encoder == "pandas" and shown.keys() <= {"text/plain"} and hasattr(self.data, "_repr_html_"):
            shown["text/html"] = f"<div {NO_MATH}>{self.data._repr_html_()}</div>"
        return shown

    def _repr_pretty_(self, printer: Any, _: bool) -> None:  # noqa: FBT001 - IPython's signature
        """Be printed by IPython as the tuple it is, but without the pages of base64 of its display."""
        shown = f"<{', '.join(self.display.get('data', {}))}>" if self.display else None
        printer.text(f"Scrap(name={self.name!r}, data={self.data!r}, encoder={self.encoder!r}, display={shown})")


class Scraps(OrderedDict[str, Scrap]):
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


class Expression(msgspec.Struct, frozen=True):
    """The default of a parameter that is not a literal: source text, never evaluated."""

    source: str


class Place(msgspec.Struct, frozen=True):
    """Where something stands in a notebook.

    `cell` counts from 0 and leaves out the marker cells that papermill inserts at an error, so that it is the index of
    the cell in the notebook that was run; `output` counts from 0 in the cell.
    """

    cell: int
    output: int
    cell_id: str | None = None
    execution_count: int | None = None


class Glued(msgspec.Struct, frozen=True):
    """A scrap as a wire format wrote it: the payload is not decoded yet.

    Args:
        name: the name it was glued under.
        encoder: how the payload was written: `json`, `text`, `pandas`, `display` or a user's own.
        data: the payload, a JSON value; UNSET if only a display was glued.
        display: the MIME bundle that was shown for it, or None.
        types: what parts of the value were before they became JSON, by their place in it (see `encoders.plain`).
    """

    name: str
    encoder: str
    data: Any = UNSET
    display: dict[str, Any] | None = None
    types: dict[str, str] = {}


class Found(msgspec.Struct, frozen=True):
    """A glued scrap and its place."""

    glued: Glued
    place: Place


class Parameter(msgspec.Struct, frozen=True):
    """An effective parameter of a run: `value` is a JSON value or an Expression."""

    name: str
    value: Any
    source: ParameterSource


class Problem(msgspec.Struct, frozen=True):
    """Something that could not be read, or was read and is suspicious."""

    kind: str
    message: str
    name: str | None = None
    cell: int | None = None
    output: int | None = None


class RunError(msgspec.Struct, frozen=True):
    """The error that ended a run."""

    name: str
    value: str
    cell: int | None
    traceback: str


class CodeCell(msgspec.Struct, frozen=True):
    """A code cell that a run executes: `cell` as in Place; `source` only where it glued something or failed."""

    cell: int
    cell_id: str | None
    execution_count: int | None
    seconds: float | None
    source: str | None


class Facts(msgspec.Struct, frozen=True):
    """Everything that scrapdb keeps of one notebook. Times are UTC, `seconds` is the duration of the run."""

    status: Status
    started_at: str | None = None
    ended_at: str | None = None
    seconds: float | None = None
    error: RunError | None = None
    kernel: str | None = None
    language: str | None = None
    source: str | None = None
    code_hash: str | None = None
    nbformat: str | None = None
    cells: int | None = None
    metadata: dict[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    scraps: tuple[Found, ...] = ()
    code: tuple[CodeCell, ...] = ()
    problems: tuple[Problem, ...] = ()


def _summary(scrap: Scrap) -> str:
    """Say in a line what a scrap is; a DataFrame is not decoded for that."""
    kinds = ", ".join((scrap.display or {}).get("data", {}))
    if scrap.encoder == "display":
        return kinds
    value = "DataFrame" if scrap.encoder == "pandas" else repr(scrap.data)
    short = value if len(value) <= _LONGEST_SHOWN else f"{value[: _LONGEST_SHOWN - 1]}…"
    return f"{short} ({kinds})" if kinds else short
