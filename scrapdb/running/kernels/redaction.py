"""Secrets taken out of what a notebook showed: as they are, and as JSON, HTML, a URL, hexadecimal or base64 have them.

What it cannot be taken out of is left out: tables, and base64 and compressed bytes with a secret in them. What is not
found: pictures of a secret, parts of it, and what a notebook has made of it by turning it round or encrypting it.
"""

from __future__ import annotations

import base64
import copy
import html
import itertools
import json
import re
import zlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote
from urllib.parse import quote_plus

from msgspec.structs import replace

from scrapdb.facts import Execution

if TYPE_CHECKING:
    from nbformat import NotebookNode

_BINARY = 16  # characters of base64, and none of a word
_LONG = 8  # characters that are found by no accident
_PARQUET = b"PAR1"
_MARK = "[secret]"
_OF_CELL = {"source", "metadata", "attachments"}
_OF_OUTPUT = {"text", "data", "metadata", "ename", "evalue", "traceback"}
_GAP = (
    r"(?:[\r\n]|\\[rn]|\x1b\[[0-9;]*m)"  # between pieces of one text: ends of lines, as JSON has them too, and colours
)
_GAPS = re.compile(_GAP), re.compile(_GAP.encode() + rb"|\0")  # between bytes zeros, too, as UTF-16 has them
_WHOLE_BASE64 = re.compile(r"[A-Za-z0-9+/\n]+=*\n*")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}")
_COMPRESSED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08|PK\x03\x04")  # zlib, gzip, zip
_ZIP_HEADER = 30  # bytes; the lengths of two fields that follow are at 26
_LARGEST, _MOST = 2**20, 2**27  # bytes that are unpacked of one part, and of all; after that nobody looks any further
_ATTEMPT = 2**14  # bytes for which each attempt counts


def forms(secrets: Iterable[str]) -> list[str]:
    """Return the texts in which secrets may stand somewhere, the longest first; an empty secret is none."""
    found = {form for secret in secrets if secret for form in _forms(secret)}
    return sorted(found, key=len, reverse=True)


def _forms(secret: str) -> set[str]:
    said = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    said |= {form.replace("/", "\\/") for form in said}  # as pandas writes JSON
    marked = {html.escape(secret, quote=False), html.escape(secret)}
    marked |= {form.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") for form in marked}  # as Jinja2 has it
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    quoted |= {re.sub("%..", lambda found: found[0].lower(), form) for form in quoted}
    once = {coded for form in (secret, *quoted) for coded in _base64(form.encode(), 4)}
    twice = {coded for form in _base64(secret.encode(), 4) for coded in _base64(form.encode(), _LONG)}
    digits = secret.encode().hex()
    hexadecimal = {digits, digits.upper()} if len(digits) >= _LONG else set()
    return said | marked | quoted | once | twice | {quote(form, safe="") for form in once} | hexadecimal


def _base64(content: bytes, least: int) -> set[str]:
    """Return base64 of it at each place that it can have among other bytes, without what those have a part in.

    Args:
        content: the bytes.
        least: characters of what is returned: less says nothing, and is found everywhere.
    """
    found = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + content)
        first, last = -(-offset * 8 // 6), (offset + len(content)) * 8 // 6
        found |= {whole[first:last].decode(), whole[first:last].translate(bytes.maketrans(b"+/", b"-_")).decode()}
    return {form for form in found if len(form) >= least}


def redacted(value: Any, hidden: Sequence[str]) -> Any:
    """Return a JSON value in which a mark stands for each of some texts.

    Args:
        value: dicts, lists, texts and what else there is.
        hidden: as `forms` gives them.
    """
    if isinstance(value, str) and hidden:
        for form in hidden:
            value = value.replace(form, _MARK)
        return _joined(value, hidden)
    if isinstance(value, list):
        return [redacted(each, hidden) for each in value]
    if isinstance(value, dict):
        return type(value)({redacted(key, hidden): redacted(each, hidden) for key, each in value.items()})
    return value


def _joined(text: str, hidden: Sequence[str]) -> str:
    """Take out what stands in a text in pieces: in several lines, as base64 is wrapped, or in several colours."""
    if not ("\n" in text or "\\" in text or "\x1b" in text):
        return text
    whole = _GAPS[0].sub("", text)
    for form in hidden:
        if len(form) >= _LONG and form in whole:
            text = re.sub(f"{_GAP}*".join(map(re.escape, form)), _MARK, text)
    return text


def holds(content: bytes, hidden: Sequence[str]) -> bool:
    """Return whether bytes hold one of some texts, as they are, in pieces, or within base64 or compressed bytes.

    Args:
        content: the bytes.
        hidden: as `forms` gives them.
    """
    secrets = [form.encode() for form in hidden]
    if any(secret in content for secret in secrets):
        return True
    whole = _GAPS[1].sub(b"", content)
    return any(secret in whole for secret in secrets if len(secret) >= _LONG) or _within(content, secrets)


def _within(content: bytes, secrets: Sequence[bytes]) -> bool:
    """Return whether there is a secret in what bytes are made of: base64, compressed bytes, Parquet."""
    if not secrets:
        return False
    decoded = [*_decoded(content)]
    parts = itertools.chain(decoded, _unpacked([content, *decoded]))
    return any(secret in part for part in parts for secret in secrets)


def _decoded(content: bytes) -> Iterator[bytes]:
    for run in _RUN.findall(_GAPS[1].sub(b"", content).replace(b"\\/", b"/")):
        whole = run[: len(run) - (len(run) % 4 == 1)].translate(bytes.maketrans(b"-_", b"+/"))
        yield base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _unpacked(contents: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what is compressed in bytes, also in the middle of them: a picture's text, a stream of a PDF."""
    left = _MOST
    for content in contents:
        if content[:4] == _PARQUET:
            yield from _rows(content)
        for found in _COMPRESSED.finditer(content):
            part = _inflated(content, found)
            yield part
            left -= len(part) + _ATTEMPT
            if left < 0:
                return


def _rows(content: bytes) -> Iterator[bytes]:
    from io import BytesIO

    from pyarrow.parquet import read_table

    with suppress(Exception):  # it may be anything
        yield repr(read_table(BytesIO(content)).to_pylist()).encode("utf-8", "surrogatepass")


def _inflated(content: bytes, found: re.Match[bytes]) -> bytes:
    """Return the beginning of what is compressed at a place; nothing, if it is not."""
    start, bits = found.start(), 32 + zlib.MAX_WBITS
    if found[0].startswith(b"PK"):
        lengths = content[start + 26 : start + _ZIP_HEADER]
        start += _ZIP_HEADER + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        bits = -zlib.MAX_WBITS
    try:
        return zlib.decompressobj(bits).decompress(memoryview(content)[start : start + _LARGEST], _LARGEST)
    except zlib.error:
        return b""


def notebook(node: NotebookNode, hidden: Sequence[str]) -> NotebookNode:
    """Return a copy of a notebook without secrets; what nbformat demands of it stays, even if a secret is `cells`."""
    whole = copy.deepcopy(node)
    whole.metadata.update(redacted(dict(whole.metadata), hidden))
    for cell in whole.cells:
        for part in _OF_CELL & cell.keys():
            cell[part] = redacted(cell[part], hidden)
        if "outputs" in cell:
            cell.outputs = [_left_out(output) if _holds(output, hidden) else output for output in cell.outputs]
        for output in cell.get("outputs", []):
            for part in _OF_OUTPUT & output.keys():
                output[part] = redacted(output[part], hidden)
    return whole


def _holds(output: NotebookNode, hidden: Sequence[str]) -> bool:
    """Return whether an output has a secret in something binary, from which it cannot be taken out."""
    secrets = [form.encode() for form in hidden]
    return any(_within(text.encode("utf-8", "replace"), secrets) for text in _texts(output, hidden))


def _texts(output: NotebookNode, hidden: Sequence[str]) -> Iterator[str]:
    """Yield the texts of an output in which something binary may stand, without what can be taken out of them."""
    for payload in (output.get("text"), *output.get("data", {}).values()):
        data = payload.get("data") if isinstance(payload, dict) else payload
        text = data if isinstance(data, str) else json.dumps(data)
        if len(text) >= _BINARY:
            yield text if _WHOLE_BASE64.fullmatch(text) else redacted(text, hidden)


def _left_out(output: NotebookNode) -> NotebookNode:
    import nbformat

    payloads = output.get("data", {}).values()
    names = ", ".join(str(each.get("name")) for each in payloads if isinstance(each, dict)) or "An output"
    text = f"{names} is left out here, since there is a secret in it.\n"
    note: NotebookNode = nbformat.v4.new_output("stream", name="stderr", text=text)
    return note


def execution(run: Execution, hidden: Sequence[str]) -> Execution:
    """Return a record without secrets, which can stand in its reason, its warnings and names of files."""
    if not hidden:
        return run
    files = tuple(replace(file, path=redacted(file.path, hidden)) for file in run.files)
    warnings = tuple(redacted(each, hidden) for each in run.warnings)
    return replace(run, reason=redacted(run.reason, hidden), files=files, warnings=warnings)


class Held:
    """Takes secrets out of a text that comes in pieces, so that none is seen that is cut in two.

    Args:
        hidden: as `forms` gives them.
    """

    def __init__(self, hidden: Sequence[str]) -> None:
        self._hidden, self._text = hidden, ""

    def passed(self, text: str) -> str:
        """Return what can be seen now: all but an end with which a secret may begin."""
        whole: str = redacted(self._text + text, self._hidden)
        held = max((_begun(whole, form) for form in self._hidden), default=0)
        self._text = whole[len(whole) - held :]
        return whole[: len(whole) - held]

    def rest(self) -> str:
        """Return what was held back, when nothing follows."""
        rest, self._text = self._text, ""
        return rest


def _begun(text: str, form: str) -> int:
    """Return how many characters at the end of a text are the beginning of another."""
    return next((size for size in range(min(len(form) - 1, len(text)), 0, -1) if text.endswith(form[:size])), 0)
