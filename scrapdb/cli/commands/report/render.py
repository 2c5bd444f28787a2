"""scrapdb report render: the page of a report again, without running it."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings

_DIRECTORY = typer.Option("-o", "--output", metavar="DIR", help="Directory of all reports.")


def command(
    report: Annotated[str, typer.Argument(metavar="ID", hidden=True)],
    *,
    output: Annotated[str, _DIRECTORY] = "reports",
    lang: Annotated[
        str | None, typer.Option(metavar="LANG", help="In this language.  [default: the one that it has]")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Make report.pdf as well.")] = False,
    bundle: Annotated[
        str | None,
        typer.Option(metavar="BUNDLE", help="With the template of this bundle.  [default: as it was made]"),
    ] = None,
    settings: Settings,
) -> None:
    """Render report ID again, of what its run has left: nothing is run. If that fails, all stays as it is.

    ID is its name below DIR, or the path of its directory. The bundle is the one of which it was made, as it was then,
    which is kept in DIR/.bundles.

    \b
    scrapdb report render voltage-en-1f0e3dad --lang ca
    scrapdb report render voltage-en-1f0e3dad --bundle voltage --pdf
    """
    from scrapdb.reporting.report import render

    made = render(report, output, language=lang, pdf=pdf, bundle=bundle, db=settings.store_path(create=True))
    for warning in made.warnings:
        settings.say(f"Warning: {warning}")
    settings.say(f"{made.id}: {', '.join(page.name for page in made.pages)} in {made.language}")
