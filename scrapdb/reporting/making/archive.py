"""The bundles of which reports were made, kept beside them by hash, and reports that are rendered or pushed again."""

from __future__ import annotations

import time
from collections.abc import Collection
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.facts import Execution
from scrapdb.files.whole import whole_file
from scrapdb.notebooks.extract import read_facts
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import maker
from scrapdb.reporting.making import order as orders
from scrapdb.reporting.making import push as pushing
from scrapdb.reporting.making import record
from scrapdb.reporting.making.order import Order
from scrapdb.reporting.making.record import Record

_KEPT = ".bundles"
_YOUNG = 86_400.0  # seconds for which a bundle stays, since a report of it may be under way


def keep(bundle: Bundle, reports: Path) -> None:
    """Keep a bundle below the directory of reports, unless it is there."""
    path = _path(reports, bundle.hash)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(opening.packed(bundle))


def kept(digest: str, reports: Path, where: str, name: str) -> Bundle:
    """Return a bundle that was kept.

    Args:
        digest: its hash.
        reports: the directory of reports.
        where: path or URL from which it was opened.
        name: what people call it.

    Raises:
        ScrapdbError: it is not there any more, or is another one.
    """
    path = _path(reports, digest)
    try:
        bundle = opening.unpacked(path.read_bytes(), where, name)
    except OSError as error:
        told = f"The bundle of which it was made is not at {path} any more ({error.strerror}): name one by --bundle."
        raise ScrapdbError(told) from error
    if bundle.hash != digest:
        raise ScrapdbError(f"{path} is not the bundle of which it was made: name one by --bundle.")
    return bundle


def tidy(reports: Path, needed: Collection[str] = ()) -> int:
    """Remove the bundles of which no report is any more, and return how many these were.

    Args:
        reports: the directory of reports.
        needed: hashes of bundles of which reports are yet to be made.
    """
    kept_ = [path for path in (reports / _KEPT).glob("*.zip") if time.time() - path.stat().st_mtime > _YOUNG]
    known = {*needed, *(_hash(path) for path in reports.rglob(record.RECORD))} if kept_ else set()
    old = [path for path in kept_ if path.stem not in known]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _hash(path: Path) -> str | None:
    try:
        return record.read(path.parent).bundle.hash
    except ScrapdbError:
        return None


def found(id_: str, reports: Path) -> Path:
    """Return the directory of a report, by its id or its path.

    Raises:
        UsageError: there is none.
    """
    for directory in (reports / id_, Path(id_)):
        if (directory / record.RECORD).is_file():
            return directory
    raise UsageError(f"There is no report {id_} in {reports}: `scrapdb report list` knows them all; -o names another.")


def rendered(
    directory: Path, *, language: str | None = None, pages: Sequence[str] = (), bundle: Bundle | None = None
) -> Record:
    """Render a report again without running it, of what its run left. If that fails, all stays as it is.

    Args:
        directory: of the report.
        language: in place of the one that it had.
        pages: kinds of pages to be made beside those that it has.
        bundle: in place of the one of which it was made.

    Raises:
        ScrapdbError: its run did not complete, its bundle is gone, or the template is wrong.
    """
    before = record.read(directory)
    if before.run_state != "completed":
        raise ScrapdbError(f"The run of {before.id} is {before.run_state}, so that it left nothing to render.")
    facts = read_facts((directory / record.NOTEBOOK).read_bytes())
    order = Order(
        id=before.id,
        directory=directory,
        bundle=bundle or kept(before.bundle.hash, _top(before, directory), before.bundle.where, before.bundle.name),
        parameters=before.parameters,
        language=language or before.language,
        pages=tuple(dict.fromkeys((*(Path(page.name).suffix[1:] for page in before.pages), *pages))),
        push=before.push if language in {None, before.language} else (),  # it was named for the other language
    )
    execution = facts.execution or Execution(state="completed", id=before.run)
    made = maker.with_pages(order, maker.Ran(execution, facts))
    made = replace(made, pushed=before.pushed, push_errors=before.push_errors)
    keep(order.bundle, _top(before, directory))
    record.write(directory, made)
    return made


def pushed(directory: Path, to: str | None = None, *, overwrite: bool = False) -> Record:
    """Push a report, again or for the first time; what cannot be done is told in its record.

    Args:
        directory: of the report.
        to: pattern of where it goes, if it is to go elsewhere than before.
        overwrite: whether it takes the place of another content.

    Raises:
        ScrapdbError: it did not complete, or nobody says where it is to go.
    """
    before = record.read(directory)
    if before.state != "completed":
        raise ScrapdbError(f"{before.id} is {before.state}: there is no page of it to push.")
    if to:
        fields = orders.fields(before.bundle.name, before.bundle.version, before.language, before.parameters)
        before = replace(before, push=tuple(pushing.targets(to, [{**fields, "hash": before.key[:8], "id": before.id}])))
    if not before.push:
        raise UsageError(f"Where is {before.id} to be pushed? Say --to URL.")
    made = maker.pushed(directory, before, overwrite=overwrite)
    record.write(directory, made)
    return made


def _top(of: Record, directory: Path) -> Path:
    """Return the directory of all reports."""
    above = directory.resolve().parents
    return above[min(of.id.count("/"), len(above) - 1)]


def _path(reports: Path, digest: str) -> Path:
    return reports / _KEPT / f"{digest}.zip"
