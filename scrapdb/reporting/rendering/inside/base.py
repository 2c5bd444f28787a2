"""Templates of ours, which those of bundles extend."""

from __future__ import annotations

from importlib.resources import files

_NAMES = ("scrapdb/report.css", "scrapdb/report.html")
_HERE = files("scrapdb.reporting.rendering.inside") / "templates"
TEMPLATES: dict[str, bytes] = {name: (_HERE / name).read_bytes() for name in _NAMES}
