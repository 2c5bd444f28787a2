"""Notebooks at URLs: object stores and servers, as fsspec reaches them.

A bucket knows no directories: one listing gives all that is below a prefix, with size, time of the last change and
mostly an ETag of each object. So a bucket that has not changed is listed, and nothing in it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from urllib.parse import urlsplit

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_URL = re.compile(r"[A-Za-z][\w+.:-]*://")
_REQUESTS_AT_ONCE = 16
# What file systems call the mark of a content, and the time of its last change.
_ETAG_KEYS = ("ETag", "etag", "generation", "sha")
_TIME_KEYS = ("LastModified", "last_modified", "Last-Modified", "updated", "modified", "mtime", "created")
_GONE = frozenset({404, 410})  # what a server answers


class Object(NamedTuple):
    """A notebook as a listing has it: its URL, its path below the one listed, and what is known without reading it."""

    url: str
    below: str
    size: int | None
    mtime_ns: int | None
    etag: str | None


def is_url(path: str) -> bool:
    """Return whether a path is a URL."""
    return _URL.match(path) is not None


def listing(url: str, suffix: str) -> list[Object]:
    """List the notebooks below a URL, those that match it if it has a `*`, or itself if it names one.

    Args:
        url: what fsspec understands: s3://bucket/runs, gs://…, https://…
        suffix: how names of notebooks end.

    Raises:
        UsageError: nothing is there, or what fsspec needs for it is not installed.
        ScrapdbError: it cannot be listed.
    """
    system, path = file_system(url)
    bare = url if url.endswith(path) else url.rstrip("/")
    prefix = bare.removesuffix(path) if path else f"{bare.rstrip('/')}/"
    with sentences(url, "listed"):
        system.invalidate_cache()
        entries = [entry for entry in _entries(system, path, url, suffix) if entry["type"] == "file"]
        if urlsplit(url).scheme in {"http", "https"}:  # a server's page of links tells nothing but names
            entries = _in_threads(system.info, [entry["name"] for entry in entries])
        system.invalidate_cache()  # in which S3's keeps the whole listing
    return [_object(entry, prefix, _top(path)) for entry in entries]


def contents(ends: Mapping[str, int]) -> dict[str, bytes | Exception]:
    """Read objects, those of one file system at the same time; what goes wrong with one of them stands in its place.

    Args:
        ends: by URL, the number of bytes after which to stop. With one, s3fs asks once for an object and not twice.
    """
    read: dict[str, bytes | Exception] = {}
    for system, paths in _by_file_system(ends):
        limits = [ends[url] for url in paths]
        try:
            parts = system.cat_ranges(list(paths.values()), 0, limits, on_error="return")
        except Exception as error:  # noqa: BLE001 - every file system has errors of its own
            parts = [error] * len(paths)
        read |= zip(paths, parts, strict=True)
    return read


def gone(urls: Iterable[str]) -> tuple[list[str], list[str]]:
    """Ask whether objects that a listing no longer has are really gone.

    Returns:
        Those that are, and sentences about what could not be found out.
    """
    lost, errors = [], []
    for system, paths in _by_file_system(urls):
        system.invalidate_cache()
        for url, answer in zip(paths, _in_threads(partial(_is_gone, system), list(paths.values())), strict=True):
            if isinstance(answer, str):
                errors.append(f"Whether {url} is gone cannot be found out: {answer}.")
            elif answer:
                lost.append(url)
    return lost, errors


def reason(error: BaseException) -> str:
    """Return in a line why a file system failed."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
    text = " ".join((getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).split())
    return text.rstrip(".")


def file_system(url: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a URL and the path in it. fsspec's `url_to_fs` would take a `::` in a key for a chain.

    Raises:
        UsageError: what fsspec needs for it is not installed, or it holds a password.
        ScrapdbError: the file system cannot be reached.
    """
    try:
        import fsspec
    except ImportError:
        raise UsageError(
            f"{url} is read with fsspec, which is not installed: `pip install 'scrapdb[remote]'`."
        ) from None
    parts = urlsplit(url)
    if parts.password and parts.scheme != "github":
        without_password = url.replace(f":{parts.password}@", ":…@")
        raise UsageError(
            f"{without_password} holds a password, which the store would keep; put it into fsspec's configuration."
        )
    try:
        kind = fsspec.get_filesystem_class(url.partition("://")[0])
    except ImportError as error:
        raise UsageError(f"{url} cannot be opened: {reason(error)}. `scrapdb[remote]` brings what S3 needs.") from None
    except ValueError as error:
        raise UsageError(f"{url} cannot be opened: {reason(error)}.") from None
    with sentences(url, "opened"):
        return kind(**kind._get_kwargs_from_urls(url)), kind._strip_protocol(url)  # noqa: SLF001 - fsspec's own way


def _entries(system: AbstractFileSystem, path: str, url: str, suffix: str) -> list[dict[str, Any]]:
    if "*" not in url and (url.endswith(suffix) or urlsplit(url).path.endswith(suffix)):
        named = system.info(path)
        if named["type"] == "file":
            return [named]
    entries = system.glob(path, detail=True) if "*" in path else system.find(path, detail=True)
    if not entries:
        system.ls(_top(path))  # says why, where `find` does not
    return [entry for name, entry in entries.items() if name.endswith(suffix)]


def _top(path: str) -> str:
    """Return what is listed for a path: itself, or the directory above the first `*` in it."""
    return path.partition("*")[0].rpartition("/")[0] if "*" in path else path


def _object(entry: Mapping[str, Any], prefix: str, top: str) -> Object:
    name = entry["name"]
    etag = next((str(entry[key]) for key in _ETAG_KEYS if entry.get(key)), None)
    changed = next((entry[key] for key in _TIME_KEYS if entry.get(key)), None)
    return Object(prefix + name, name.removeprefix(top).lstrip("/"), entry.get("size"), _nanoseconds(changed), etag)


def _nanoseconds(moment: object) -> int | None:
    """Return a time in nanoseconds; file systems write it as a datetime, as seconds, in ISO 8601 or as in HTTP."""
    from email.utils import parsedate_to_datetime  # with sockets: a tenth of what an index takes to start

    try:
        if isinstance(moment, str):
            moment = parsedate_to_datetime(moment) if "," in moment else datetime.fromisoformat(moment)
        if isinstance(moment, datetime):
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            # In two parts, since a float cannot hold the nanoseconds since 1970.
            return int(aware.replace(microsecond=0).timestamp()) * 10**9 + aware.microsecond * 1000
        return int(moment * 10**9) if isinstance(moment, int | float) else None
    except (ValueError, OverflowError):
        return None


def _is_gone(system: AbstractFileSystem, path: str) -> bool | str:
    """Return whether an object is gone, or why one does not know."""
    try:
        system.info(path)
    except FileNotFoundError as error:
        cause = error.__cause__  # HTTP's says so of everything that goes wrong
        return cause is None or getattr(cause, "status", None) in _GONE or reason(cause)
    except Exception as error:  # noqa: BLE001 - every file system has errors of its own
        return reason(error)
    return False


def _by_file_system(urls: Iterable[str]) -> Iterable[tuple[AbstractFileSystem, dict[str, str]]]:
    """Sort URLs by file system, each with its path in it."""
    systems: dict[int, tuple[AbstractFileSystem, dict[str, str]]] = {}
    for url in urls:
        system, path = file_system(url)
        systems.setdefault(id(system), (system, {}))[1][url] = path
    return systems.values()


def _in_threads(ask: Any, about: Sequence[str]) -> list[Any]:
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as threads:
        return list(threads.map(ask, about))


@contextmanager
def sentences(url: str, done: str) -> Iterator[None]:
    """Turn whatever a file system raises into a sentence: that a URL cannot be `done`, and why.

    Raises:
        UsageError: nothing is there.
        ScrapdbError: anything else is wrong.
    """
    try:
        yield
    except ScrapdbError:
        raise
    except FileNotFoundError as error:
        raise UsageError(f"There is nothing at {url}: {reason(error)}.") from error
    except PermissionError as error:
        raise ScrapdbError(f"{url} may not be {done}: {reason(error)}. Check the credentials.") from error
    except Exception as error:
        raise ScrapdbError(f"{url} cannot be {done}: {reason(error)}.") from error
