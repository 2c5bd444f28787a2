"""Bytes of a notebook file to a typed notebook.

Two readers give the same notebook. The fast one is msgspec's typed decoder, which skips what nobody asked for and
leaves the values of MIME bundles undecoded. What it refuses (NaN tokens, byte order marks, UTF-16, lone surrogates,
parts of the wrong type) goes to the careful one: `json`, then every part checked by hand. Formats 1 to 3 are converted
by nbformat.

Source of the format: nbformat's JSON schema v4, https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Annotated
from typing import Any
from typing import TypeVar

import msgspec
from msgspec import Raw

from scrapdb.facts import Problem

FORMAT = 4
TOO_DEEP = "The JSON is nested too deeply."
_LARGEST = 2**31 - 1
_BLANKS = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # byte order marks are blanks, too
_HTML = (b"<!doctype", b"<html")
_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
_LFS = b"version https://git-lfs.github.com/spec/"
_LONGEST_WORD = len("-Infinity")

Count = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]


class UnreadableError(Exception):
    """The file is not a notebook that can be read; `problem` says why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(kind, message)


class Output(msgspec.Struct, frozen=True):
    """One output of a code cell. Values of `data` are undecoded JSON, or JSON values; read them with `value`."""

    output_type: str = ""
    data: dict[str, Raw] = {}
    metadata: dict[str, Any] = {}
    ename: str = ""
    evalue: str = ""
    traceback: list[str] | str = []


class CellMetadata(msgspec.Struct, frozen=True, rename={"colab": "executionInfo", "execute_time": "ExecuteTime"}):
    """What runners leave in a cell: papermill, nbclient (`execution`), Colab and the ExecuteTime extension."""

    tags: list[str] = []
    papermill: dict[str, Any] = {}
    execution: dict[str, Any] = {}
    colab: dict[str, Any] = {}
    execute_time: dict[str, Any] = {}


class Cell(msgspec.Struct, frozen=True):
    """One cell; `source` is a text or the list of its lines."""

    cell_type: str = ""
    id: str | None = None
    source: str | list[str] = ""
    metadata: CellMetadata = CellMetadata()
    execution_count: Count | None = None
    outputs: list[Output] = []


class Notebook(msgspec.Struct, frozen=True):
    """A notebook of format 4, and what was wrong with its parts."""

    nbformat: Count = 0
    nbformat_minor: Count = 0
    metadata: dict[str, Any] = {}
    cells: list[Cell] = []
    problems: tuple[Problem, ...] = ()


class _Head(msgspec.Struct):
    nbformat: int


class _Metadata(_Head):
    metadata: dict[str, Any] = {}


H = TypeVar("H", bound=_Head)

_decoder = msgspec.json.Decoder(Notebook)
_value_decoder = msgspec.json.Decoder()
_head_decoder = msgspec.json.Decoder(_Head)
_metadata_decoder = msgspec.json.Decoder(_Metadata)


def read(content: bytes) -> Notebook:
    """Read a notebook of any format.

    Raises:
        UnreadableError: it is empty, not JSON, not a notebook, or of a format that nobody knows yet.
    """
    try:
        return read_fast(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return read_careful(content)


def read_fast(content: bytes) -> Notebook:
    """Read a well-formed notebook of format 4 with msgspec; anything else is refused.

    Raises:
        msgspec.MsgspecError: not JSON to the letter, or a part has a wrong type, or another format.
        UnicodeError: not UTF-8.
        RecursionError: nested too deeply.
    """
    if not content.isascii():
        content.decode()  # the decoder does not look at the bytes of what it skips
    notebook = _decoder.decode(content)
    if notebook.nbformat != FORMAT or notebook.problems:
        raise msgspec.ValidationError("not of format 4")
    return notebook


def read_careful(content: bytes) -> Notebook:
    """Read any notebook with `json`, leaving out the parts that are malformed and saying so.

    Raises:
        UnreadableError: as `read`.
    """
    problems: list[Problem] = []
    document = _loads(content, problems)
    if not isinstance(document, dict):
        raise UnreadableError("not a notebook", f"The file holds {_kind(document)}, not a notebook.")
    major, minor = document.get("nbformat"), document.get("nbformat_minor")
    if major != FORMAT or isinstance(major, bool):
        document = _convert(document, major)
    cells = [_cell(cell, index, problems) for index, cell in enumerate(_typed(document, "cells", list, problems))]
    return Notebook(
        nbformat=_integer(major) or FORMAT,
        nbformat_minor=_integer(minor) or 0,
        metadata=_typed(document, "metadata", dict, problems),
        cells=cells,
        problems=tuple(problems),
    )


def is_sound(content: bytes) -> bool:
    """Return whether it is JSON of notebook format 4: ten times faster than decoding what nobody may ask for."""
    return _head(_head_decoder, content) is not None


def metadata(content: bytes) -> dict[str, Any]:
    """Read the metadata of a notebook, in two thirds of the time that its cells would take along.

    Raises:
        UnreadableError: as `read`.
    """
    head = _head(_metadata_decoder, content)
    return read(content).metadata if head is None else head.metadata


def value(part: Any) -> Any:
    """Decode a value of an output's `data`.

    Raises:
        msgspec.MsgspecError: msgspec refuses it; read the notebook again with `read_careful`.
    """
    return _value_decoder.decode(part) if isinstance(part, Raw) else part


def text(part: str | list[str]) -> str:
    """Join the lines that nbformat splits sources and text outputs into."""
    return part if isinstance(part, str) else "".join(part)


def mapping(part: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the object that stands under a key; an empty one if something else does."""
    member = part.get(key)
    return member if isinstance(member, dict) else {}


def _head(decoder: msgspec.json.Decoder[H], content: bytes) -> H | None:
    """Read what a decoder wants of a well-formed notebook of format 4, without its cells; None if it is another."""
    try:
        content.isascii() or content.decode()
        head = decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return head if head.nbformat == FORMAT else None


def _loads(content: bytes, problems: list[Problem]) -> Any:
    if not content.strip(_BLANKS):
        raise UnreadableError("empty", "The file holds only blanks." if content else "The file is empty.")
    try:
        return _json(content, problems)
    except UnicodeDecodeError as error:
        raise _not_text(content, error) from error
    except json.JSONDecodeError as error:
        raise _not_json(content, error) from error
    except RecursionError as error:
        raise UnreadableError("nesting", TOO_DEEP) from error


def _json(content: bytes, problems: list[Problem]) -> Any:
    """Parse JSON; integers of more digits than Python reads, whose time grows with their square, are null."""
    try:
        return json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise
    except ValueError:
        limit = sys.get_int_max_str_digits()
        document = json.loads(content, parse_int=lambda digits: int(digits) if len(digits) <= limit else None)
        message = f"Integers of more than {limit:,} digits are not read; null stands in their place."
        problems.append(Problem("number", message))
        return document


def _not_text(content: bytes, error: UnicodeDecodeError) -> UnreadableError:
    if error.reason in {"unexpected end of data", "truncated data"}:
        return UnreadableError("truncated", "The file ends in the middle of a character: it is half-written.")
    where = f"byte {content[error.start]:#04x} at offset {error.start:,}"
    return UnreadableError("encoding", f"The file is not UTF-8: {where}.")


def _not_json(content: bytes, error: json.JSONDecodeError) -> UnreadableError:
    start = content[:200].lstrip().lower()
    if start.startswith(_LFS):
        return UnreadableError("git-lfs", "The file is a Git LFS pointer; fetch the notebook with `git lfs pull`.")
    if start.startswith(_HTML):
        return UnreadableError("html", "The file is an HTML page, not a notebook.")
    if _ends_early(error):
        message = f"The file ends in the middle, at line {error.lineno:,}: it is half-written."
        return UnreadableError("truncated", message)
    return UnreadableError("json", f"Not JSON: {error.msg} at line {error.lineno:,}, column {error.colno:,}.")


def _ends_early(error: json.JSONDecodeError) -> bool:
    """Return whether the JSON is right but for its end, which may cut a word, a number or an escape in two."""
    text = error.doc.rstrip()
    if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
        return True
    return 0 < error.pos > len(text) - _LONGEST_WORD and not text.endswith("}")


def _convert(document: dict[str, Any], major: Any) -> dict[str, Any]:
    """Bring formats 1 to 3 to format 4, without nbformat's validation."""
    if isinstance(major, bool) or not isinstance(major, int):
        if "worksheets" not in document:
            reason = "has no format version (nbformat)" if major is None else "has a format version that is no integer"
            raise UnreadableError("not a notebook", f"The file is JSON, but {reason}.")
        major = 3
    if not 1 <= major < FORMAT:
        raise UnreadableError("nbformat", f"Notebook format {major} is not known; the newest known is {FORMAT}.")
    import nbformat  # 130 ms, and only old notebooks need it

    try:
        with warnings.catch_warnings(action="ignore"):  # of what the conversion itself makes up
            old = nbformat.versions[major].to_notebook_json(document, minor=document.get("nbformat_minor", 0))
            converted = dict(nbformat.convert(old, FORMAT))
    except Exception as error:  # a malformed document raises whatever it happens to raise
        message = f"A notebook of format {major} that cannot be converted ({type(error).__name__}: {error!s:.200})."
        raise UnreadableError("nbformat", message) from error
    for cell in converted["cells"]:
        cell.pop("id", None)  # invented, another one at every conversion
    return converted


def _cell(cell: Any, index: int, problems: list[Problem]) -> Cell:
    if not isinstance(cell, dict):
        problems.append(Problem("malformed", f"A cell is {_kind(cell)}, not an object; it is left out.", cell=index))
        return Cell()
    outputs = [
        _output(output, index, number, problems)
        for number, output in enumerate(_typed(cell, "outputs", list, problems, index))
    ]
    identity = cell.get("id")
    return Cell(
        cell_type=_string(cell.get("cell_type")),
        id=identity if isinstance(identity, str) else None,
        source=_lines(cell.get("source")),
        metadata=_cell_metadata(_typed(cell, "metadata", dict, problems, index)),
        execution_count=_integer(cell.get("execution_count")),
        outputs=outputs,
    )


def _cell_metadata(metadata: dict[str, Any]) -> CellMetadata:
    tags = metadata.get("tags")
    return CellMetadata(
        tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        papermill=mapping(metadata, "papermill"),
        execution=mapping(metadata, "execution"),
        colab=mapping(metadata, "executionInfo"),
        execute_time=mapping(metadata, "ExecuteTime"),
    )


def _output(output: Any, cell: int, number: int, problems: list[Problem]) -> Output:
    if not isinstance(output, dict):
        message = f"An output is {_kind(output)}, not an object; it is left out."
        problems.append(Problem("malformed", message, cell=cell, output=number))
        return Output()
    return Output(
        output_type=_string(output.get("output_type")),
        data=mapping(output, "data"),
        metadata=mapping(output, "metadata"),
        ename=_string(output.get("ename")),
        evalue=_string(output.get("evalue")),
        traceback=_lines(output.get("traceback")),
    )


def _typed(part: dict[str, Any], key: str, wanted: type, problems: list[Problem], cell: int | None = None) -> Any:
    """Return what stands under a key; something empty, and one more problem, if it is of another type."""
    member = part.get(key, wanted())
    if isinstance(member, wanted):
        return member
    problems.append(Problem("malformed", f"`{key}` is {_kind(member)}, not {_KINDS[wanted]}.", cell=cell))
    return wanted()


def _string(part: Any) -> str:
    return part if isinstance(part, str) else ""


def _lines(part: Any) -> str | list[str]:
    if isinstance(part, list):
        return [line for line in part if isinstance(line, str)]
    return _string(part)


def _integer(part: Any) -> int | None:
    if isinstance(part, float) and part.is_integer():
        part = int(part)
    return part if isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= _LARGEST else None


def _kind(part: Any) -> str:
    return _KINDS.get(type(part), "null")
