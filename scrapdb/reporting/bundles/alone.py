"""A template that is a file of its own: what lies beside it belongs to it as to one in a bundle."""

from __future__ import annotations

from pathlib import Path

from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import LANGUAGES
from scrapdb.reporting.bundles.bundle import STATIC


def files(template: Path) -> dict[str, bytes]:
    """Read a template, and `static/` and `languages/` beside it, by path.

    Raises:
        BundleError: there is none, or what is beside it is none of a bundle.
    """
    found = {template.name: opening.of_file(template, str(template))}
    for name in (STATIC, LANGUAGES):
        directory = template.parent / name
        if directory.is_dir():
            below = opening.of_directory(directory, str(directory))
            found |= {f"{name}/{path}": content for path, content in below.items()}
    return found
