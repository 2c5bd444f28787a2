"""What is in blobs: one `git cat-file` for all of them, that is asked for one after another."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from subprocess import Popen

from scrapdb.notebooks.git.repository import Repository
from scrapdb.notebooks.git.repository import run
from scrapdb.notebooks.git.repository import started


class MissingError(Exception):
    """A blob that the repository does not have, or cannot read."""


def sizes(repository: Repository, blobs: Iterable[str]) -> dict[str, int]:
    """Return the sizes of blobs, without those that are missing."""
    given = "".join(f"{blob}\n" for blob in blobs).encode()
    if not given:
        return {}
    told = run(repository, "cat-file", "--batch-check=%(objectname) %(objectsize)", given=given).decode()
    parts = (line.split(" ") for line in told.splitlines())
    return {blob: int(size) for blob, size in parts if size.isdigit()}


class Blobs:
    """A process that reads blobs, which begins with the first and has to be closed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._git: Popen[bytes] | None = None

    def close(self) -> None:
        """End the process."""
        git, self._git = self._git, None
        if git:
            with suppress(OSError), git:  # which closes its pipes and waits
                pass

    def read(self, blob: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            MissingError: it is missing, or damaged, of which git dies.
        """
        git = self._git = self._git or started(self._repository, "cat-file", "--batch")
        content = None
        if git.stdin and git.stdout:
            with suppress(OSError):
                git.stdin.write(f"{blob}\n".encode())
                git.stdin.flush()
                _, *told = git.stdout.readline().split() or [b""]
                if told == [b"missing"]:
                    raise MissingError(blob)
                if told:
                    size = int(told[-1])
                    content = git.stdout.read(size + 1)[: size + 1]
                    if len(content) == size + 1:
                        return content[:-1]
        self.close()
        raise MissingError(blob)
