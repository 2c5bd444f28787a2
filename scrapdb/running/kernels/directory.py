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
from scrapdb.running.kernels import redaction
from scrapdb.text import valid_text

_CHUNK = 2**24


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


def place(directory: Path, files: Mapping[str, bytes], user: int | None) -> None:
    """Write files into the directory of a run, which are its own.

    Args:
        directory: of the run.
        files: contents by path below it.
        user: owns them, if it is not us.
    """
    for relative, content in files.items():
        path = directory
        for part in relative.split("/")[:-1]:
            path /= part
            if not path.exists():
                path.mkdir()
                give(path, user)
        path /= relative.rpartition("/")[2]
        path.write_bytes(content)
        give(path, user)


def keep(
    directory: str, patterns: Sequence[str], to: Path, hidden: Sequence[str] = ()
) -> tuple[tuple[KeptFile, ...], tuple[str, ...]]:
    """Copy what a run has written and what is to be kept, and return what was kept, and what not and why.

    Links are not followed, since they may lead anywhere. What an earlier run has kept goes when all is copied.

    Args:
        directory: of the run, which is over.
        patterns: globs of names, of paths below the directory, or of directories in it.
        to: the directory in which they are then.
        hidden: texts that no file may hold that is kept.

    Raises:
        OSError: they cannot be written.
    """
    kept: list[KeptFile] = []
    warnings: list[str] = []
    patterns = [pattern.removeprefix("./").removeprefix("**/").rstrip("/") for pattern in patterns]
    to.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{to.name[:100]}.", dir=to.parent))
    try:
        for relative, path in sorted(_written(directory, warnings)):
            if any(form in relative for form in hidden):
                warnings.append("A file has a secret in its name, and is not kept.")
            elif not stat.S_ISREG(path.lstat().st_mode):
                if relative in patterns:
                    warnings.append(f"{valid_text(relative)} is a link or a device, and is not kept.")
            elif _matches(relative, patterns):
                kept += _copied(path, relative, new, hidden, warnings)
        _replace(to, new if kept else None)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return tuple(kept), tuple(warnings)


def _replace(to: Path, new: Path | None) -> None:
    """Put a directory where another may have been, or nothing."""
    if to.is_symlink():
        to.unlink()
    elif to.is_dir():
        shutil.rmtree(to)
    if new:
        new.chmod(0o755)
        new.rename(to)


def _matches(relative: str, patterns: Sequence[str]) -> bool:
    parts = relative.split("/")
    names = {parts[-1], *("/".join(parts[:end]) for end in range(1, len(parts) + 1))}
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _written(directory: str, warnings: list[str]) -> Iterator[tuple[str, Path]]:
    def unreadable(error: OSError) -> None:
        warnings.append(_not_kept(os.path.relpath(error.filename, directory), error))

    for above, below, names in os.walk(directory, onerror=unreadable):
        for path in (Path(above, name) for name in (*names, *below)):
            if not path.is_dir() or path.is_symlink():
                yield path.relative_to(directory).as_posix(), path


def _not_kept(relative: str, error: OSError) -> str:
    return f"{valid_text(relative)} could not be read, and is not kept: {error.strerror}."


def _copied(path: Path, relative: str, to: Path, hidden: Sequence[str], warnings: list[str]) -> Iterator[KeptFile]:
    """Copy a file, and give it as it is recorded, unless it cannot be read or holds a secret."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        warnings.append(_not_kept(relative, error))
        return
    longest = max((len(form.encode()) for form in hidden), default=1)
    digest, size, end = hashlib.sha256(), 0, b""
    target = to / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(descriptor, "rb") as source, target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            if hidden and redaction.holds(end + chunk, hidden):
                target.unlink()
                warnings.append(f"{valid_text(relative)} holds a secret, and is not kept.")
                return
            end = chunk[-longest:]
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
    yield KeptFile(path=valid_text(relative), bytes=size, sha256=digest.hexdigest())
