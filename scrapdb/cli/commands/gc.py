"""scrapdb gc: what nothing names any more."""

from __future__ import annotations

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import say


@click.command("gc", short_help="Remove what nothing names any more.")
@common
def command() -> None:
    """Remove pictures, frames and names that no notebook has any more; sidecar files after an hour."""
    db = database()
    removed = db.gc()
    say(
        f"Removed {removed.blobs:,} blobs, {removed.names:,} names and {removed.sidecars:,} sidecars"
        f" ({removed.sidecar_bytes:,} bytes)."
    )
