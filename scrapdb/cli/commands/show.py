"""scrapdb show: one notebook, or one of its values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows
from scrapdb.cli.options import say
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion

if TYPE_CHECKING:
    from scrapdb.database.notebook import StoredNotebook
    from scrapdb.database.notebook import StoredScrap

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
_TERMINAL_COLUMNS = ("name", "role", "type", "value", "cell")
_ATTRIBUTES = ("status", "started_at", "seconds", "kernel", "source")


@click.command("show", short_help="Show one notebook, or one of its values.")
@click.argument("notebook")
@click.argument("name", required=False)
@rows
@common
def command(notebook: str, name: str | None, format_: str | None, output: Path | None) -> None:
    """Show the status, parameters and scraps of NOTEBOOK, and where each was glued.

    With NAME, show that value: a DataFrame as rows, a picture to `-o FILE`, anything else as it is. NOTEBOOK is a path,
    or as much of its end as tells it from others.

    \b
    scrapdb show BCD
    scrapdb show BCD prices --csv
    scrapdb show BCD chart -o chart.png
    """
    found = database().notebook(notebook)
    if name is None:
        _show_notebook(found, format_, output)
    elif name in found.scraps:
        _show_scrap(found.scraps[name], format_, output)
    elif name in found.parameters:
        _print_value(found.parameters[name], format_, output, name)
    else:
        raise _unknown(found, name)


def _show_notebook(found: StoredNotebook, format_: str | None, output: Path | None) -> None:
    on_terminal = format_ == "table" or (format_ is None and output is None and sys.stdout.isatty())
    if on_terminal:
        _print_heading(found)
    if found.values or not on_terminal:
        print_rows(found.table(_TERMINAL_COLUMNS if on_terminal else _COLUMNS), format_, output)
    for _, cell, _, name, kind, message in found.problems:
        where = "" if cell is None else f" in cell {cell}"
        say(f"Problem{where} ({kind}{f', {name}' if name else ''}): {message}")


def _print_heading(found: StoredNotebook) -> None:
    from scrapdb.formats.values import escaped
    from scrapdb.formats.values import short

    click.echo(escaped(found.path))
    for attribute in _ATTRIBUTES:
        if found.attributes[attribute] is not None:
            click.echo(f"  {attribute:<10}  {short(found.attributes[attribute])}")
    if found.attributes["error_name"]:
        error = f"{found.attributes['error_name']}: {found.attributes['error_value']}"
        click.echo(f"  {'error':<10}  {escaped(error)} (cell {found.attributes['error_cell']})")
    if found.values:
        click.echo()


def _show_scrap(scrap: StoredScrap, format_: str | None, output: Path | None) -> None:
    from scrapdb.formats.streams import write_bytes

    if scrap.type == "frame":
        print_rows(scrap.table(), format_, output)
    elif output and not format_ and (scrap.display or _is_picture(output)):
        write_bytes(_shown_as(scrap, output), output)
    elif scrap.type == "display":
        _print_value(scrap.display.get("text/plain", b"").decode(errors="replace"), format_, output, scrap.name)
        say(f"It was shown as {', '.join(scrap.display)}; `-o FILE` writes it to a file.")
    else:
        _print_value(scrap.data, format_, output, scrap.name)


def _shown_as(scrap: StoredScrap, output: Path) -> bytes:
    """Choose the MIME type that the file's suffix asks for; without a known suffix, the first picture or rich text."""
    import mimetypes

    shown = scrap.display
    wanted = mimetypes.guess_type(output.name)[0]
    if wanted is None and shown:
        return shown[min(shown, key=lambda mime: (not mime.startswith("image/"), mime == "text/plain", mime))]
    if wanted not in shown:
        instead = f"but as {', '.join(shown)}" if shown else f"it is of type {scrap.type}"
        raise UsageError(f"{scrap.name} was not shown as {wanted}, {instead}.")
    return shown[wanted]


def _is_picture(output: Path) -> bool:
    import mimetypes

    return (mimetypes.guess_type(output.name)[0] or "").startswith("image/")


def _print_value(value: Any, format_: str | None, output: Path | None, name: str) -> None:
    from scrapdb.database.table import Table
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.values import plain

    if format_:
        print_rows(Table([name], lambda: iter([(value,)])), format_, output)
    else:
        print_text(f"{plain(value)}\n", output)


def _unknown(found: StoredNotebook, name: str) -> ScrapNotFoundError:
    names = [*found.scraps, *found.parameters]
    return ScrapNotFoundError(f"{found.path} has no {name!r}; {suggestion(name, names, owner='it')}")
