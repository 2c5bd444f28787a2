"""scrapdb report show: one report, its log, its trace, its page."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from scrapdb.database.report import StoredReport

_LABEL = 10  # characters
_MOST_COLUMNS = 100
_LONGEST_LOG = 2**26


def command(
    report: Annotated[str, typer.Argument(metavar="ID", hidden=True)],
    *,
    log: Annotated[bool, typer.Option("--log", help="Print its log.")] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Print what went wrong, with the source of the cell or template.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open its page in the browser.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print its record as JSON.")] = False,
    settings: Settings,
) -> None:
    """Show the report ID: its state and why, parameters, times, what it used, and where it is.

    ID is the name of its directory, a part of it that no other has, or the id of its run. Log, trace and page are files
    beside its notebook; the browser is asked to show the page, whose path is printed if there is none.

    \b
    scrapdb report show voltage-en-1a2b3c4d
    scrapdb report show 1a2b --trace
    scrapdb report show 1a2b --open
    """
    if log + trace + open_ + json > 1:
        raise UsageError("One thing at a time: give only one of --log, --trace, --open and --json.")
    found = settings.database().report(report)
    if log:
        _print_log(found)
    elif trace:
        _print_trace(found)
    elif open_:
        _open(found)
    elif json:
        _print_json(found)
    else:
        _print(found, settings)


def _directory(found: StoredReport) -> Path | None:
    from scrapdb.reporting.directory import of_notebook

    exact = found.notebook.attributes["os_path"] if found.notebook else None
    return of_notebook(found.told.notebook, exact, found.store)


def _print(found: StoredReport, settings: Settings) -> None:
    import textwrap

    from scrapdb.formats.values import escaped

    width = min(shutil.get_terminal_size().columns, _MOST_COLUMNS)
    typer.echo(escaped(found.told.name))
    for label, text in found.lines():
        begin = f"  {label:<{_LABEL}}  "
        blanks = " " * len(begin)
        typer.echo(textwrap.fill(begin + text, max(width, 2 * len(begin)), subsequent_indent=blanks))
    if found.told.state not in ("completed", "skipped", "queued", "running"):
        settings.say("`--trace` shows what went wrong, `--log` what came before.")


def _print_log(found: StoredReport) -> None:
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.values import escaped_but_lines
    from scrapdb.reporting import directory

    content = directory.content(_directory(found), directory.LOG, _LONGEST_LOG)
    print_text(escaped_but_lines(content.decode(errors="replace")))


def _print_trace(found: StoredReport) -> None:
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.values import escaped_but_lines
    from scrapdb.reporting import directory

    trace = directory.trace(_directory(found), found.error, found.source)
    if trace is None:
        why = f"{found.told.state} ({found.told.reason})" if found.told.reason else found.told.state
        raise ScrapdbError(f"{found.told.name} has no trace: its state is {why}.")
    parts = (trace.heading, trace.source, trace.traceback)
    print_text("\n\n".join(escaped_but_lines(part).rstrip() for part in parts if part) + "\n")


def _open(found: StoredReport) -> None:
    import webbrowser

    from scrapdb.reporting import directory

    where = _directory(found)
    directory.opened(where, directory.PAGE).close()
    if where is not None and not webbrowser.open((where / directory.PAGE).as_uri()):
        typer.echo(where / directory.PAGE)


def _print_json(found: StoredReport) -> None:
    from json import dumps

    import msgspec

    from scrapdb.formats.streams import print_text
    from scrapdb.reporting import directory
    from scrapdb.text import without_nan

    trace = directory.trace(_directory(found), found.error, found.source)
    record = without_nan(found.to_dict()) | {"trace": msgspec.to_builtins(trace)}
    print_text(f"{dumps(record, ensure_ascii=False, indent=2, default=str)}\n")
