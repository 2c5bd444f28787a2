"""Charts, drawn on the server as SVG: the page that shows one needs neither scripts nor the network."""

from __future__ import annotations

import json
from typing import Any

from scrapdb.errors import ScrapdbError

_WITHOUT = "Charts are drawn by vl-convert-python, which is not installed: pip install 'scrapdb[datasette]'"


def is_installed() -> bool:
    """Tell whether charts can be drawn."""
    from importlib.util import find_spec

    return find_spec("vl_convert") is not None


def svg(specification: dict[str, Any]) -> bytes:
    """Draw a Vega-Lite specification whose data stand in it.

    Raises:
        ScrapdbError: vl-convert-python is not installed, or cannot draw it.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise ScrapdbError(_WITHOUT) from error
    try:
        text: str = vl_convert.vegalite_to_svg(json.dumps(specification))
    except ValueError as error:  # a name that Vega cannot have in an expression: one with a line break
        raise ScrapdbError("This chart cannot be drawn; the names of its columns are too odd.") from error
    return text.encode()
