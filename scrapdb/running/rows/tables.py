"""Rows of parameters in files: CSV, TSV, JSON, JSON lines, YAML and parquet. Each gives the rows of bytes.

What stands in CSV and YAML is text, whatever it looks like; an empty cell of CSV, and a null of parquet, is not given.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.running.rows.values import Text

_INDEX = re.compile(r"__index_level_\d+__")  # how pandas names in parquet an index without a name
_PARQUET = b"PAR1"
Rows = list[dict[str, Any]]


def read(content: bytes, source: str) -> Rows:
    """Read rows of a format that the source's suffix tells, or the content if it has none.

    Raises:
        UsageError: they cannot be read.
    """
    suffix = re.search(r"\.(\w+)$", source)
    name = suffix[1].lower() if suffix else _guessed(content)
    if name not in _FORMATS:
        known = ", ".join(f".{each}" for each in _FORMATS)
        raise UsageError(f"Rows of parameters are read from {known}, or `-`; not from {source}.")
    try:
        return _FORMATS[name](content)
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is not UTF-8: {error.reason} at offset {error.start:,}.") from error
    except (ValueError, csv.Error, RecursionError) as error:  # pyarrow's errors of content are ValueErrors
        raise UsageError(f"{source} cannot be read as {name.upper()}: {_line(error)}.") from error


def yaml_of(content: bytes | str) -> Any:
    """Read YAML whose scalars all stay text, so that `no`, 007 and dates are what was written.

    Raises:
        UsageError: it is no YAML, or PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise UsageError("YAML is read by PyYAML, which is not installed: `pip install 'scrapdb[run]'`.") from None
    try:
        node = yaml.compose(content, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"it is no YAML: {_line(error)}.") from error
    return None if node is None else _of_node(node)


def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members.

    Raises:
        ValueError: two have one name, of which one would be lost.
    """
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"{name} stands twice in one object")
        members[name] = value
    return members


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _guessed(content: bytes) -> str:
    if content.startswith(_PARQUET):
        return "parquet"
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"[":
        return "json"
    if start == b"{":
        return "jsonl"
    return "tsv" if b"\t" in content.partition(b"\n")[0] else "csv"


def _csv(content: bytes, delimiter: str = ",") -> Rows:
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True)
    filled = (cells for cells in reader if cells)
    header = [name.strip() for name in next(filled, [])]
    if "" in header:
        raise UsageError(f"column {header.index('') + 1} has no name; pandas writes no index with `index=False`.")
    if doubled := [name for place, name in enumerate(header) if name in header[:place]]:
        raise UsageError(f"two columns are called {doubled[0]}.")
    return [_row(header, cells, reader.line_num) for cells in filled]


def _row(header: list[str], cells: list[str], line: int) -> dict[str, Any]:
    if len(cells) != len(header):
        raise UsageError(f"line {line} has {len(cells)} cells, the first {len(header)}.")
    return {name: Text(cell) for name, cell in zip(header, cells, strict=True) if cell}


def _tsv(content: bytes) -> Rows:
    return _csv(content, "\t")


def _json(content: bytes) -> Rows:
    return _objects(json.loads(content.decode("utf-8-sig"), object_pairs_hook=unique))


def _json_lines(content: bytes) -> Rows:
    text = content.decode("utf-8-sig")
    try:
        return _json(content)  # one object over many lines
    except json.JSONDecodeError:
        return _objects([json.loads(line, object_pairs_hook=unique) for line in text.split("\n") if line.strip()])


def _yaml(content: bytes) -> Rows:
    return _objects(yaml_of(content))


def _parquet(content: bytes) -> Rows:
    from pyarrow import parquet

    rows = parquet.read_table(io.BytesIO(content)).to_pylist()
    return [
        {name: value for name, value in row.items() if value is not None and not _INDEX.fullmatch(name)} for row in rows
    ]


def _objects(value: Any) -> Rows:
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError("a list of objects is wanted, one for each run.")
    return rows


def _of_node(node: Any) -> Any:
    """Make Python of a node of YAML; its scalars are texts."""
    if isinstance(node.value, str):
        return Text(node.value)
    if node.value and isinstance(node.value[0], tuple):
        return unique((str(_of_node(key)), _of_node(item)) for key, item in node.value)
    return {} if node.id == "mapping" else [_of_node(item) for item in node.value]


_FORMATS: dict[str, Callable[[bytes], Rows]] = {
    "csv": _csv,
    "tsv": _tsv,
    "json": _json,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
    "yaml": _yaml,
    "yml": _yaml,
    "parquet": _parquet,
}
