"""The options of `scrapdb report build`, `render` and `push`, by what they are about."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from typing import NamedTuple

import typer

_asked = partial(typer.Option, rich_help_panel="What is made, and where to")
_pages = partial(typer.Option, rich_help_panel="Pages")


class Asked(NamedTuple):
    """Which reports are made, and where they go."""

    parameter: Annotated[
        list[str] | None,
        _asked(
            "-p",
            "--parameter",
            metavar="NAME=VALUE,...",
            help="Values of a parameter; every combination of them is a report. Repeatable.",
        ),
    ] = None
    lang: Annotated[
        str | None, _asked(metavar="LANG,...", help="A report in each language.  [default: the bundle's first]")
    ] = None
    file: Annotated[
        str | None, _asked("-f", "--file", metavar="FILE", help="Reports that a file lists, in place of BUNDLE.")
    ] = None
    output: Annotated[
        str | None, _asked("-o", "--output", metavar="DIR", help="Directory of all reports.  [default: reports]")
    ] = None
    name: Annotated[
        str | None,
        _asked(metavar="PATTERN", help="How to name each one's directory: {site}-{lang}.  [{bundle}-{lang}-{hash}]"),
    ] = None
    resume: Annotated[
        bool | None, _asked("--resume", help="Pass over what is completed, of the same bundle with the same values.")
    ] = None
    dry_run: Annotated[
        bool, _asked("--dry-run", help="List what would be made, and why or why not; start and write nothing.")
    ] = False


class Pages(NamedTuple):
    """What pages are made, and where they are pushed."""

    pdf: Annotated[bool | None, _pages("--pdf", help="Make report.pdf as well.")] = None
    push: Annotated[
        str | None, _pages(metavar="PATTERN", help="Push pages to a URL or path: s3://bucket/{bundle}/{site}.html.")
    ] = None
    overwrite: Annotated[
        bool | None, _pages("--overwrite", help="Push in the place of what is there, if it is another content.")
    ] = None
    token: Annotated[
        str | None, _pages(metavar="CMD", help="What issues the token of each report: a command, or a plugin's name.")
    ] = None
