"""What a file says that is written by hand: YAML, JSON or TOML becomes a struct, or a sentence that names the place.

What YAML holds is text, as it was written, until an option or a parameter of the notebook asks for something else:
`no`, 007 and dates stay so.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import TypeVar
from typing import get_type_hints

import msgspec

from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.files import remote
from scrapdb.running.rows import tables

SUFFIXES = (".yaml", ".yml", ".json", ".toml")
_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_SQL = "sql:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})  # YAML 1.1, as the next ones
_TRUTHS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_EXPECTED = re.compile(r"Expected `([^`]+)`(.*?)(?:, got `(\w+)`)?(?: - at `\$\.?(.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.?(.*)`)?", re.DOTALL)
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "null": "nothing",
    "object": "an object",
    "str": "a text",
}
_S = TypeVar("_S", bound=msgspec.Struct)
_Kinds = Mapping[str, type[msgspec.Struct]]


def read(path: Path, kind: type[_S], below: _Kinds, called: str) -> _S:
    """Read a file.

    Args:
        path: of the file.
        kind: the struct that it becomes.
        below: the structs in it, or in lists in it, by the name under which they stand.
        called: what it is, for a sentence.

    Raises:
        UsageError: it cannot be read, or says something wrong; the sentence names the place.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{called} is read from {', '.join(SUFFIXES)}; not from {path}.")
    is_yaml = suffix in {".yaml", ".yml"}
    try:
        content = path.read_bytes()
        found = _yaml(content, kind, below) if is_yaml else _json(content) if suffix == ".json" else _toml(content)
        return msgspec.convert(found, kind, strict=not is_yaml)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_sentence(str(error), kind, below)}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split()).rstrip('.')}.") from error


def schema(kind: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """Return the JSON schema of such a file."""
    return {"$schema": _SCHEMA, "title": title, **msgspec.json.schema(kind)}


def located(path: str, base: Path) -> str:
    """Return a path as it is to be seen from the working directory; URLs, SQL and `-` stay as they are."""
    is_path = not (remote.is_url(path) or path.startswith(_SQL) or path == "-")
    return str(base / Path(path).expanduser()) if is_path else path


def _yaml(content: bytes, kind: type[msgspec.Struct], below: _Kinds) -> Any:
    said = tables.yaml_of(content)
    return _normal(said, kind, below) if isinstance(said, dict) else said


def _normal(said: Any, kind: type[msgspec.Struct], below: _Kinds) -> Any:
    """Leave out nulls, and let flags be true or false."""
    if not isinstance(said, dict):
        return said
    flags = {name for name, hint in get_type_hints(kind).items() if bool in {hint, *getattr(hint, "__args__", ())}}
    made: dict[str, Any] = {}
    for name, value in said.items():
        if isinstance(value, str) and value in _NULLS:
            continue
        if name in below:
            made[name] = (
                [_normal(each, below[name], below) for each in value]
                if isinstance(value, list)
                else _normal(value, below[name], below)
            )
        elif name in flags:
            made[name] = _TRUTHS.get(str(value).lower(), str(value).lower())
        else:
            made[name] = value
    return made


def _json(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"), object_pairs_hook=tables.unique)


def _toml(content: bytes) -> Any:
    return tomllib.loads(content.decode())


def _sentence(message: str, kind: type[msgspec.Struct], below: _Kinds) -> str:
    """Say what msgspec says, with the place in front."""
    if found := _UNKNOWN.fullmatch(message):
        known = below.get((found[2] or "").partition("[")[0], kind)
        place = f"{found[2]}.{found[1]}" if found[2] else found[1]
        return f"{place} is no option: {suggestion(found[1], known.__struct_encode_fields__)}"
    if found := _EXPECTED.fullmatch(message):
        wanted = " or ".join(_WORDS.get(word, word) for word in found[1].split(" | ") if word != "null")
        got = f", not {_WORDS.get(found[3], found[3])}" if found[3] else ""
        return f"{found[4] or 'the file'} has to be {wanted}{found[2]}{got}."
    if found := _MISSING.fullmatch(message):
        return f"{f'{found[2]}.' if found[2] else ''}{found[1]} is missing."
    return f"{message}."
