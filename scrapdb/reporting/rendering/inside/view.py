"""What filters know of the page for which they are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol

from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.inside.catalogues import Catalogue
from scrapdb.reporting.rendering.inside.languages import Language


class View(Protocol):
    """A page that is being rendered: what it is made of, its language, and its charts and remarks so far."""

    page: Page
    ask: Callable[..., Any]
    language: Language
    catalogue: Catalogue
    warnings: list[str]
    charts: int
