"""scrapdb report push: the pages of a report to a URL, again or for the first time."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings


def command(
    reports: Annotated[list[str], typer.Argument(metavar="ID...", hidden=True)],
    *,
    output: Annotated[str, typer.Option("-o", "--output", metavar="DIR", help="Directory of all reports.")] = "reports",
    to: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Where to: s3://bucket/{bundle}/{site}.html.  [default: as before]"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="In the place of what is there, if it is another content.")
    ] = False,
    settings: Settings,
) -> None:
    """Push the pages of report ID to where they were to go, or elsewhere. What is there already is no error.

    ID is its name below DIR, or the path of its directory. The exit code is 1 if a page could not be pushed.

    \b
    scrapdb report push voltage-en-1f0e3dad
    scrapdb report push reports/voltage-* --to "s3://bucket/{bundle}/{site}-{lang}.html" --overwrite
    """
    from scrapdb.reporting.report import push

    failed = False
    for report in reports:
        made = push(report, to, output, overwrite=overwrite, db=settings.store_path(create=True))
        for pushed in made.pushed:
            settings.say(f"{made.id}: {pushed.page} → {pushed.url}")
        for error in made.push_errors:
            settings.say(f"{made.id}: not pushed: {error}")
        failed = failed or bool(made.push_errors)
    if failed:
        raise typer.Exit(1)
