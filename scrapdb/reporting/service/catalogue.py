"""The bundles that can be asked for: those of a directory or URL, by name, as they are at the moment."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path
from typing import NamedTuple

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.files import remote
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import Bundle

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # what an address and a directory can hold as it is
_FRESH = 2.0  # seconds for which a look at files is good


class Listed(NamedTuple):
    """A bundle in the catalogue, or in a sentence what is wrong with it."""

    name: str
    where: str
    bundle: Bundle | None
    wrong: str | None = None


class Catalogue:
    """The bundles of a directory, read again when they change.

    Args:
        where: path or URL of a directory of bundles, or of one bundle.

    Raises:
        UsageError: there is no such directory.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        if not remote.is_url(where) and not Path(where).exists():
            raise UsageError(f"There is no {where} to take bundles from.")
        self._lock = threading.Lock()
        self._known: dict[str, tuple[object, Listed]] = {}
        self._looked = float("-inf")

    def all(self) -> list[Listed]:
        """Return all bundles by name, also those that cannot be asked for."""
        with self._lock:
            if time.monotonic() - self._looked >= _FRESH:
                self._look()
                self._looked = time.monotonic()
            return [listed for _, listed in sorted(self._known.values(), key=lambda known: known[1].name)]

    def get(self, name: str) -> Bundle:
        """Return a bundle.

        Raises:
            UsageError: there is none of that name, or it cannot be asked for.
        """
        known = {listed.name: listed for listed in self.all()}
        if name not in known:
            raise UsageError(f"There is no report {name!r}; {suggestion(name, known)}")
        listed = known[name]
        if listed.bundle is None:
            raise UsageError(f"{name} cannot be made: {listed.wrong}")
        return listed.bundle

    def _look(self) -> None:
        found = _urls(self.where) if remote.is_url(self.where) else _paths(Path(self.where))
        known = {}
        for name, (where, signature) in found.items():
            before = self._known.get(name)
            unchanged = before is not None and signature is not None and before[0] == signature
            known[name] = before if before and unchanged else (signature, _listed(name, where))
        self._known = known


def _listed(name: str, where: str) -> Listed:
    if not _NAME.fullmatch(name):
        return Listed(name, where, None, f"{name!r} can be no name: take letters, digits, `_`, `-` and `.`.")
    try:
        bundle = opening.opened(where)
    except ScrapdbError as error:
        return Listed(name, where, None, str(error).removeprefix(f"{where}: "))
    if NOTEBOOK not in bundle.files:
        return Listed(name, where, None, f"It has no {NOTEBOOK}; it is a template for reports over the store.")
    return Listed(name, where, bundle)


def _paths(top: Path) -> dict[str, tuple[str, object]]:
    """Name the bundles of a directory, and tell by what each would be seen to have changed."""
    if (top / config.FILE).is_file() or top.is_file():
        return {top.resolve().stem if top.is_file() else top.resolve().name: (str(top), _signature(top))}
    try:
        entries = sorted(path for path in top.iterdir() if not path.name.startswith("."))
    except OSError:
        return {}
    zips = {path.stem: path for path in entries if path.suffix == ".zip" and path.is_file()}
    directories = {path.name: path for path in entries if (path / config.FILE).is_file()}
    return {name: (str(path), _signature(path)) for name, path in (zips | directories).items()}


def _signature(path: Path) -> object:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return tuple((str(file), state.st_mtime_ns, state.st_size) for file in files if (state := _state(file)))


def _state(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _urls(top: str) -> dict[str, tuple[str, object]]:
    """Name the zips below a URL, with what a listing tells of their content."""
    objects = remote.listing(top, ".zip")
    return {
        each.below.removesuffix(".zip"): (each.url, (each.size, each.mtime_ns, each.etag) if each.etag else None)
        for each in objects
        if "/" not in each.below
    }
