"""scrapdb show: one notebook, or one of its values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb import errors
from scrapdb.cli.looking_back import AsOf
from scrapdb.cli.options import NotebookName
from scrapdb.cli.options import Pictures
from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing
from scrapdb.text import composed

if TYPE_CHECKING:
    from scrapdb.database import Database
    from scrapdb.database.notebook import StoredNotebook
    from scrapdb.database.notebook import StoredScrap
    from scrapdb.query.nodes import Role
    from scrapdb.store.readers.executions import Attempt
    from scrapdb.store.readers.versions import Kept

_COLUMNS = (
    "name",
    "role",
    "type",
    "value",
    "encoder",
    "source",
    "size",
    "cell",
    "cell_id",
    "output",
    "execution_count",
)
_TABLE_COLUMNS = ("name", "role", "type", "value", "cell")
_SHORT_HASH = 8  # characters
_ATTRIBUTES = ("status", "started_at", "seconds", "kernel", "source")


def command(
    notebook: NotebookName,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", hidden=True)] = None,
    *,
    trace: Annotated[bool, typer.Option("--trace", help="Print the traceback of the error that ended it.")] = False,
    pictures: Pictures = False,
    past: AsOf,
    printing: Printing,
    settings: Settings,
) -> None:
    """Show the status, parameters and scraps of NOTEBOOK, and where each was glued; of a run under way how far it is.

    With NAME, show that value: a DataFrame as rows, a picture to `-o FILE`, anything else as it is. NOTEBOOK is a path,
    or as much of its end as tells it from others; NOTEBOOK@3, @previous and @COMMIT are versions of it.

    \b
    scrapdb show BCD
    scrapdb show BCD --trace
    scrapdb show BCD prices --csv
    scrapdb show BCD chart -o chart.png
    scrapdb show BCD -o BCD.xlsx --pictures
    """
    if pictures and (name or trace):
        raise errors.UsageError("--pictures is for all values of a notebook: leave out NAME and --trace.")
    db = past.database(settings)
    try:
        found = db.notebook(notebook)
    except errors.NotebookNotFoundError:
        attempt = db.attempt(notebook)
        if attempt is None or name or printing.chosen():
            raise
        _print_attempt(attempt, settings)
        return
    name = name and composed(name)
    if trace:
        _print_trace(found, printing)
    elif name is None:
        _show_notebook(found, printing, settings, db if pictures else None)
    elif name in found.scraps:
        _show_scrap(found.scraps[name], printing, settings)
        _say_since(found, "scrap", name, settings)
    elif name in found.parameters:
        _print_value(found.parameters[name], printing, settings, name)
        _say_since(found, "param", name, settings)
    else:
        raise _unknown(found, name)


def _say_since(found: StoredNotebook, role: Role, name: str, settings: Settings) -> None:
    """Tell since when a value has been as it is, if versions are kept."""
    from scrapdb.database.history import minute
    from scrapdb.database.history import unchanged_since
    from scrapdb.query.nodes import Name

    if found.version is None or found.version.versions == 1 or settings.quiet:
        return
    since = unchanged_since(settings.store_path(), found.path, found.version.version, str(Name(role, name)))
    if since:
        settings.say(f"It is so since version {since.version}, {minute(since.since)}.")


def _show_notebook(found: StoredNotebook, printing: Printing, settings: Settings, pictures: Database | None) -> None:
    as_table = printing.resolved() == "table"
    if as_table:
        _print_heading(found)
    if found.values or not as_table:
        table = found.table(_TABLE_COLUMNS if as_table else _COLUMNS, cells=pictures is not None)
        printing.print_rows(table, settings.say, pictures)
    for _, cell, _, name, kind, message in found.problems:
        where = "" if cell is None else f" in cell {cell}"
        settings.say(f"Problem{where} ({kind}{f', {name}' if name else ''}): {message}")


def _print_heading(found: StoredNotebook) -> None:
    from scrapdb.database.record import lines
    from scrapdb.formats.values import escaped
    from scrapdb.formats.values import short

    typer.echo(escaped(found.path))
    for attribute in _ATTRIBUTES:
        if found.attributes[attribute] is not None:
            _print_line(attribute, short(found.attributes[attribute]))
    if found.attributes["error_name"]:
        error = f"{found.attributes['error_name']}: {found.attributes['error_value']}"
        _print_line("error", f"{escaped(error)} (cell {found.attributes['error_cell']})")
    for label, text in lines(found.record, found.attributes["error_name"]) if found.record else ():
        _print_line(label, text)
    if found.version:
        _print_line("versions", _told(found.version))
    if found.attempt:
        _print_now(found.attempt)
    if found.values:
        typer.echo()


def _told(kept: Kept) -> str:
    """Say which version of how many it is, and since when."""
    from scrapdb.database.history import minute

    which = "this one" if kept.version == kept.versions and not kept.until else f"this is {kept.version}"
    until = f" until {minute(kept.until)}" if kept.until else ""
    commit = f", commit {kept.commit_hash[:_SHORT_HASH]}" if kept.commit_hash else ""
    return f"{kept.versions:,}, {which} since {minute(kept.since)}{until}{commit}"


def _print_line(label: str, text: str) -> None:
    typer.echo(f"  {label:<10}  {text}")


def _print_now(attempt: Attempt) -> None:
    from scrapdb.database.record import progress

    _print_line("now", ", ".join(filter(None, (attempt.state, progress(attempt)))))


def _print_attempt(attempt: Attempt, settings: Settings) -> None:
    """Print an attempt at a run of which the store has no notebook yet."""
    from scrapdb.formats.values import escaped
    from scrapdb.formats.values import short

    typer.echo(escaped(attempt.notebook))
    _print_now(attempt)
    for column in ("reason", "started_at", "ended_at", "source", "parameters", "wall"):
        if getattr(attempt, column) is not None:
            _print_line(column, short(getattr(attempt, column)))
    settings.say("The store has no notebook of this run yet.")


def _print_trace(found: StoredNotebook, printing: Printing) -> None:
    """Print a traceback; its colours are gone since the notebook was read."""
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.values import escaped_but_lines

    traceback = found.attributes["error_traceback"]
    if not traceback:
        reason = found.record and found.record["reason"]
        why = f"{found.status} ({reason})" if reason else found.status
        raise errors.ScrapdbError(f"{found.path} has no traceback: its status is {why}.")
    print_text(f"{escaped_but_lines(traceback).rstrip()}\n", printing.output)


def _show_scrap(scrap: StoredScrap, printing: Printing, settings: Settings) -> None:
    from scrapdb.formats.streams import binary_stream

    output = printing.output
    is_row = scrap.type != "display" and _is_of_rows(printing)
    if scrap.type == "display" and not scrap.display:
        raise errors.ScrapdbError(f"Nothing was shown of {scrap.name} when it was glued, so there is nothing to write.")
    if scrap.type == "frame":
        printing.print_rows(scrap.table(), settings.say)
    elif output and not printing.chosen() and (_is_picture(output) or (scrap.display and not is_row)):
        with binary_stream(output) as file:
            file.write(_shown_as(scrap, output))
    elif scrap.type == "display":
        text = scrap.display.get("text/plain", b"").decode(errors="replace")
        _print_value(text, printing, settings, scrap.name)
        settings.say(f"It was shown as {', '.join(scrap.display)}; `-o FILE` writes it to a file.")
    else:
        _print_value(scrap.data, printing, settings, scrap.name)


def _shown_as(scrap: StoredScrap, output: Path) -> bytes:
    """Choose the MIME type that the file's suffix asks for; without a known suffix, the first picture or rich text.

    `.json` asks for any that is written as JSON, such as a chart's `application/vnd.plotly.v1+json`.
    """
    import mimetypes

    shown = scrap.display
    wanted = mimetypes.guess_type(output.name)[0]
    if wanted == "application/json" and wanted not in shown:
        wanted = next((mime for mime in shown if mime.endswith("+json")), wanted)
    if wanted is None and shown:
        return shown[min(shown, key=lambda mime: (not mime.startswith("image/"), mime == "text/plain", mime))]
    if wanted not in shown:
        instead = f"but as {', '.join(shown)}" if shown else f"it is of type {scrap.type}"
        raise errors.UsageError(f"{scrap.name} was not shown as {wanted}, {instead}.")
    return shown[wanted]


def _is_picture(output: Path) -> bool:
    import mimetypes

    return (mimetypes.guess_type(output.name)[0] or "").startswith("image/")


def _is_of_rows(printing: Printing) -> bool:
    """Return whether the file is one that no text can stand in."""
    return printing.resolved() in {"parquet", "xlsx"}


def _print_value(value: Any, printing: Printing, settings: Settings, name: str) -> None:
    from scrapdb.database.table import Table
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.values import plain

    if printing.chosen() or _is_of_rows(printing):
        printing.print_rows(Table([name], lambda: iter([(value,)])), settings.say)
    else:
        print_text(f"{plain(value)}\n", printing.output)


def _unknown(found: StoredNotebook, name: str) -> errors.ScrapNotFoundError:
    names = [*found.scraps, *found.parameters]
    return errors.ScrapNotFoundError(f"{found.path} has no {name!r}; {errors.suggestion(name, names, owner='it')}")
