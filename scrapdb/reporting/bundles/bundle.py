"""A bundle: a directory, a zip or a URL of one, read whole, so that a report is made of what was asked for."""

from __future__ import annotations

import msgspec

from scrapdb.reporting.bundles.config import Config

NOTEBOOK, TEMPLATE, REQUIREMENTS = "report.ipynb", "template.html", "requirements.txt"
LANGUAGES, STATIC = "languages", "static"


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle as it was when it was opened.

    Args:
        name: what people call it: that of its directory or zip.
        where: path or URL from which it was opened.
        config: what config.json says.
        files: the contents of all files, by path in it, with `/`.
        hash: SHA-256 of paths and contents.
    """

    name: str
    where: str
    config: Config
    files: dict[str, bytes]
    hash: str
