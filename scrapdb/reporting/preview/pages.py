"""Pages while they are written: translations as somebody edits them, and where a template is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from scrapdb.reporting.preview.shown import Problem
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Page

_AROUND = 4  # lines, before and after the wrong one


def as_written(page: Page) -> Page:
    """Let translations be those that somebody edits, and not what was compiled of them before."""
    files = {
        path: content
        for path, content in page.files.items()
        if not (path.endswith(".mo") and f"{path.removesuffix('.mo')}.po" in page.files)
    }
    return replace(page, files=files)


def problem(error: TemplateError, files: Mapping[str, bytes]) -> Problem:
    """Say what is wrong with a template, with the lines around."""
    lines = files.get(error.file or "", b"").decode(errors="replace").splitlines()
    line = error.line or 0
    around = [(number, text) for number, text in enumerate(lines, 1) if line and abs(number - line) <= _AROUND]
    what = "The template" if (error.file or "").endswith(".html") else "The page"
    return Problem(what=what, message=error.message, file=error.file, line=error.line, source=tuple(around))
