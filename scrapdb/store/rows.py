"""The facts of one notebook as rows of the store. Pure, so that workers can do it in parallel."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import msgspec
from msgspec import UNSET

from scrapdb import encoders
from scrapdb.encoders import base64
from scrapdb.encoders import pandas
from scrapdb.errors import EncoderError
from scrapdb.facts import Facts
from scrapdb.facts import Found
from scrapdb.facts import Parameter
from scrapdb.facts import Place
from scrapdb.facts import Problem
from scrapdb.store.marks import File
from scrapdb.store.marks import kept_mtime
from scrapdb.store.marks import mtime
from scrapdb.store.tokens import cell
from scrapdb.store.tokens import display_token
from scrapdb.store.tokens import frame_token
from scrapdb.store.values import Stored
from scrapdb.store.values import store
from scrapdb.store.values import valid_json
from scrapdb.text import valid_text

INLINE_FRAME_BYTES = 65_536
_PLAIN = 200  # lists and dicts; more might be nested too deeply
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TEXT_MIME_TYPES = ("text/", "application/javascript", "image/svg+xml", "application/xml")
_JSON_MIME_TYPES = ("application/json", "+json")
_UNREADABLE = (EncoderError, TypeError, ValueError, RecursionError)


class Rows(msgspec.Struct):
    """One notebook as rows, names still as texts.

    Tuples are in the order of the schema's columns, without the ids. `code` are the code cells, `cells` those of the
    wide table: (name, number or text, value). `blobs` and `sidecars` map a SHA-256 to its bytes.
    """

    notebook: tuple[Any, ...]
    scraps: list[tuple[Any, ...]] = []
    parameters: list[tuple[Any, ...]] = []
    displays: list[tuple[Any, ...]] = []
    frames: list[tuple[Any, ...]] = []
    code: list[tuple[Any, ...]] = []
    problems: list[tuple[Any, ...]] = []
    cells: list[tuple[str, str, Any]] = []
    blobs: dict[str, bytes] = {}
    sidecars: dict[str, bytes] = {}

    @property
    def path(self) -> str:
        """The path that identifies the notebook."""
        return str(self.notebook[0])

    @property
    def status(self) -> str:
        """The status of the run."""
        return str(self.notebook[2])

    @property
    def run(self) -> tuple[Any, ...]:
        """Path, status, start, seconds, and name and message of the error: what the wide table shows of a notebook."""
        path, _, status, started_at, _, seconds, error_name, error_value, *_ = self.notebook
        return path, status, started_at, seconds, error_name, error_value


def rows(file: File, facts: Facts) -> Rows:
    """Lay out the facts of a notebook."""
    problems = list(facts.problems)
    made = Rows(_notebook(file, facts, problems))
    made.code += [
        (cell.cell, _text(cell.cell_id), cell.execution_count, cell.seconds, _text(cell.source)) for cell in facts.code
    ]
    for problem in problems:
        _add_problem(made, problem)
    scraps = {_name(found.glued.name): found for found in facts.scraps}
    for name, found in scraps.items():
        _add_scrap(made, name, found)
    for name, parameter in {_name(parameter.name): parameter for parameter in facts.parameters}.items():
        _add_parameter(made, name, parameter, shadowed=name in scraps)
    return made


def _notebook(file: File, facts: Facts, problems: list[Problem]) -> tuple[Any, ...]:
    error = facts.error
    raised = (_text(error.name), _text(error.value), error.cell, _text(error.traceback)) if error else (None,) * 4
    return (
        file.path,
        file.os_path,
        facts.status,
        facts.started_at,
        facts.ended_at,
        facts.seconds,
        *raised,
        _text(facts.kernel),
        _text(facts.language),
        _text(facts.source),
        file.size,
        mtime(file.mtime_ns),
        kept_mtime(file.mtime_ns),
        _text(file.etag),
        file.content_hash,
        facts.code_hash,
        facts.nbformat,
        facts.cells,
        _metadata(facts, problems),
    )


def _metadata(facts: Facts, problems: list[Problem]) -> str | None:
    try:
        return None if facts.metadata is None else _json(facts.metadata)
    except RecursionError:
        problems.append(Problem("metadata", "The notebook's metadata are nested too deeply; they are left out."))
        return None


def _json(metadata: dict[str, Any]) -> str:
    """Write what `valid_json` writes, five times as fast where msgspec can."""
    try:
        text = msgspec.json.encode(metadata).decode()
    except (UnicodeError, ValueError, TypeError, OverflowError, RecursionError):
        return valid_json(metadata)
    return text if text.count("[") + text.count("{") < _PLAIN else valid_json(metadata)


def _add_problem(made: Rows, problem: Problem) -> None:
    made.problems.append(
        (problem.cell, problem.output, _text(problem.name), problem.kind, _text(problem.message) or "")
    )


def _add_scrap(made: Rows, name: str, found: Found) -> None:
    glued, place = found.glued, found.place
    try:
        stored, token = _stored(made, name, found)
    except _UNREADABLE as error:
        stored, token = _undecoded(made, found, error), None
    size = _size(glued.data)
    if glued.display:
        size += sum(map(_size, glued.display.values()))
        digests = _add_displays(made, name, glued.display, place)
        token = display_token(digests) if stored.type == "display" else token
    if shown := cell(name, stored, token):
        made.cells.append(shown)
    where = (place.cell, _text(place.cell_id), place.output, place.execution_count)
    made.scraps.append((name, *stored, _name(glued.encoder), size, *where))


def _stored(made: Rows, name: str, found: Found) -> tuple[Stored, str | None]:
    glued = found.glued
    if glued.data is UNSET:
        return Stored("display"), None
    if glued.encoder == pandas.NAME:
        return Stored("frame"), _add_frame(made, name, pandas.parquet(glued.data))
    if encoder := encoders.BY_NAME.get(glued.encoder):
        return store(encoder.decode(glued.data)), None
    message = f"No encoder is called {glued.encoder!r}; the payload is kept as it is."
    _add_problem(made, Problem("encoder", message, glued.name, found.place.cell, found.place.output))
    return store(glued.data), None


def _undecoded(made: Rows, found: Found, error: Exception) -> Stored:
    """Keep a payload that cannot be decoded as it stands, and say why."""
    glued, place = found.glued, found.place
    message = "The value is nested too deeply." if isinstance(error, RecursionError) else str(error)
    _add_problem(made, Problem("payload", message, glued.name, place.cell, place.output))
    try:
        return store(glued.data)
    except RecursionError:
        return Stored("null")


def _add_frame(made: Rows, name: str, parquet: bytes) -> str:
    summary = pandas.summary(parquet)
    digest = hashlib.sha256(parquet).hexdigest()
    inline = len(parquet) <= INLINE_FRAME_BYTES
    (made.blobs if inline else made.sidecars)[digest] = parquet
    schema = valid_json([{"name": column, "type": kind} for column, kind in summary.schema])
    place = "inline" if inline else "sidecar"
    made.frames.append((name, summary.rows, summary.columns, schema, digest, len(parquet), place))
    return frame_token(summary.rows, summary.columns, digest)


def _add_displays(made: Rows, name: str, display: dict[str, Any], place: Place) -> dict[str, str]:
    shown = {}
    for mime, part in {_name(mime): part for mime, part in display.items()}.items():
        try:
            content = _display(mime, part)
        except RecursionError:
            message = f"The display {mime} is nested too deeply; it is left out."
            _add_problem(made, Problem("payload", message, name, place.cell, place.output))
            continue
        digest = hashlib.sha256(content).hexdigest()
        made.blobs[digest] = content
        made.displays.append((name, mime, digest, len(content)))
        shown[mime] = digest
    return shown


def _display(mime: str, part: Any) -> bytes:
    """Return the bytes of one MIME type: text as UTF-8, JSON as compact JSON, everything else decoded from base64."""
    is_json = mime.endswith(_JSON_MIME_TYPES)
    if isinstance(part, list) and not is_json and all(isinstance(line, str) for line in part):
        part = "".join(part)
    if is_json or not isinstance(part, str):
        return valid_json(part).encode()
    if not mime.startswith(_TEXT_MIME_TYPES):
        try:
            return base64.decode(part)
        except ValueError:
            return valid_text(part).encode()
    return valid_text(part).encode()


def _add_parameter(made: Rows, name: str, parameter: Parameter, *, shadowed: bool) -> None:
    try:
        stored = store(parameter.value)
    except RecursionError:
        _add_problem(made, Problem("parameters", "The value is nested too deeply.", parameter.name))
        stored = Stored("null")
    made.parameters.append((name, *stored, parameter.source, int(shadowed)))
    if not shadowed and (shown := cell(name, stored, None)):
        made.cells.append(shown)


def _size(data: Any) -> int:
    """Count the bytes of a payload: of a text itself, of anything else as compact JSON."""
    if data is UNSET:
        return 0
    if isinstance(data, int) or (isinstance(data, float) and math.isfinite(data)):
        return len(repr(data))  # True is as long as true
    try:
        text = data if isinstance(data, str) else _encode(data)
    except RecursionError:
        return 0
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _name(name: str) -> str:
    if name.isascii() and "\0" not in name:
        return name
    valid = valid_text(name)
    return valid.replace("\0", "\\u0000") if "\0" in valid else valid


def _text(text: str | None) -> str | None:
    return None if text is None else _name(text)
