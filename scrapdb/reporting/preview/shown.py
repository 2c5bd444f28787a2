"""What the page of a preview shows. All of it becomes JSON."""

from __future__ import annotations

from typing import Any
from typing import Literal

import msgspec

Step = Literal["reading", "running", "rendering", "done"]


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What whoever looks at it has chosen: the language, and parameters by name."""

    language: str
    parameters: dict[str, Any] = {}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter in the form: as config.json has it, and its value as text; None if it has none."""

    name: str
    type: str
    label: str
    required: bool
    choices: tuple[str, ...] = ()
    least: str | None = None
    greatest: str | None = None
    value: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no report.

    Args:
        what: what is wrong, in a few words.
        message: the sentence.
        file: in which file, if it is one.
        line: on which line of it, from 1.
        source: that line and those around it, each with its number.
        trace: the kernel's.
        log: what the notebook has printed.
    """

    what: str
    message: str
    file: str | None = None
    line: int | None = None
    source: tuple[tuple[int, str], ...] = ()
    trace: str = ""
    log: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be seen.

    Args:
        version: counts the changes.
        step: what is being done, in the words of `told`.
        title: of the bundle.
        languages: among which one is chosen.
        choice: what is chosen.
        fields: the parameters.
        html: the page; None if there is none yet, or a problem.
        problem: why there is none.
        warnings: sentences.
        log: what the notebook has printed.
        ran: whether the notebook was run for it, and not only its page made again.
        seconds: how long it took.
    """

    version: int = 0
    step: Step = "reading"
    told: str = ""
    title: str = ""
    languages: tuple[str, ...] = ()
    choice: Choice = Choice("")
    fields: tuple[Field, ...] = ()
    html: str | None = None
    problem: Problem | None = None
    warnings: tuple[str, ...] = ()
    log: str = ""
    ran: bool = False
    seconds: float = 0.0
