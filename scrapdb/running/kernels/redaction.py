"""Secrets taken out of what a notebook showed: as they are, and as base64 or a URL would have them.

A table that was glued is left out if there is one in it. What is not found: pictures of a secret, and what a notebook
has made of it by compressing, pickling and compressing, or encrypting.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from urllib.parse import quote_plus

import nbformat
from msgspec.structs import replace
from nbformat import NotebookNode

from scrapdb.facts import Execution

_BINARY = 16  # characters of base64, and none of a word
_PARQUET = b"PAR1"
_MARK = "[secret]"
_OF_CELL = {"source", "metadata", "attachments"}
_OF_OUTPUT = {"text", "data", "metadata", "ename", "evalue", "traceback"}


def forms(secrets: Iterable[str]) -> list[str]:
    """Return the texts in which secrets may stand somewhere, the longest first; an empty secret is none."""
    found = {form for secret in secrets if secret for form in _forms(secret)}
    return sorted(found, key=len, reverse=True)


def _forms(secret: str) -> set[str]:
    plain = {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    }
    return plain | _base64(secret.encode())


def _base64(content: bytes) -> set[str]:
    """Return base64 of it at each place that it can have among other bytes, without what those have a part in."""
    found = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + content)
        first, last = -(-offset * 8 // 6), (offset + len(content)) * 8 // 6
        found |= {whole[first:last].decode(), whole[first:last].translate(bytes.maketrans(b"+/", b"-_")).decode()}
    return {form for form in found if len(form) > 3}  # noqa: PLR2004 - less says nothing, and is found everywhere


def redacted(value: Any, hidden: Sequence[str]) -> Any:
    """Return a JSON value in which a mark stands for each of some texts.

    Args:
        value: dicts, lists, texts and what else there is.
        hidden: as `forms` gives them.
    """
    if isinstance(value, str):
        for form in hidden:
            value = value.replace(form, _MARK)
        return value
    if isinstance(value, list):
        return [redacted(each, hidden) for each in value]
    if isinstance(value, dict):
        return type(value)({redacted(key, hidden): redacted(each, hidden) for key, each in value.items()})
    return value


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
    texts = [
        payload["data"] if isinstance(payload, dict) and isinstance(payload.get("data"), str) else payload
        for payload in output.get("data", {}).values()
    ]
    return any(_binary_holds(text, hidden) for text in texts if isinstance(text, str) and len(text) >= _BINARY)


def _binary_holds(text: str, hidden: Sequence[str]) -> bool:
    try:
        content = base64.b64decode(text.replace("\n", ""), validate=True)
    except ValueError:
        return False
    if content[:4] == _PARQUET:
        from io import BytesIO

        from pyarrow.parquet import read_table

        content += repr(read_table(BytesIO(content)).to_pylist()).encode()  # it may be compressed
    return any(form.encode() in content for form in hidden)


def _left_out(output: NotebookNode) -> NotebookNode:
    names = ", ".join(str(each.get("name")) for each in output.data.values() if isinstance(each, dict)) or "An output"
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
