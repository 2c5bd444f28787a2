"""Files and directories that are complete or not there: they are written beside their place, and then take it.

`replace` and the sidecars of a store do more, with locks and syncs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrapdb.errors import ScrapdbError


@contextmanager
def whole_file(to: Path) -> Iterator[Path]:
    """Yield a file to write, and move it into place when all is written; a device or a pipe is written as it stands.

    Raises:
        ScrapdbError: nothing can be written there.
    """
    if to.exists() and not to.is_file():
        yield to
        return
    import tempfile  # loads `random`, which no reader needs

    target = to.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise ScrapdbError(f"The file {to} cannot be written: {error.strerror}.") from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_directory(to: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a directory to fill, and move it into place when all is written.

    Args:
        to: where it will be; unless `replace` is set, nothing or an empty directory is there.
        replace: whether it takes the place of a directory that has files.

    Raises:
        ScrapdbError: something in it, or the directory itself, cannot be written.
    """
    import shutil
    from uuid import uuid4

    new = to.with_name(f".{to.name}-{uuid4().hex}")
    try:
        new.mkdir()
        yield new
        if replace and to.exists():
            old = to.rename(new.with_name(f"{new.name}-old"))
            new.rename(to)
            shutil.rmtree(old)
        else:
            new.rename(to)
    except OSError as error:
        raise ScrapdbError(f"{to} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o022)  # it can only be read by setting it
    os.umask(mask)
    return mask
