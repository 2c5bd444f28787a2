"""Pages are pushed to a directory or URL: each as a whole, and in the place of nothing else unless that is wanted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from pathlib import Path
from pathlib import PurePosixPath
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.files.whole import whole_file
from scrapdb.notebooks.times import iso
from scrapdb.reporting.making.record import Pushed
from scrapdb.running.kernels import objects
from scrapdb.running.rows import names

_MIMES = {".html": "text/html; charset=utf-8", ".pdf": "application/pdf"}
_UNNAMED = "{id}"


class TakenError(ScrapdbError):
    """Where a page was to go there is another content."""


def targets(pattern: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the place of each report's pages, without their suffixes.

    Args:
        pattern: like `s3://bucket/{bundle}/{site}-{lang}.html`; what stands before the first field is taken as it is.
        rows: what its fields can be.

    Raises:
        UsageError: the pattern is wrong, or two reports would have one place.
    """
    bare = next((pattern.removesuffix(suffix) for suffix in _MIMES if pattern.endswith(suffix)), pattern)
    fixed = bare.partition("{")[0].rpartition("/")
    top, named = fixed[0] + fixed[1], bare[len(fixed[0] + fixed[1]) :] or _UNNAMED
    if remote.is_url(pattern) and top.endswith("://"):
        raise UsageError(f"{pattern} names no bucket or host before its first field.")
    return [top + path for path in names.below(rows, named, "--push")]


def push(page: Path, to: str, *, overwrite: bool = False) -> Pushed:
    """Push a page.

    Args:
        page: the file.
        to: path or URL without its suffix.
        overwrite: whether it takes the place of another content.

    Raises:
        TakenError: there is another content.
        ScrapdbError: it cannot be written there.
    """
    url, content = f"{to}{page.suffix}", page.read_bytes()
    written = _to_url(url, content, overwrite) if remote.is_url(url) else _to_file(Path(url), content, overwrite)
    if not written and _there(url) != content:
        raise TakenError(f"{url} is there already, with another content. --overwrite replaces it.")
    return Pushed(url=url, page=page.name, sha256=hashlib.sha256(content).hexdigest(), at=iso(datetime.now(UTC)) or "")


def _to_url(url: str, content: bytes, overwrite: bool) -> bool:  # noqa: FBT001 - of `push`
    mime = _MIMES[PurePosixPath(url).suffix]
    if not overwrite:
        return objects.create(url, content, mime)
    objects.put(url, content, mime)
    return True


def _to_file(path: Path, content: bytes, overwrite: bool) -> bool:  # noqa: FBT001 - of `push`
    """Write a file; a link from a complete one is what fails if there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScrapdbError(f"{path.parent} cannot be made: {error.strerror}.") from error
    try:
        if overwrite:
            with whole_file(path) as temporary:
                temporary.write_bytes(content)
            return True
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with whole_file(new) as temporary:
                temporary.write_bytes(content)
            os.link(new, path)
        finally:
            new.unlink(missing_ok=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise ScrapdbError(f"{path} cannot be written: {error.strerror}.") from error
    return True


def _there(url: str) -> bytes | None:
    if remote.is_url(url):
        return objects.found(url)
    with suppress(OSError):
        return Path(url).read_bytes()
    return None
