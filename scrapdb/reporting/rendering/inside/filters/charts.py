"""Charts, drawn by whoever asked for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from markupsafe import Markup

if TYPE_CHECKING:
    from scrapdb.reporting.rendering.inside.environment import Environment


def chart(environment: Environment, value: Any, **settings: Any) -> Markup:
    """Draw a table."""
    del environment, value, settings
    return Markup("")
