"""The values that travel between the rooms: scraps, parameters and what was found in one notebook.

All are frozen. They hold plain Python values and bytes; how a value is written in a notebook is the business of
`encoders` and `notebooks`, how it is kept in a store that of `store`. A scrap is `Glued`, as an output holds it, then
`Found` at its place, and at last `Decoded`.
"""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import Literal

import msgspec
from msgspec import UNSET

# How a run ended that a runner of ours has recorded.
State = Literal["running", "completed", "failed", "timed out", "killed", "skipped", "lost", "cancelled"]
# The same of a report, of which what failed may be its page.
ReportState = Literal["queued", "running", "completed", "error", "timed out", "killed", "skipped", "lost", "cancelled"]
Status = State | Literal["unreadable", "not run", "partial"]
ParameterSource = Literal["default", "recorded", "injected"]


class Expression(msgspec.Struct, frozen=True):
    """A parameter whose value only a run could tell: source text, never evaluated, and shown as it stands."""

    source: str

    def __repr__(self) -> str:
        return self.source


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


class Frame(msgspec.Struct, frozen=True):
    """A DataFrame, not read: its parquet file.

    Args:
        parquet: the bytes of the file.
        rows: how many rows it has.
        schema: name of each column and of its type, Arrow's or one of pandas' own, without those of the index.
    """

    parquet: bytes
    rows: int
    schema: tuple[tuple[str, str], ...]


class Decoded(msgspec.Struct, frozen=True):
    """A scrap of which every payload is decoded.

    Args:
        name: the name it was glued under.
        encoder: how its payload was written.
        place: where it was glued.
        value: a JSON value or a Frame, the payload itself if it cannot be decoded; UNSET if only a display was glued.
        displays: the bytes of what was shown for it, by MIME type.
        size: bytes of its payload and displays in the notebook.
        problems: what of it cannot be decoded.
    """

    name: str
    encoder: str
    place: Place
    value: Any = UNSET
    displays: dict[str, bytes] = {}
    size: int = 0
    problems: tuple[Problem, ...] = ()


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


Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class KeptFile(msgspec.Struct, frozen=True):
    """A file that a run wrote and that was kept: its path below the directory of those that were."""

    path: str
    bytes: Natural
    sha256: str | None = None


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a run: what its runner knows of it, and its cells do not.

    Args:
        state: how it ended.
        reason: why, in a few words that name limit, peak and cell.
        cell: in which cell it ended, as in Place.
        wall: what held it: `bubblewrap`, `landlock`, `limits` or `none`.
        limits: what it might use, those that were set.
        warm: whether its imports were done before it began.
        attempt: from 1.
        host: name of the machine.
        peak_memory: bytes that its processes had at once, at most.
        cpu_seconds: processor time of its processes.
        signal: that ended its kernel: `SIGKILL`.
        exit_code: of a kernel that ended by itself.
        started_at, ended_at: in UTC, as in Facts.
        id, batch: hexadecimal, as in `executions` of the store.
        code_hash: as in Facts, of the notebook that was executed.
        parameters_hash: SHA-256 of the parameters that were given.
        files: what was kept of the files that it wrote.
        warnings: what its runner remarked, in sentences.
    """

    state: State
    reason: str | None = None
    cell: Natural | None = None
    wall: str | None = None
    limits: dict[str, bool | Whole | float | str | list[str] | None] | None = None
    warm: bool | None = None
    attempt: Natural | None = None
    host: str | None = None
    peak_memory: Natural | None = None
    cpu_seconds: float | None = None
    signal: str | None = None
    exit_code: Whole | None = None
    started_at: str | None = None
    ended_at: str | None = None
    id: str | None = None
    batch: str | None = None
    code_hash: str | None = None
    parameters_hash: str | None = None
    files: tuple[KeptFile, ...] = ()
    warnings: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of a report, in the metadata of its notebook as `scrapdb.report`; the rest stands in report.json.

    Args:
        id: path of its directory below that of all reports: `voltage-en-1a2b3c4d`.
        state: how it ended; of one that has only been asked for `queued`.
        title: in its language.
        bundle: name of the bundle.
        bundle_version: as its author counts.
        bundle_hash: SHA-256 of its files.
        language: of the page.
        reason: why it ended so, in a sentence.
        pages: names of the files beside the notebook that were made: `report.html`, `report.pdf`.
        pushed: where it was pushed.
        made_at: when it was rendered, in UTC, as in Facts.
    """

    id: str
    state: ReportState
    title: str | None = None
    bundle: str | None = None
    bundle_version: str | None = None
    bundle_hash: str | None = None
    language: str | None = None
    reason: str | None = None
    pages: tuple[str, ...] = ()
    pushed: tuple[str, ...] = ()
    made_at: str | None = None


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
    scraps: tuple[Decoded, ...] = ()
    code: tuple[CodeCell, ...] = ()
    problems: tuple[Problem, ...] = ()
    execution: Execution | None = None
    report: Report | None = None
