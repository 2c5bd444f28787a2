"""scrapdb gc: what nothing names any more."""

from __future__ import annotations

from scrapdb.cli.options import Settings


def command(*, settings: Settings) -> None:
    """Remove pictures, frames and names that no notebook has any more; sidecar files after an hour."""
    removed = settings.database().gc()
    settings.say(
        f"Removed {removed.blobs:,} blobs, {removed.names:,} names and {removed.sidecars:,} sidecars"
        f" ({removed.sidecar_bytes:,} bytes)."
    )
