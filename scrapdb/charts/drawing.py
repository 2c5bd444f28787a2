"""The process that draws charts: a line has arguments of vl-convert in JSON, the answer is a line with SVG, or null.

It is run by its path, so that it loads nothing else of scrapdb.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Draw what comes, until nothing more does."""
    import vl_convert

    for line in sys.stdin:
        try:
            drawn = vl_convert.vegalite_to_svg(**json.loads(line), allowed_base_urls=[])  # nothing is loaded
        except ValueError:
            drawn = None
        sys.stdout.write(f"{json.dumps(drawn)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
