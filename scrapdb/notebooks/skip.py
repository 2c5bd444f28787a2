"""How a notebook says that it skipped itself: an output of a MIME type of its own, before it ends the run."""

from __future__ import annotations

from typing import Any

MIME = "application/vnd.scrapdb.skip+json"


def bundle(reason: str) -> dict[str, Any]:
    """Write the MIME bundle that says why."""
    return {MIME: {"reason": reason}, "text/plain": text(reason)}


def text(reason: str) -> str:
    """Write it for people."""
    return f"Skipped: {reason}"


def reason_of(said: Any) -> str | None:
    """Read the reason from what stands under the MIME type; None if it is none."""
    reason = said.get("reason") if isinstance(said, dict) else None
    return reason if isinstance(reason, str) else None
