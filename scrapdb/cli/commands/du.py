"""scrapdb du: how many bytes are where."""

from __future__ import annotations

from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows
from scrapdb.cli.options import say


@click.command("du", short_help="Show what takes how many bytes.")
@click.option(
    "--by",
    type=click.Choice(["scrap", "notebook", "encoder"]),
    default="scrap",
    show_default=True,
    help="What to add up.",
)
@rows
@common
def command(by: str, format_: str | None, output: Path | None) -> None:
    """Show what takes how many bytes, largest first.

    `bytes` is what values and displays take in the notebooks; `inline` and `sidecar` what they take in the store and in
    the files beside it.
    """
    db = database()
    found = db.sizes(by)
    print_rows(found, format_, output)
    totals = db.totals()
    taken = {name: _bytes(count) for name, count in totals.items()}
    say(
        f"{totals['notebooks']:,} notebooks of {taken['files']}, of which scraps take {taken['scraps']};"
        f" the store has {taken['store']} and {taken['sidecars']} of sidecars."
    )


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - that is what kilo means
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
