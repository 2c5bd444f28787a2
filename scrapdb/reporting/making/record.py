"""report.json: what became of a report, for the one who asked for it and for programs; written last, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from typing import Any

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.facts import KeptFile
from scrapdb.facts import Report
from scrapdb.facts import ReportState
from scrapdb.facts import State
from scrapdb.files.whole import whole_file
from scrapdb.reporting.making.order import Order
from scrapdb.running.kernels.redaction import redacted
from scrapdb.running.rows.parameters import plain

RECORD, NOTEBOOK, LOG = "report.json", "report.ipynb", "log.txt"
PAGES = {"html": "report.html", "pdf": "report.pdf"}
WELL = frozenset({"completed", "skipped"})
VERSION = 1


class OfBundle(msgspec.Struct, frozen=True, kw_only=True):
    """Of which bundle a report is: as it was called then, and the hash by which it was kept."""

    name: str
    version: str
    hash: str
    where: str


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a report, by its name in its directory."""

    name: Annotated[str, msgspec.Meta(pattern=r"^report\.[a-z]+$")]  # of no other directory: it is read, and pushed
    size: int
    sha256: str


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was pushed: to which URL, when, and what it was."""

    url: str
    page: str
    sha256: str
    at: str


class Trace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an error, of a cell or of a template.

    Args:
        name: of the error: `KeyError`.
        value: what it says.
        cell: index of the failing cell.
        file: the failing template.
        line: of it.
        source: of the cell, or lines of the template around that one.
        traceback: as the kernel wrote it, without colours.
        log: the last lines of log.txt.
    """

    name: str
    value: str
    cell: int | None = None
    file: str | None = None
    line: int | None = None
    source: str | None = None
    traceback: str | None = None
    log: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report.

    Args:
        version: of this format.
        id: the path of its directory below that of all reports.
        key: hash of bundle, parameters, language and kinds of pages.
        title: in its language.
        bundle: of which it was made.
        parameters: JSON values; no secrets.
        language: of its pages.
        state: `completed`, `skipped`, `error`, `timed out`, `killed`, `lost` or `cancelled`.
        reason: why, in a sentence.
        run: its row in `executions`.
        run_state: how the run ended, which can be well where the page failed.
        started_at, ended_at: of the run, in UTC.
        made_at: when its pages were made.
        seconds: from the start of the run to the pages.
        trace: of what failed.
        wall: what held the run.
        limits: what the run might use.
        peak_memory: bytes.
        cpu_seconds: processor time.
        host: name of the machine.
        attempt: from 1.
        pages: what was made.
        warnings: what was remarked.
        push: where the pages are to go, without their suffixes.
        pushed: where they went.
        push_errors: why they did not.
    """

    version: int = VERSION
    id: str
    key: str
    title: str
    bundle: OfBundle
    parameters: dict[str, Any]
    language: str
    state: ReportState
    reason: str | None = None
    run: str | None = None
    run_state: State | None = None
    started_at: str | None = None
    ended_at: str | None = None
    made_at: str | None = None
    seconds: float | None = None
    trace: Trace | None = None
    wall: str | None = None
    limits: dict[str, Any] | None = None
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    host: str | None = None
    attempt: int | None = None
    pages: tuple[File, ...] = ()
    warnings: tuple[str, ...] = ()
    push: tuple[str, ...] = ()
    pushed: tuple[Pushed, ...] = ()
    push_errors: tuple[str, ...] = ()


def called(state: str) -> Any:
    """Return how a report calls the state of its run."""
    return "error" if state == "failed" else state


def begun(order: Order, run: Execution) -> Record:
    """Return the record of a report of which only the run is known."""
    bundle = order.bundle
    return Record(
        id=order.id,
        key=order.key,
        title=bundle.config.title,
        bundle=OfBundle(name=bundle.name, version=bundle.config.version, hash=bundle.hash, where=bundle.where),
        parameters=plain(order.parameters),
        language=order.language,
        state=called(run.state),
        reason=run.reason,
        run=run.id,
        run_state=run.state,
        started_at=run.started_at,
        ended_at=run.ended_at,
        wall=run.wall,
        limits=run.limits,
        peak_memory=run.peak_memory,
        cpu_seconds=run.cpu_seconds,
        host=run.host,
        attempt=run.attempt,
        warnings=run.warnings,
        push=order.push,
    )


def read(directory: Path) -> Record:
    """Read the record of a report.

    Raises:
        ScrapdbError: there is none, or it is none.
    """
    try:
        return msgspec.json.decode((directory / RECORD).read_bytes(), type=Record)
    except OSError as error:
        raise ScrapdbError(f"There is no report in {directory}: {RECORD} cannot be read ({error.strerror}).") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ScrapdbError(f"{directory / RECORD} is no record of a report: {error}.") from error


def write(directory: Path, record: Record, files: Sequence[KeptFile] | None = None) -> None:
    """Write the record, and into the notebook what of it a store keeps.

    Args:
        directory: of the report.
        record: what became of it.
        files: those that are beside the notebook as files of its run, if not all that its record names.
    """
    notebook = directory / NOTEBOOK
    if notebook.exists():
        content = noted(notebook.read_bytes(), of(record), files)
        with whole_file(notebook) as temporary:
            temporary.write_bytes(content)
    with whole_file(directory / RECORD) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def without(record: Record, hidden: Sequence[str]) -> Record:
    """Return a record in which none of some texts stands."""
    return msgspec.convert(redacted(msgspec.to_builtins(record), hidden), Record) if hidden else record


def of(record: Record) -> Report:
    """Return what of a record a store keeps."""
    return Report(
        id=record.id,
        title=record.title,
        bundle=record.bundle.name,
        bundle_version=record.bundle.version,
        bundle_hash=record.bundle.hash,
        language=record.language,
        state=record.state,
        reason=record.reason,
        pages=tuple(page.name for page in record.pages),
        pushed=tuple(pushed.url for pushed in record.pushed),
        made_at=record.made_at,
    )


def noted(content: bytes, report: Report, files: Sequence[KeptFile] | None = None) -> bytes:
    """Return a notebook in whose metadata a report stands, and as files of its run these, if they are given."""
    notebook = json.loads(content)
    metadata = notebook.setdefault("metadata", {})
    ours = metadata.get("scrapdb")
    metadata["scrapdb"] = ours = {**(ours if isinstance(ours, dict) else {}), "report": msgspec.to_builtins(report)}
    if files is not None and isinstance(ours.get("run"), dict):
        ours["run"]["files"] = msgspec.to_builtins(files)
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def file(path: Path) -> File:
    """Return what a record says of a file."""
    content = path.read_bytes()
    return File(name=path.name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
