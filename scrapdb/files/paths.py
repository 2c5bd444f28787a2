"""The two forms of a path: as the operating system has it, to open the file, and as a store has it.

The latter (`identity`) is the real path in NFC, relative to the store where it lies below it, escaped where it is not
UTF-8.
"""

from __future__ import annotations

import os
import unicodedata

from scrapdb.text import valid_text


def identity(real: str, base: str) -> str:
    """Return the path by which a store knows a file; a trailing slash is kept.

    Args:
        real: the file's real path.
        base: real path of the directory of the store.
    """
    path = real.removeprefix(os.path.join(base, ""))
    if path.isascii():
        return path
    normal = unicodedata.normalize("NFC", path)
    if normal != path and _are_two(os.path.join(base, normal), real):
        normal = path
    return valid_text(normal)


def os_path(real: str, path: str, base: str) -> bytes | None:
    """Return the bytes of a file's path, relative as `path` is, if `path` does not give them back."""
    exact = real.removeprefix(os.path.join(base, ""))
    return None if exact == path else os.fsencode(exact)


def located(path: str, exact: bytes | None, base: str) -> str:
    """Return the file of a notebook: the way back from `identity` and `os_path`."""
    return os.path.join(base, path if exact is None else os.fsdecode(exact))


def _are_two(one: str, other: str) -> bool:
    """Return whether two spellings of a path are files of their own."""
    try:
        return not os.path.samefile(one, other)
    except OSError:
        return os.path.lexists(one) and os.path.lexists(other)
