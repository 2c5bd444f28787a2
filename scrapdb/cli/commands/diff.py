"""scrapdb diff: what differs between notebooks."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb import errors
from scrapdb.cli.options import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from scrapdb.database.differences import Differences
    from scrapdb.database.sides import Compared

_WIDTH = 80  # where no terminal is
_NARROWEST = 40


def command(
    notebooks: Annotated[list[str], typer.Argument(metavar="A B [C]...", hidden=True)],
    *,
    only: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Compare only these names; globs, as in `loss*,param.*`.")
    ] = None,
    ignore: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Leave out these names; globs, as in `code,display.*`.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="X", help="Numbers are equal that differ by X times the larger, or less.")
    ] = 0.0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    settings: Settings,
) -> None:
    """Show what differs between A and B, and C and so on and A; exit with 1 if anything does.

    Status, parameters, code and Markdown by cells, scraps and displays are compared: numbers by difference and ratio,
    texts by words, JSON by path, DataFrames by columns and rows, pictures by hash and, with Pillow, by pixels. A and B
    are notebooks in the store or versions of them, named as for `show`, or files that are in none. It exits with 2 if
    they cannot be compared.

    \b
    scrapdb diff BCD MNO
    scrapdb diff BCD MNO --tolerance 1e-6 --ignore "code,display.*"
    scrapdb diff BCD@previous BCD
    scrapdb diff old.ipynb new.ipynb --only "scrap.*" --json
    """
    from scrapdb.database.differences import Choice
    from scrapdb.database.sides import compared

    choice = Choice(_globs(only), _globs(ignore))
    try:
        found = compared(_store(settings), notebooks, tolerance=tolerance, choice=choice)
    except errors.UsageError:
        raise
    except errors.ScrapdbError as error:  # 1 says that they differ
        raise errors.UsageError(str(error)) from error
    _print(found, as_json=json, settings=settings)
    if found.differences.lines:
        raise typer.Exit(1)


def _store(settings: Settings) -> Path | None:
    """Return the store, if there is one: files can be compared without."""
    try:
        return settings.store_path()
    except errors.StoreNotFoundError:
        return None


def _globs(text: str | None) -> tuple[str, ...]:
    return tuple(glob for glob in map(str.strip, (text or "").split(",")) if glob)


def _print(found: Compared, *, as_json: bool, settings: Settings) -> None:
    from scrapdb.cli import differences_json
    from scrapdb.cli import differences_text
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.values import json_text
    from scrapdb.text import without_nan

    paths, differences, remarks = found
    for remark in remarks:
        settings.say(remark)
    if as_json:
        print_text(f"{json_text(without_nan(differences_json.as_object(paths, differences)), allow_nan=False)}\n")
        return
    width = max(shutil.get_terminal_size().columns, _NARROWEST) if sys.stdout.isatty() else _WIDTH
    if differences.lines:
        lines = differences_text.lines(paths, differences.lines, width)
        print_text("".join(f"{line.rstrip()}\n" for line in lines))
    settings.say(_summary(differences))


def _summary(found: Differences) -> str:
    if not found.lines:
        return f"Nothing differs: {found.equal:,} {'value is' if found.equal == 1 else 'values are'} equal."
    differ = len(found.lines) + found.cut
    equal = f"{found.equal:,} {'is' if found.equal == 1 else 'are'} equal"
    left_out = f", of which {found.cut:,} are left out here" if found.cut else ""
    return f"{differ:,} {'value differs' if differ == 1 else 'values differ'}{left_out}; {equal}."
