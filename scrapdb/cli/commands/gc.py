"""scrapdb gc: what nothing names any more."""

from __future__ import annotations

from scrapdb.cli.settings import Settings
from scrapdb.cli.settings import database
from scrapdb.cli.settings import say


def command(*, settings: Settings) -> None:
    """Remove pictures, frames and names that no notebook has any more; sidecar files after an hour."""
    removed = database(settings).gc()
    say(
        settings,
        f"Removed {removed.blobs:,} blobs, {removed.names:,} names and {removed.sidecars:,} sidecars"
        f" ({removed.sidecar_bytes:,} bytes).",
    )
