"""Display: what is shown is all that is glued, so there is no payload."""

from __future__ import annotations

import sys
from typing import Any

NAME = "display"
_WAYS = ("mimebundle", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript")


def is_display_object(value: Any) -> bool:
    """Return whether it is one of IPython's display objects, such as an Image."""
    module = sys.modules.get("IPython.display")
    return module is not None and isinstance(value, module.DisplayObject)


def shows_itself(value: Any) -> bool:
    """Return whether one of an object's `_repr_*_` methods gives something."""
    return any(_shown(value, f"_repr_{way}_") is not None for way in _WAYS)


def _shown(value: Any, method: str) -> Any:
    """Call the method of the object's class: a mock has every attribute, its class has not."""
    show = getattr(type(value), method, None)
    if not callable(show):
        return None
    try:
        return show(value)
    except Exception:  # noqa: BLE001 - it is somebody else's code, and IPython shows what else there is
        return None
