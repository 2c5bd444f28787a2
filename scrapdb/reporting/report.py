"""`scrapdb.report`: reports in Python, in a script or in a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.indexing.loop import index
from scrapdb.reporting import over_store as pages
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.making import archive
from scrapdb.reporting.making import batch
from scrapdb.reporting.making.record import NOTEBOOK
from scrapdb.reporting.making.record import Record
from scrapdb.reporting.making.reports import Reports
from scrapdb.reporting.making.tokens import Tokens
from scrapdb.reporting.preview.in_notebook import preview as preview  # noqa: PLC0414 - for whoever has `scrapdb.report`
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.settings import Settings
from scrapdb.running.events import Stop
from scrapdb.running.run import rows_of
from scrapdb.running.run import texts
from scrapdb.store.connection import DEFAULT_NAME

if TYPE_CHECKING:
    import pandas as pd

_Path = str | os.PathLike[str]
_PATHS = frozenset({"allow", "beside", "env", "keep_files", "read"})  # settings that are one text or many


def build(
    bundle: _Path,
    parameters: Mapping[str, Any] | Iterable[Mapping[str, Any]] | pd.DataFrame | None = None,
    output: _Path = "reports",
    *,
    languages: str | Sequence[str] = (),
    name: str | None = None,
    zipped: bool = False,
    pdf: bool = False,
    push: str | None = None,
    overwrite: bool = False,
    token: str | Tokens | None = None,
    resume: bool = False,
    db: _Path | None = None,
    audience: Audience | None = None,
    **settings: Any,
) -> Reports:
    """Make reports of a bundle: its notebook runs behind a wall, and its template makes a page of what that found.

    What a notebook or a template does is no error here: how each report ended is in what is returned, and in its page.

    Args:
        bundle: directory, zip, or URL of a zip.
        parameters: `{"site": ["north", "south"]}` makes every combination; a list of dicts or a DataFrame has a report
            in each row.
        output: directory of all reports.
        languages: a report of each row in each; by default the first that the bundle has.
        name: pattern of the names of their directories: `"{site}-{lang}"`.
        zipped: whether the first values of all parameters belong together, the second, and so on.
        pdf: whether report.pdf is made as well.
        push: pattern of where pages are pushed: `"s3://bucket/{bundle}/{site}-{lang}.html"`.
        overwrite: whether pages are pushed in the place of others, if their content differs.
        token: what issues the token of each report: a command, the name of a plugin, or an object that does it.
        resume: whether to pass over what is completed, of the same bundle with the same values.
        db: the store; by default `$SCRAPDB_DB`, else scraps.db here.
        audience: is told how it goes.
        settings: how they run, as `scrapdb.run` has it: `jobs`, `timeout`, `memory`, `network`, … What is not said
            here the bundle says.

    Raises:
        UsageError: an argument is wrong; nothing was started.
        ScrapdbError: the bundle cannot be read, the store cannot be written, or another runner is at work there.
        KeyboardInterrupt: it was interrupted; what had begun is recorded.
    """
    entry = batch.Entry(
        bundle=os.fspath(bundle),
        rows=tuple(rows_of(parameters, zipped=zipped)),
        languages=(languages,) if isinstance(languages, str) else tuple(languages),
        name=name,
        pages=("pdf",) if pdf else (),
        push=push,
    )
    said: dict[str, Any] = {name: texts(value) if name in _PATHS else value for name, value in settings.items()}
    host = batch.Host(
        batch.directory(output), _store(db), Settings(**said), resume=resume, overwrite=overwrite, token=token
    )
    stop = Stop()
    reports = batch.build([entry], host, audience, stop)
    if stop.interrupted:
        raise KeyboardInterrupt(str(reports))
    return reports


def over_store(
    template: _Path,
    where: str | None = None,
    output: _Path | None = None,
    *,
    columns: str | Sequence[str] | None = None,
    sort: str | Sequence[str] = (),
    limit: int | None = None,
    each: bool = False,
    parameters: Mapping[str, Any] | None = None,
    languages: str | Sequence[str] = (),
    name: str | None = None,
    pdf: bool = False,
    wall: str | None = None,
    db: _Path | None = None,
) -> tuple[pages.Made, ...]:
    """Make a report over the store, or one for each row of a query: a page of a template. Nothing is run.

    Args:
        template: an .html file, or a bundle without a notebook.
        where: the notebooks for which this holds are `runs` in the template.
        output: the file, or with several pages the directory; by default a file here that is called as the template.
        columns: what `runs` have of them; by default as `Database.query`.
        sort: fields to sort by, `-` in front for the largest first.
        limit: the most rows.
        each: whether there is a page for each row, which is `run`.
        parameters: what the template has as `parameters`.
        languages: a page in each; by default the first that the bundle has.
        name: pattern of the names of several pages: `"{symbol}-{lang}"`; `{notebook}` is that of the row.
        pdf: whether a PDF is made beside each page.
        wall: around what renders the template; by default the best that this machine has.
        db: the store; by default `$SCRAPDB_DB`, else scraps.db here.

    Raises:
        ExpressionError: the expression, a column or a sort key is wrong.
        UsageError: another argument is wrong.
        ScrapdbError: there is no store or template, the template is wrong, or a page cannot be written.
    """
    return pages.build(
        os.fspath(template),
        pages.Asked(where=where, columns=columns, sort=sort, limit=limit, each=each),
        store=_store(db),
        parameters=parameters,
        languages=(languages,) if isinstance(languages, str) else tuple(languages),
        output=None if output is None else os.fspath(output),
        name=name,
        pdf=pdf,
        wall=wall,
    )


def render(
    report: str,
    output: _Path = "reports",
    *,
    language: str | None = None,
    pdf: bool = False,
    bundle: _Path | None = None,
    db: _Path | None = None,
) -> Record:
    """Render a report again without running it. If that fails, all stays as it is.

    Args:
        report: its id, or the path of its directory.
        output: directory of all reports.
        language: in place of the one that it had.
        pdf: whether report.pdf is made as well.
        bundle: in place of the one of which it was made, with another template say.
        db: the store; by default `$SCRAPDB_DB`, else scraps.db here.

    Raises:
        UsageError: there is no such report.
        ScrapdbError: its run did not complete, its bundle is gone, or the template is wrong.
    """
    directory = archive.found(report, Path(output))
    newer = opening.opened(os.fspath(bundle)) if bundle else None
    made = archive.rendered(directory, language=language, pages=("pdf",) if pdf else (), bundle=newer)
    _index(directory, db)
    return made


def push(
    report: str,
    to: str | None = None,
    output: _Path = "reports",
    *,
    overwrite: bool = False,
    db: _Path | None = None,
) -> Record:
    """Push a report, again or for the first time; what cannot be done is in the record that is returned.

    Args:
        report: its id, or the path of its directory.
        to: pattern of where its pages go, if they are to go elsewhere than before.
        output: directory of all reports.
        overwrite: whether they take the place of others, if their content differs.
        db: the store; by default `$SCRAPDB_DB`, else scraps.db here.

    Raises:
        UsageError: there is no such report, or nobody says where it is to go.
        ScrapdbError: it did not complete.
    """
    directory = archive.found(report, Path(output))
    made = archive.pushed(directory, to, overwrite=overwrite)
    _index(directory, db)
    return made


def _store(db: _Path | None) -> Path:
    return Path(db or os.environ.get("SCRAPDB_DB") or DEFAULT_NAME).expanduser()


def _index(directory: Path, db: _Path | None) -> None:
    index(_store(db), (), names=[str(directory / NOTEBOOK)], prune=False, workers=1)
