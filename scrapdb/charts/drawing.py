"""The process that draws charts: a line has arguments of vl-convert in JSON, the answer is a line with SVG, or null.

With `png` among them it is PNG in base64.

It is run by its path, so that it loads nothing else of scrapdb.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any


def main() -> None:
    """Draw what comes, until nothing more does."""
    import vl_convert

    for line in sys.stdin:
        try:
            drawn = _drawn(vl_convert, **json.loads(line))
        except ValueError:
            drawn = None
        sys.stdout.write(f"{json.dumps(drawn)}\n")
        sys.stdout.flush()


def _drawn(library: Any, *, png: bool = False, **arguments: Any) -> str:
    svg: str = library.vegalite_to_svg(**arguments, allowed_base_urls=[])  # nothing is loaded
    return base64.b64encode(library.svg_to_png(svg)).decode() if png else svg


if __name__ == "__main__":
    main()
