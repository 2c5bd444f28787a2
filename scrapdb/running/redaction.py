"""Secrets taken out of what a notebook showed: as they are, and as base64 or a URL would have them."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from urllib.parse import quote_plus

from nbformat import NotebookNode

_MARK = "[secret]"


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
    return plain | {form for text in (secret,) for form in _base64(text.encode())}


def _base64(content: bytes) -> set[str]:
    """Return base64 of it at each place that it can have among other bytes, without what those have a part in."""
    found = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + content)
        first, last = -(-offset * 8 // 6), (offset + len(content)) * 8 // 6
        found |= {whole[first:last].decode(), whole[first:last].translate(bytes.maketrans(b"+/", b"-_")).decode()}
    return {form for form in found if len(form) > 3}  # noqa: PLR2004 - less says nothing, and is found everywhere


def redacted(value: Any, hidden: list[str]) -> Any:
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


def notebook(node: NotebookNode, hidden: list[str]) -> NotebookNode:
    """Return a copy of a notebook without secrets; pieces of one stream are joined, since one may be cut in two."""
    whole = copy.deepcopy(node)
    for cell in whole.cells:
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    hidden_in: NotebookNode = redacted(whole, hidden)
    return hidden_in


def _joined(outs: list[NotebookNode]) -> list[NotebookNode]:
    joined: list[NotebookNode] = []
    for out in outs:
        before: Any = joined[-1] if joined else {}
        if out.output_type == "stream" == before.get("output_type") and out.name == before.name:
            before.text += out.text
        else:
            joined.append(out)
    return joined
