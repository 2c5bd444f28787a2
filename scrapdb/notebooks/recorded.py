"""What papermill recorded in a notebook's metadata, without decoding the notebook. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from scrapdb.notebooks import ipynb


class _Papermill(msgspec.Struct, frozen=True):
    parameters: dict[str, Any] = {}


class _Metadata(msgspec.Struct, frozen=True):
    papermill: _Papermill = _Papermill()


class _Notebook(msgspec.Struct, frozen=True):
    nbformat: int
    metadata: _Metadata = _Metadata()


_decoder = msgspec.json.Decoder(_Notebook)


def parameters(content: bytes) -> dict[str, Any]:
    """Read the parameters that papermill recorded; what is no object counts as none.

    Raises:
        UnreadableError: as `ipynb.read`.
    """
    try:
        content.isascii() or content.decode()  # the decoder does not look at the bytes of what it skips
        notebook = _decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _carefully(content)
    return notebook.metadata.papermill.parameters if notebook.nbformat == ipynb.FORMAT else _carefully(content)


def _carefully(content: bytes) -> dict[str, Any]:
    """Read them where the notebook is of another format, not JSON to the letter, or has a part of the wrong type."""
    papermill = ipynb.read(content).metadata.get("papermill")
    recorded = papermill.get("parameters") if isinstance(papermill, dict) else None
    return recorded if isinstance(recorded, dict) else {}
