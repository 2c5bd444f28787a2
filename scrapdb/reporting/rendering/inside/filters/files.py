"""Files of a bundle's static/, put into the page."""

from __future__ import annotations

import base64
import mimetypes
from typing import Any

from markupsafe import Markup

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.inside.filters.values import shown
from scrapdb.reporting.rendering.inside.view import View

_ABOVE = "static/"
# Python's own table differs from system to system.
_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".css": "text/css",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
}


def static(environment: View, name: Any) -> str:
    """Return a file of static/ as a data: address."""
    path, content = found(environment, name, "static")
    suffix = f".{path.rpartition('.')[2].lower()}"
    mime = _TYPES.get(suffix) or mimetypes.MimeTypes(()).guess_type(path)[0] or "application/octet-stream"
    return data(mime, content)


def static_text(environment: View, name: Any) -> Markup:
    """Return the text of a file of static/ as it stands, for `<style>` and the like."""
    path, content = found(environment, name, "static_text")
    try:
        return Markup(content.decode("utf-8-sig"))  # noqa: S704 - the author of the bundle wrote it
    except UnicodeDecodeError:
        raise TemplateError(f"static_text: {path} is not text in UTF-8.") from None


def data(mime: str, content: bytes) -> str:
    """Return content as a data: address."""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def found(environment: View, name: Any, asker: str) -> tuple[str, bytes]:
    """Return the path and content of a file of static/.

    Raises:
        TemplateError: there is none.
    """
    if not isinstance(name, str):
        raise TemplateError(f"{asker}: {shown(name)} is no name of a file in static/.")
    path = f"{_ABOVE}{name.removeprefix(_ABOVE)}"
    content = environment.page.files.get(path)
    if content is None:
        known = [each.removeprefix(_ABOVE) for each in environment.page.files if each.startswith(_ABOVE)]
        raise TemplateError(f"{asker}: there is no {path}; {suggestion(path.removeprefix(_ABOVE), sorted(known))}")
    return path, content
