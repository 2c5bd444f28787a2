"""Pages for tests: a template and what it is given, rendered."""

from __future__ import annotations

from typing import Any

from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Rendered
from scrapdb.reporting.rendering.rendered import rendered


def page(template: str, files: dict[str, bytes | str] | None = None, language: str = "en", **context: Any) -> Page:
    """Make a page of a template."""
    every = {"template.html": template, **(files or {})}
    return Page(
        template="template.html",
        files={name: content.encode() if isinstance(content, str) else content for name, content in every.items()},
        language=language,
        context=context,
        title="A title",
    )


def render(
    template: str, files: dict[str, bytes | str] | None = None, language: str = "en", **context: Any
) -> Rendered:
    """Render a template."""
    return rendered(page(template, files, language, **context))


def body(template: str, files: dict[str, bytes | str] | None = None, language: str = "en", **context: Any) -> str:
    """Render a template, and return what stands after the head that is put before it."""
    html = render(template, files, language, **context).html.decode()
    return html.partition("</title>")[2].removeprefix("\n")
