"""The directories of runs: each has its own, and what it is to keep is taken out of it when the run is over."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.facts import KeptFile

_CHUNK = 2**20


@contextmanager
def private(user: int | None, above: str | None = None) -> Iterator[str]:
    """Yield a directory that nobody else may enter, and remove it in the end. Its path is short, as sockets need it.

    Args:
        user: owns it, if it is not us.
        above: the directory in which it is made; by default that of temporary files.
    """
    made = tempfile.mkdtemp(prefix="scrapdb-" if above is None else "", dir=above)
    try:
        give(made, user)
        yield made
    finally:
        remove(made)


def give(path: str | Path, user: int | None) -> None:
    """Let somebody else own a file or directory."""
    if user is not None:
        os.chown(path, user, user)


def make(env: Mapping[str, str], above: str, user: int | None) -> Mapping[str, str]:
    """Make the directories below one that variables lead to, and return these variables.

    Args:
        env: variables and their values.
        above: the directory.
        user: owns what is made, if it is not us.
    """
    for path in {Path(value) for value in env.values() if Path(value).is_relative_to(above)}:
        path.mkdir()
        give(path, user)
    return env


def remove(directory: str) -> None:
    """Remove a directory with all that is in it, also where a run has forbidden itself to."""

    def allow(function: Any, path: str, error: BaseException) -> None:
        del error
        above = Path(path).parent
        above.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            function(path)

    _rmtree(directory, allow)


def _rmtree(directory: str, allow: Any) -> None:
    import sys

    if sys.version_info >= (3, 12):
        shutil.rmtree(directory, onexc=allow)
    else:
        shutil.rmtree(directory, onerror=lambda function, path, info: allow(function, path, info[1]))


def place_beside(directory: str, paths: Sequence[str]) -> None:
    """Let files and directories be seen in the directory of a run, under their own names.

    Raises:
        ScrapdbError: one is missing, or two have the same name.
    """
    for path in map(Path, paths):
        if not path.exists():
            raise ScrapdbError(f"There is no {path} to put beside the notebook (--with).")
        try:
            Path(directory, path.name).symlink_to(path.resolve())
        except FileExistsError:
            raise ScrapdbError(f"Two of what is to be beside the notebook are called {path.name} (--with).") from None


def keep(directory: str, patterns: Sequence[str], to: Path) -> tuple[KeptFile, ...]:
    """Copy what a run has written and what is to be kept; links are not followed, since they may lead anywhere.

    Args:
        directory: of the run, which is over.
        patterns: globs of names, or of paths below the directory.
        to: the directory to copy to, which is made anew if there is anything to keep.
    """
    if to.is_dir() and not to.is_symlink():
        shutil.rmtree(to)
    return tuple(
        _copied(path, relative, to) for relative, path in sorted(_written(directory)) if _matches(relative, patterns)
    )


def _matches(relative: str, patterns: Sequence[str]) -> bool:
    name = relative.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(relative, each) or fnmatch.fnmatchcase(name, each) for each in patterns)


def _written(directory: str) -> Iterator[tuple[str, Path]]:
    for above, _, names in os.walk(directory):
        for name in names:
            path = Path(above, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(directory).as_posix(), path


def _copied(path: Path, relative: str, to: Path) -> KeptFile:
    target = to / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source, target.open("wb") as copy:  # noqa: PTH123
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
    return KeptFile(path=relative, bytes=size, sha256=digest.hexdigest())
