"""Which notebooks of a directory stay in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

MOST_HELD = 128 * 2**20  # bytes of files; what a directory has beyond them is read again when it is asked for


class Shelf:
    """What the notebooks of a directory share.

    Args:
        limit: how many bytes of files stay in memory; of those that were read first, the content is let go.
    """

    def __init__(self, limit: int = MOST_HELD) -> None:
        self.limit = limit
        self._held: deque[tuple[WeakMethod[Callable[[], None]], int]] = deque()
        self._size = 0

    def hold(self, let_go: Callable[[], None], size: int) -> None:
        """Count content that was read; there is always room for one.

        Args:
            let_go: the method by which its owner gives it up again.
            size: how many bytes it has.
        """
        self._held.append((WeakMethod(let_go), size))
        self._size += size
        while self._size > self.limit and len(self._held) > 1:
            oldest, freed = self._held.popleft()
            self._size -= freed
            if give_up := oldest():
                give_up()

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled empty: the content is its owners'."""
        return Shelf, (self.limit,)
