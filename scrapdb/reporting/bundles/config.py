"""config.json: what a bundle says of itself."""

from __future__ import annotations

from typing import Any
from typing import Literal

import msgspec

Kind = Literal["text", "number", "integer", "boolean", "date", "choice"]
FILE = "config.json"


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter that whoever asks for a report can give.

    Args:
        type: what it takes.
        label: what people read, in the language of the source; by default its name.
        default: its value if none is given.
        required: whether it has to be given; by default if it has no default.
        choices: what a choice is among.
        range: the least and the greatest of a number, an integer or a date; null where there is no end.
    """

    type: Kind = "text"
    label: str | None = None
    default: Any = None
    required: bool | None = None
    choices: tuple[str | int | float, ...] = ()
    range: tuple[Any, Any] | None = None


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a report may use, as `scrapdb run` has it: seconds or bytes, or a text such as 5m and 2GB.

    Args:
        timeout: for the whole run.
        cell_timeout: for one cell.
        memory: of all its processes.
        cpu: seconds of a processor.
        disk: of what it writes.
        output: of output.json and of each file that the page shows.
        page: of the page.
    """

    timeout: float | str = "120s"
    cell_timeout: float | str | None = None
    memory: float | str | None = "2GB"
    cpu: float | str | None = None
    disk: float | str | None = "1GB"
    output: float | str = "16MB"
    page: float | str = "64MB"


class Config(msgspec.Struct, frozen=True, kw_only=True, rename={"schema": "$schema"}, forbid_unknown_fields=True):
    """What config.json says.

    Args:
        schema: address of the JSON schema, for editors.
        title: of the report, in the language of the source.
        version: of the bundle.
        parameters: by name.
        languages: that it has, the language of the source first.
        kernel: name of a kernelspec; by default the notebook's.
        limits: what a report may use.
        network: whether it needs the network, which whoever runs it has to grant.
        outputs: what is made of it, `html` and `pdf`.
        asks: patterns of sentences by which it is asked for, `voltage of (site) from (from_day) to (to_day)`.
    """

    schema: str | None = None
    title: str
    version: str = "1"
    parameters: dict[str, Parameter] = {}
    languages: tuple[str, ...] = ("en",)
    kernel: str | None = None
    limits: Bounds = Bounds()
    network: bool = False
    outputs: tuple[Literal["html", "pdf"], ...] = ("html",)
    asks: tuple[str, ...] = ()
