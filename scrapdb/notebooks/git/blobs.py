"""What is in blobs: one `git cat-file` for all of them, that is asked for one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from subprocess import Popen

from scrapdb.notebooks.git.repository import Failed
from scrapdb.notebooks.git.repository import Repository
from scrapdb.notebooks.git.repository import run
from scrapdb.notebooks.git.repository import started

_SIZES = ("cat-file", "--batch-check=%(objectname) %(objectsize)")
_THERE = (
    "rev-list",
    "--objects",
    "--no-walk",
    "--no-object-names",
    "--missing=allow-any",
    "--ignore-missing",
    "--stdin",
)


class MissingError(Exception):
    """A blob that the repository does not have, or cannot read."""


def sizes(repository: Repository, blobs: Iterable[str]) -> dict[str, int]:
    """Return the sizes of blobs, without those that are missing."""
    given = "".join(f"{blob}\n" for blob in blobs).encode()
    if not given:
        return {}
    try:
        told = run(repository, *_SIZES, given=given)
    except Failed:  # at the first that is missing, if it was promised by another repository
        told = run(repository, *_SIZES, given=run(repository, *_THERE, given=given))
    parts = (line.split(" ") for line in told.decode().splitlines())
    return {blob: int(size) for blob, size in parts if size.isdigit()}


class Blobs:
    """A process that reads blobs, which begins with the first and has to be closed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._git: Popen[bytes] | None = None
        self._asked: deque[str] = deque()

    def close(self) -> None:
        """End the process."""
        git, self._git = self._git, None
        self._asked.clear()
        if git:
            with suppress(OSError), git:  # which closes its pipes and waits
                git.kill()

    def ask(self, blobs: Iterable[str]) -> None:
        """Ask for some hundred blobs that are read next, in this order: the process goes on while one is looked at."""
        git = self._git = self._git or started(self._repository, "cat-file", "--batch")
        asked = [*blobs]
        self._asked += asked
        if git.stdin:
            with suppress(OSError):  # it has died, which is told by what it answers
                git.stdin.write("".join(f"{blob}\n" for blob in asked).encode())
                git.stdin.flush()

    def read(self, blob: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            MissingError: it is missing, or damaged, of which git dies.
        """
        if not self._asked or self._asked[0] != blob:
            self.close()
            self.ask([blob])
        self._asked.popleft()
        content = self._answer()
        if content is None:
            left = [*self._asked]
            self.close()
            self.ask(left)
        if not content:
            raise MissingError(blob)
        return content[:-1]

    def _answer(self) -> bytes | None:
        """Read one answer: a content and a newline, nothing if it is missing, or None if git has died of it."""
        if not (self._git and self._git.stdout):
            return None
        try:
            told = self._git.stdout.readline().split()
            size = -1 if told[-1] == b"missing" else int(told[-1])
            content = self._git.stdout.read(size + 1)
        except (OSError, ValueError, IndexError):
            return None
        return content if len(content) == size + 1 else None
