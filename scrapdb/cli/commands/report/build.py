"""scrapdb report build: reports of a bundle, or of all bundles in a list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli import over_store
from scrapdb.cli import report_options
from scrapdb.cli import run_options
from scrapdb.cli.options import Settings
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.reporting.making.batch import Entry
    from scrapdb.reporting.making.batch import Host

_DEFAULT = "reports"


def command(
    bundle: Annotated[str | None, typer.Argument(metavar="BUNDLE", hidden=True)] = None,
    *,
    asked: report_options.Asked,
    pages: report_options.Pages,
    over: over_store.OverStore,
    way: run_options.Way,
    cluster: run_options.Cluster,
    limit: run_options.Limit,
    wall: run_options.Wall,
    as_json: Annotated[bool, typer.Option("--json", help="Print an array with an object for each report.")] = False,
    settings: Settings,
) -> None:
    """Make reports of BUNDLE: its notebook runs behind a wall, and its template makes a page of what that found.

    BUNDLE is a directory, a zip or the URL of one. Each report has a directory of its own below DIR, with its notebook,
    its page, its log and its record, and is brought into the store. What the bundle says of limits gives way to what is
    typed here.

    A BUNDLE without a notebook, or an .html file, is a template over the store: nothing runs, and one page, or one for
    each row, is made of what the store has. It is written to the file that -o names.

    The exit code is 1 if a report did not end well, or could not be pushed. Ctrl-C ends with grace, twice at once.

    \b
    scrapdb report build voltage -p site=north,south --lang en,ca
    scrapdb report build voltage -p site=north --pdf --push "s3://bucket/{bundle}/{site}-{lang}.html"
    scrapdb report build -f reports.yaml --resume
    scrapdb report build near-high.html --where "distance < 0.1" --sort distance -o report.html
    """
    from scrapdb.cli.reports import make

    how = run_options.given(way, cluster, limit, wall)
    if bundle is not None and over_store.is_template(bundle):
        over_store.make(bundle, over, asked, pages, how=how, settings=settings)
        return
    over.refuse()
    entries, host = _wanted(bundle, asked, pages, settings, how)
    if asked.dry_run:
        _print_choices(entries, host, settings, as_json=as_json)
        return
    make(entries, host, settings, as_json=as_json)


def _wanted(
    bundle: str | None,
    asked: report_options.Asked,
    pages: report_options.Pages,
    settings: Settings,
    given: dict[str, Any],
) -> tuple[list[Entry], Host]:
    """Return what is asked for; what is typed comes before what a file says."""
    from scrapdb.reporting.making.batch import Host
    from scrapdb.reporting.making.batch import directory
    from scrapdb.reporting.making.reports_file import List
    from scrapdb.reporting.making.reports_file import Listed
    from scrapdb.reporting.making.reports_file import read
    from scrapdb.running.batches.settings import Settings as How
    from scrapdb.running.rows import grid

    if (bundle is None) == (asked.file is None):
        raise UsageError("Of what are reports to be made? Name a BUNDLE, or a list of them by -f.")
    if asked.file and asked.parameter:
        raise UsageError("What -f lists has its parameters there: leave out -p.")
    given_values: dict[str, Any] = grid.given(asked.parameter or ())
    found = (
        read(Path(asked.file)) if asked.file else List(reports=(Listed(bundle=bundle or "", parameters=given_values),))
    )
    typed = {
        "languages": tuple(asked.lang.split(",")) if asked.lang else None,
        "name": asked.name,
        "pages": ("pdf",) if pages.pdf else None,
        "push": pages.push,
    }
    store = Path(found.db) if found.db and not settings.db else settings.store_path(create=True)
    host = Host(
        directory(asked.output or found.output or _DEFAULT),
        store,
        How(**{**found.settings, **given}),
        resume=bool(asked.resume if asked.resume is not None else found.resume),
        overwrite=bool(pages.overwrite if pages.overwrite is not None else found.overwrite),
        token=pages.token or found.token,
    )
    return found.entries(store, typed), host


def _print_choices(entries: list[Entry], host: Host, settings: Settings, *, as_json: bool) -> None:
    """Print what would be made, and why or why not."""
    from scrapdb.cli.printing import Printing
    from scrapdb.database.table import Table
    from scrapdb.reporting.making import batch

    columns = ("report", "bundle", "language", "parameters", "begins", "why")
    rows = [choice.row() for choice in batch.planned(entries, host).choices]
    Printing(json=as_json).print_rows(Table(columns, lambda: iter(rows)))
    begin = sum(row[columns.index("begins")] for row in rows)
    settings.say(f"{begin:,} of {len(rows):,} reports would be made; nothing was started or written.")
