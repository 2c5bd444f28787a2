"""The bundles of which reports were made, kept beside them by hash, so that a page can be made again of the same."""

from __future__ import annotations

from pathlib import Path

from scrapdb.errors import ScrapdbError
from scrapdb.files.whole import whole_file
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making.record import OfBundle

_KEPT = ".bundles"


def keep(bundle: Bundle, reports: Path) -> None:
    """Keep a bundle below the directory of reports, unless it is there."""
    path = _path(reports, bundle.hash)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(opening.packed(bundle))


def kept(of: OfBundle, reports: Path) -> Bundle:
    """Return the bundle of which a report was made.

    Raises:
        ScrapdbError: it is not there any more, or is another one.
    """
    path = _path(reports, of.hash)
    try:
        bundle = opening.unpacked(path.read_bytes(), of.where, of.name)
    except OSError as error:
        told = f"The bundle of which it was made is not at {path} any more ({error.strerror}): name one by --bundle."
        raise ScrapdbError(told) from error
    if bundle.hash != of.hash:
        raise ScrapdbError(f"{path} is not the bundle of which it was made: name one by --bundle.")
    return bundle


def _path(reports: Path, digest: str) -> Path:
    return reports / _KEPT / f"{digest}.zip"
