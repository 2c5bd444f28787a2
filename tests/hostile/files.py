"""Files that no reader should have to meet: a fixed list of them, and generators of more.

Each knows which problems scrapdb must find in it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap

MAX_BYTES = 2 * 2**20  # of a notebook, with which a directory of them is indexed
ESCAPES = "\x1b[31m\x1b]0;title\x07\r\x00\x9b2J\u202e"
WHOLE = content(gluing(x=1.5, text="é\u2028", nested={"a": [1, None, True]}))
_DOCUMENTED = Path(__file__).parents[2] / "docs" / "reading.md"


class Hostile(NamedTuple):
    """A file: what it is, how to make it, which problems there must be of it, and which there may be."""

    name: str
    make: bytes | Callable[[Path], None]
    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    readable: bool = False


def unreadable(name: str, make: bytes | Callable[[Path], None], kind: str) -> Hostile:
    return Hostile(name, make, frozenset({kind}))


def readable(name: str, make: Any, *must: str, may: Sequence[str] = ()) -> Hostile:
    document = make if isinstance(make, bytes) else content(make)
    return Hostile(name, document, frozenset(must), frozenset(may), readable=True)


def put(document: Any, part: bytes) -> bytes:
    """Write a notebook with `part` where it has "PART"."""
    return content(document).replace(b'"PART"', part)


@cache
def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(50)), "b": [str(n) for n in range(50)]}), file)
    return file.getvalue()


def frame(payload: bytes) -> dict[str, Any]:
    return notebook(code("", scrap("frame", base64.b64encode(payload).decode(), "pandas"), scrap("x", 1)))


def with_footer(footer: bytes, declared: int | None = None) -> bytes:
    size = len(footer) if declared is None else declared
    return b"PAR1" + footer + size.to_bytes(4, "little") + b"PAR1"


def fixed() -> Iterator[Hostile]:
    """The fixed list."""
    yield from _bytes()
    yield from _cut()
    yield from _notebooks()
    yield from _numbers()
    yield from _frames()
    yield from _no_files()


def _bytes() -> Iterator[Hostile]:
    yield unreadable("empty", b"", "empty")
    yield unreadable("blank", b" \r\n\t\n", "empty")
    yield unreadable("only a byte order mark", b"\xef\xbb\xbf", "empty")
    yield unreadable("zeros", b"\0" * 4096, "empty")
    yield unreadable("noise", random.Random(1).randbytes(4096).replace(b"\x7f", b"\x80"), "encoding")  # noqa: S311 - chance that can be repeated
    yield unreadable("latin-1", WHOLE.replace(rb"\u00e9", b"\xe9"), "encoding")
    yield unreadable("git lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "git-lfs")
    yield unreadable("html", b"<!DOCTYPE html><title>Log in</title>", "html")
    yield unreadable("xml", b"<?xml version='1.0'?><a/>", "json")
    yield unreadable("json that ends twice", WHOLE + b"}", "json")
    yield unreadable("a list", b"[1, 2]", "not a notebook")
    yield unreadable("no notebook", b'{"cells": []}', "not a notebook")
    yield unreadable("of the future", b'{"nbformat": 99, "cells": []}', "nbformat")
    yield unreadable("deep", b"[" * 10_000 + b"]" * 10_000, "nesting")
    yield unreadable("deeper", b'{"a":' * 200_000, "nesting")
    yield unreadable("large", b'{"a": "' + b"x" * (MAX_BYTES + 2**20) + b'"}', "too large")
    yield readable("byte order mark", b"\xef\xbb\xbf" + WHOLE)
    yield readable("utf-16", WHOLE.decode().encode("utf-16"))
    yield readable("utf-32", WHOLE.decode().encode("utf-32"))
    yield readable("many empty lines", WHOLE + b"\n" * 1000)
    yield unreadable(f"called {ESCAPES.replace(chr(0), '')}", b"", "empty")


def _cut() -> Iterator[Hostile]:
    whole = json.dumps(json.loads(WHOLE), ensure_ascii=False).encode()
    for place in sorted({*range(1, len(whole), 61), *range(len(whole) - 5, len(whole))}):
        yield unreadable(f"cut at {place}", whole[:place], "truncated")


def _notebooks() -> Iterator[Hostile]:
    healthy = scrap("x", 1)
    yield readable("NaN", put(notebook(code("", scrap("x", "PART"))), b"[NaN, -Infinity, Infinity]"))
    yield readable("duplicate keys", WHOLE.replace(b'"cells":', b'"cells": [], "metadata": [], "cells":'))
    yield readable(
        "surrogates", notebook(code("\ud800", scrap("\ud800", {"\udfff": "\ud800"}), error("\ud800", "\udc00")))
    )
    yield readable(
        "escapes", notebook(code("", scrap(ESCAPES, ESCAPES), error(ESCAPES, ESCAPES, [ESCAPES])), x=ESCAPES)
    )
    yield readable("escapes in parameters", notebook(papermill={"parameters": {ESCAPES: {ESCAPES: [ESCAPES]}}}))
    yield readable("an encoder of escapes", notebook(code("", scrap(ESCAPES, 1, ESCAPES))), "encoder")
    yield readable("escapes as type", notebook(code("", display(ESCAPES, {ESCAPES: ESCAPES, "text/html": ESCAPES}))))
    yield readable("repeated escapes", notebook(code("", scrap(ESCAPES, 1), scrap(ESCAPES, 2))), "repeated")
    yield readable("a long name", notebook(code("", scrap("n" * 10_000, "v" * 10_000), healthy)))
    yield readable("many names", notebook(code("", *(scrap(f"event-{n}", n) for n in range(1_000)))))
    yield readable("null outputs", {**notebook(), "cells": [code() | {"outputs": None}]}, "malformed")
    yield readable("cells that are none", notebook("text", None, 7, ["x"]), "malformed")
    yield readable("cells that are an object", {**notebook(), "cells": {}}, "malformed")
    yield readable("no base64", notebook(code("", scrap("frame", "é!", "pandas"), healthy)), "payload")
    yield readable("a picture that is none", notebook(code("", display("picture", {"image/png": "é"}), healthy)))
    deep = b"[" * 600 + b"]" * 600
    yield readable("a deep scrap", put(notebook(code("", scrap("deep", "PART"), healthy)), deep), "payload")
    yield readable("deep metadata", put(notebook(code("", healthy), x="PART"), deep), "metadata")
    yield readable("a broken parameter", notebook(code("x = (", tags=("parameters",)), code("", healthy)), "parameters")


def _numbers() -> Iterator[Hostile]:
    yield readable(
        "beyond 64 bit", notebook(code("", scrap("big", 2**64), scrap("small", -(2**70)), scrap("x", 10**400)))
    )
    long = b"9" * 5_000
    for name, document in {
        "a scrap": notebook(code("", scrap("big", "PART"), scrap("x", 1))),
        "a list": notebook(code("", scrap("big", [1, "PART"]), scrap("x", 1))),
        "a parameter": notebook(code("", scrap("x", 1)), papermill={"parameters": {"big": "PART"}}),
        "a count": notebook(code("", scrap("x", 1)) | {"execution_count": "PART"}),
        "a display": notebook(code("", display("big", {"application/json": "PART"}), scrap("x", 1))),
    }.items():
        yield readable(f"5,000 digits in {name}", put(document, long), "number")
        yield readable(f"minus 5,000 digits in {name}", put(document, b"-" + long), "number")
    yield readable(
        "5,000 digits in a default", notebook(code(f"x = {'9' * 5_000}", tags=("parameters",))), "parameters"
    )
    yield readable("an exponent", put(notebook(code("", scrap("x", "PART"))), b"1e400"))
    yield readable("a long fraction", put(notebook(code("", scrap("x", "PART"))), b"0." + b"3" * 100_000))


def _frames() -> Iterator[Hostile]:
    whole = parquet()
    footer = whole[-8 - int.from_bytes(whole[-8:-4], "little") : -8]
    for name, payload in {
        "nothing": b"",
        "text": b"a,b\n1,2\n",
        "only its magic": b"PAR1PAR1",
        "no end": whole[:-20],
        "no start": whole[-200:],
        "an empty footer": with_footer(b""),
        "a footer of 4 GB": with_footer(footer, 2**32 - 1),
        "a footer of a byte": with_footer(footer, 1),
        "a list of 2 billion": with_footer(b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07"),
        "a name of 2 GB": with_footer(b"\x15\x02\x19\x1c\x48\xff\xff\xff\xff\x07abc"),
        "nested structs": with_footer(b"\x1c" * 50_000),
        "encrypted": with_footer(footer)[:-4] + b"PARE",
    }.items():
        yield readable(f"parquet, {name}", frame(payload), "payload")
    yield from flipped(random.Random(2), 40)  # noqa: S311 - chance that can be repeated


def flipped(chance: random.Random, count: int) -> Iterator[Hostile]:
    """Parquet files with some bytes changed, most of them in the footer."""
    whole = parquet()
    for number in range(count):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            start = chance.choice([4, len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")])
            changed[chance.randrange(start, len(whole) - 4)] = chance.randrange(256)
        yield readable(f"parquet, flipped {number}", frame(bytes(changed)), may=["payload"])


def _no_files() -> Iterator[Hostile]:
    yield unreadable("a pipe", os.mkfifo, "not a file")
    yield unreadable("a link to nothing", lambda path: path.symlink_to("nothing"), "not a file")
    yield unreadable("a link to itself", lambda path: path.symlink_to(path.name), "not a file")
    yield unreadable("10 GB of nothing", lambda path: _sparse(path, 10 * 2**30), "too large")


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def generated(chance: random.Random) -> Iterator[Hostile]:
    """Endlessly more: whole notebooks that are cut, flipped, or have odd parts, of which nobody knows what is left."""
    anything = [b"null", b"[]", b"{}", b'""', b"-0", b"1e999", b"NaN", b'"\\ud800"', b'"nan"', b"9" * 4301, b"[" * 900]
    wholes = [made.make for made in _notebooks() if isinstance(made.make, bytes)]
    for number in range(1_000_000_000):
        document = bytearray(chance.choice(wholes))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(document) + 1)
            match chance.randrange(4):
                case 0:
                    del document[place : place + chance.choice([1, 2, 20, 10_000])]
                case 1:
                    document[place : place + 1] = chance.randbytes(chance.randint(1, 3))
                case 2:
                    document[place:place] = chance.choice(anything)
                case 3:
                    end = document.find(b",", place)
                    start = document.rfind(b":", 0, place)
                    document[start + 1 : max(end, start + 1)] = chance.choice(anything)
        yield Hostile(f"generated {number}", bytes(document), may=documented(), readable=True)


@cache
def documented() -> frozenset[str]:
    """The kinds of problems that the documentation lists."""
    problems = _DOCUMENTED.read_text().partition("## Problems")[2]
    return frozenset(re.findall(r"^\| `([^`]+)` \|", problems, re.MULTILINE))
