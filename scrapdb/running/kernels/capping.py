"""How much of its output is kept of a cell: head and tail of what it prints, and of what it shows all that has room.

What a notebook glued and the trace of an error are kept always.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

from scrapdb.notebooks import wire
from scrapdb.notebooks.skip import MIME as SKIP

_MIB = 2**20
_NO_LIMIT = 2**62


class Cap:
    """Keeps what one cell shows within limits.

    Args:
        cell: bytes that are kept of it.
        run: bytes that are kept of the run.
        before: bytes that were kept of the run before this cell.
    """

    def __init__(self, cell: int | None, run: int | None, before: int) -> None:
        self._most = min(_NO_LIMIT if cell is None else cell, max(0, (_NO_LIMIT if run is None else run) - before))
        self.clear()

    def clear(self) -> None:
        """Begin anew, since the cell has cleared what it had shown."""
        self._tail: deque[tuple[str, str]] = deque()
        self._in_tail = self._head = self.left_out = 0

    @property
    def kept(self) -> int:
        """Bytes that are kept."""
        return self._head + self._in_tail

    def shows(self, content: Mapping[str, Any]) -> bool:
        """Return whether there is room for something that is not printed; it counts if so."""
        data, size = content.get("data"), _size(content.get("data"))
        if not isinstance(data, dict) or is_glued(data, content.get("metadata") or {}):
            return True
        if self._head + size > self._most:
            self.left_out += size
            return False
        self._head += size
        self._shorten()
        return True

    def prints(self, name: str, text: str) -> str:
        """Return how much of a text belongs to the head; the rest may become part of the tail."""
        room = 0 if self._tail or self.left_out else max(0, self._most // 2 - self._head)
        self._head += min(len(text), room)
        if len(text) > room:
            self._tail.append((name, text[room:]))
            self._in_tail += len(text) - room
            self._shorten()
        return text[:room]

    def _shorten(self) -> None:
        """Leave out the beginning of the tail as far as it is too long."""
        most = self._most - self._head
        while self._in_tail > most:
            name, text = self._tail.popleft()
            excess = min(len(text), self._in_tail - most)
            self._in_tail -= excess
            self.left_out += excess
            if text[excess:]:
                self._tail.appendleft((name, text[excess:]))

    def finish(self) -> list[NotebookNode]:
        """Return the tail as outputs, and before it a mark that tells what is left out."""
        mark = [("stderr", f"\n… {_told(self.left_out)} of output are left out here (--max-output) …\n")]
        parts = [*(mark if self.left_out else []), *self._tail]
        return [nbformat.v4.new_output("stream", name=name, text=text) for name, text in parts]


def is_glued(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Return whether an output is for programs that read the notebook, scrapdb among them."""
    return SKIP in data or bool(wire.read(data, metadata))


def _size(data: Any) -> int:
    values = data.values() if isinstance(data, dict) else ()
    return sum(len(value) if isinstance(value, str) else len(json.dumps(value)) for value in values)


def _told(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB" if size >= _MIB else f"{size:,} bytes"


def warning(left_out: int) -> str:
    """Return the sentence for the record."""
    return f"{_told(left_out)} of output are left out (--max-output)."
