"""What a runner reads and writes at URLs: notebooks, and files that were kept."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from scrapdb.files import remote

# What file systems call the MIME type of what they write; others are not told.
_TYPED = {"s3": "ContentType", "s3a": "ContentType", "gs": "content_type", "gcs": "content_type"}


def put(url: str, content: bytes, mime: str = "") -> None:
    """Write an object, of a MIME type that people's browsers go by.

    Raises:
        ScrapdbError: that cannot be done.
    """
    system, key = remote.file_system(url)
    with remote.sentences(url, "written"):
        system.pipe_file(key, content, **_typed(url, mime))


def create(url: str, content: bytes, mime: str = "") -> bool:
    """Write an object unless there is one, which the store itself sees to if it can; return whether it was written.

    Raises:
        ScrapdbError: that cannot be done.
    """
    system, key = remote.file_system(url)
    with remote.sentences(url, "written"):
        system.invalidate_cache()
        try:
            system.pipe_file(key, content, mode="create", **_typed(url, mime))
        except Exception:  # every file system has an error of its own for it
            if not system.exists(key):
                raise
            return False
    return True


def _typed(url: str, mime: str) -> dict[str, str]:
    name = _TYPED.get(url.partition("://")[0]) if mime else None
    return {name: mime} if name else {}


def got(url: str) -> bytes:
    """Read an object.

    Raises:
        UsageError: there is none.
        ScrapdbError: it cannot be read.
    """
    system, key = remote.file_system(url)
    with remote.sentences(url, "read"):
        content: bytes = system.cat_file(key)
    return content


def found(url: str) -> bytes | None:
    """Read an object; None if there is none.

    Raises:
        ScrapdbError: that cannot be found out.
    """
    system, key = remote.file_system(url)
    with remote.sentences(url, "read"), suppress(FileNotFoundError):
        content: bytes = system.cat_file(key)
        return content
    return None


def remove(url: str) -> None:
    """Remove an object.

    Raises:
        ScrapdbError: that cannot be done.
    """
    system, key = remote.file_system(url)
    with remote.sentences(url, "removed"):
        system.rm_file(key)


def is_there(output: str) -> bool:
    """Return whether there is something at a path or URL; what cannot be found out is no."""
    if not remote.is_url(output):
        return Path(output).exists()
    with suppress(Exception):  # every file system has errors of its own
        system, key = remote.file_system(output)
        system.invalidate_cache()
        return bool(system.exists(key))
    return False


def put_below(url: str, files: Mapping[str, Path]) -> None:
    """Write files, in the place of all that is below a URL.

    Args:
        url: where they go.
        files: by their paths below it.

    Raises:
        ScrapdbError: that cannot be done.
    """
    system, key = remote.file_system(url)
    with remote.sentences(url, "written"):
        system.invalidate_cache()
        if system.exists(key):
            system.rm(key, recursive=True)
        for path, file in files.items():
            system.put_file(str(file), f"{key}/{path}")
