"""Copies of a report's pages that were pushed. They go with the report, unless others have taken their place."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.files import remote
from scrapdb.running.kernels import objects

_RECORD = "report.json"
_PAGES = (".html", ".pdf")  # a record of which nobody knows the author must not name other files


def take_back(directory: Path) -> None:
    """Remove what was pushed of the report in a directory.

    Raises:
        ScrapdbError: one cannot be reached, or removed.
    """
    for url, digest in _pushed(directory):
        content = objects.found(url) if remote.is_url(url) else _content(Path(url))
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            continue
        try:
            objects.remove(url) if remote.is_url(url) else Path(url).unlink(missing_ok=True)
        except OSError as error:
            raise ScrapdbError(f"{url} cannot be removed: {error.strerror}.") from error


def _pushed(directory: Path) -> list[tuple[str, str]]:
    """Return where pages are, and the SHA-256 of each; none if there is no record that says so."""
    try:
        record: Any = json.loads((directory / _RECORD).read_bytes())
        pushed = [(str(each["url"]), str(each["sha256"])) for each in record.get("pushed", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return [(url, digest) for url, digest in pushed if url.endswith(_PAGES)]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ScrapdbError(f"{path} cannot be read: {error.strerror}.") from error
