"""A notebook file and its facts as rows of the store. Pure, so that workers can do it in parallel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from scrapdb import facts
from scrapdb.store import tokens
from scrapdb.store.values import Stored
from scrapdb.store.values import store
from scrapdb.text import valid_json
from scrapdb.text import valid_text

INLINE_FRAME_BYTES = 65_536
COMMITTED = "git:"  # how the mark (`etag`) of what was read from a repository's objects begins; its blob follows
_PLAIN = 200  # lists and dicts; more might be nested too deeply


_CONTENT_HASH = 17  # its place in `Rows.notebook`


class File(NamedTuple):
    """A notebook file as it was when it was read. No `mtime_ns` and no `etag`: it could not be, and is read again."""

    path: str
    os_path: bytes | None = None
    size: int | None = None
    mtime_ns: int | None = None
    content_hash: str | None = None
    etag: str | None = None


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a store knows of a notebook file, to tell whether it changed."""

    id: int
    size: int | None
    mtime_ns: int | None
    etag: str | None
    content_hash: str | None
    status: str


class Rows(msgspec.Struct):
    """One notebook as rows, names still as texts.

    Tuples are in the order of the schema's columns, without the ids; `run_cells` are what the wide table shows of the
    values, (name, kind, value), and `parts` the names of which it does not tell all. `blobs` and `sidecars` map a
    SHA-256 to its bytes.
    """

    notebook: tuple[Any, ...]
    scraps: list[tuple[Any, ...]] = []
    parameters: list[tuple[Any, ...]] = []
    displays: list[tuple[Any, ...]] = []
    frames: list[tuple[Any, ...]] = []
    code_cells: list[tuple[Any, ...]] = []
    records: list[tuple[Any, ...]] = []
    reports: list[tuple[Any, ...]] = []
    problems: list[tuple[Any, ...]] = []
    run_cells: list[tuple[str, str, Any]] = []
    parts: list[str] = []
    blobs: dict[str, bytes] = {}
    sidecars: dict[str, bytes] = {}

    @property
    def path(self) -> str:
        """The path that identifies the notebook."""
        return str(self.notebook[0])

    @property
    def content_hash(self) -> str | None:
        """SHA-256 of the file, if it was read."""
        return None if self.notebook[_CONTENT_HASH] is None else str(self.notebook[_CONTENT_HASH])

    @property
    def status(self) -> str:
        """The status of the run."""
        return str(self.notebook[2])

    @property
    def run(self) -> tuple[Any, ...]:
        """Path, status, start, seconds, name and message of the error, and reason: what the wide table shows."""
        path, _, status, started_at, _, seconds, error_name, error_value, *_ = self.notebook
        return path, status, started_at, seconds, error_name, error_value, self.records[0][1] if self.records else None


def rows(file: File, notebook: facts.Facts) -> Rows:
    """Lay out the facts of a notebook."""
    problems = list(notebook.problems)
    made = Rows(_notebook(file, notebook, problems))
    made.code_cells += [
        (code.cell, _text(code.cell_id), code.execution_count, code.seconds, _text(code.source))
        for code in notebook.code
    ]
    if notebook.execution:
        made.records.append(_record(notebook.execution))
    if notebook.report:
        made.reports.append(_report(notebook.report))
    for problem in problems:
        _add_problem(made, problem)
    scraps = {_name(scrap.name): scrap for scrap in notebook.scraps}
    for name, scrap in scraps.items():
        _add_scrap(made, name, scrap)
    for name, parameter in {_name(parameter.name): parameter for parameter in notebook.parameters}.items():
        _add_parameter(made, name, parameter, shadowed=name in scraps)
    return made


def _notebook(file: File, notebook: facts.Facts, problems: list[facts.Problem]) -> tuple[Any, ...]:
    error = notebook.error
    raised = (_text(error.name), _text(error.value), error.cell, _text(error.traceback)) if error else (None,) * 4
    return (
        file.path,
        file.os_path,
        notebook.status,
        notebook.started_at,
        notebook.ended_at,
        notebook.seconds,
        *raised,
        _text(notebook.kernel),
        _text(notebook.language),
        _text(notebook.source),
        file.size,
        mtime(file.mtime_ns),
        kept_mtime(file.mtime_ns),
        _text(file.etag),
        file.content_hash,
        notebook.code_hash,
        notebook.nbformat,
        notebook.cells,
        _metadata(notebook, problems),
    )


def _record(run: facts.Execution) -> tuple[Any, ...]:
    texts = (run.started_at, run.ended_at, run.id, run.batch, run.code_hash, run.parameters_hash)
    return (
        run.state,
        _text(run.reason),
        run.cell,
        _text(run.wall),
        valid_json(run.limits) if run.limits else None,
        run.warm,
        run.attempt,
        _text(run.host),
        run.peak_memory,
        run.cpu_seconds,
        _text(run.signal),
        run.exit_code,
        *map(_text, texts),
        valid_json(msgspec.to_builtins(run.files)) if run.files else None,
        valid_json(run.warnings) if run.warnings else None,
    )


def _report(report: facts.Report) -> tuple[Any, ...]:
    bundle = (report.title, report.bundle, report.bundle_version, report.bundle_hash, report.language)
    return (
        _text(report.id),
        report.state,
        *map(_text, bundle),
        _text(report.reason),
        valid_json(report.pages) if report.pages else None,
        valid_json(report.pushed) if report.pushed else None,
        report.made_at,
    )


def mtime(mtime_ns: int | None) -> str | None:
    """Write a file's time as the store keeps times."""
    if mtime_ns is None:
        return None
    try:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    microseconds = mtime_ns % 1_000_000_000 // 1000
    return f"{moment.replace(microsecond=microseconds, tzinfo=None).isoformat('T', 'microseconds')}Z"


def kept_mtime(mtime_ns: int | None) -> int | None:
    """Return a file's time if SQLite can hold it, as it can from 1677 to 2262; the file is read again if not."""
    return mtime_ns if mtime_ns is not None and -(2**63) <= mtime_ns < 2**63 else None


def _metadata(notebook: facts.Facts, problems: list[facts.Problem]) -> str | None:
    try:
        return None if notebook.metadata is None else _json(notebook.metadata)
    except RecursionError:
        problems.append(facts.Problem("metadata", "The notebook's metadata are nested too deeply; they are left out."))
        return None


def _json(metadata: dict[str, Any]) -> str:
    """Write what `valid_json` writes, five times as fast where msgspec can."""
    try:
        text = msgspec.json.encode(metadata).decode()
    except (UnicodeError, ValueError, TypeError, OverflowError, RecursionError):
        return valid_json(metadata)
    return text if text.count("[") + text.count("{") < _PLAIN else valid_json(metadata)


def _add_problem(made: Rows, problem: facts.Problem) -> None:
    made.problems.append(
        (problem.cell, problem.output, _text(problem.name), problem.kind, _text(problem.message) or "")
    )


def _add_scrap(made: Rows, name: str, scrap: facts.Decoded) -> None:
    for problem in scrap.problems:
        _add_problem(made, problem)
    if isinstance(scrap.value, facts.Frame):
        stored, token = Stored("frame"), _add_frame(made, name, scrap.value)
    else:
        stored, token = Stored("display") if scrap.value is UNSET else store(scrap.value), None
    if scrap.displays:
        digests = _add_displays(made, name, scrap.displays)
        token = tokens.display_token(digests) if stored.type == "display" else token
    _add_cell(made, name, stored, token)
    place = scrap.place
    where = (place.cell, _text(place.cell_id), place.output, place.execution_count)
    made.scraps.append((name, *stored, _name(scrap.encoder), scrap.size, *where))


def _add_frame(made: Rows, name: str, frame: facts.Frame) -> str:
    digest, size, columns = hashlib.sha256(frame.parquet).hexdigest(), len(frame.parquet), len(frame.schema)
    inline = size <= INLINE_FRAME_BYTES
    (made.blobs if inline else made.sidecars)[digest] = frame.parquet
    schema = valid_json([{"name": column, "type": type_} for column, type_ in frame.schema])
    made.frames.append((name, frame.rows, columns, schema, digest, size, "inline" if inline else "sidecar"))
    return tokens.frame_token(frame.rows, columns, digest)


def _add_displays(made: Rows, name: str, displays: Mapping[str, bytes]) -> dict[str, str]:
    """Add the displays, and return their SHA-256 by MIME type."""
    digests = {}
    for mime, content in {_name(mime): content for mime, content in displays.items()}.items():
        digest = digests[mime] = hashlib.sha256(content).hexdigest()
        made.blobs[digest] = content
        made.displays.append((name, mime, digest, len(content)))
    return digests


def _add_parameter(made: Rows, name: str, parameter: facts.Parameter, *, shadowed: bool) -> None:
    try:
        stored = store(parameter.value)
    except RecursionError:
        _add_problem(made, facts.Problem("parameters", "The value is nested too deeply.", parameter.name))
        stored = Stored("null")
    made.parameters.append((name, *stored, parameter.source, int(shadowed)))
    _add_cell(made, name, stored, None, shadowed=shadowed)


def _add_cell(made: Rows, name: str, stored: Stored, token: str | None, *, shadowed: bool = False) -> None:
    if not shadowed and (shown := tokens.cell(name, stored, token)):
        made.run_cells.append(shown)
    if not tokens.is_whole(stored):
        made.parts.append(name)


def _name(name: str) -> str:
    if name.isascii() and "\0" not in name:
        return name
    valid = valid_text(name)
    return valid.replace("\0", "\\u0000") if "\0" in valid else valid


def _text(text: str | None) -> str | None:
    return None if text is None else _name(text)
