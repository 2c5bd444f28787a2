"""The process that draws charts: a line is a specification in JSON, the answer a line with its SVG, or null.

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
            drawn = vl_convert.vegalite_to_svg(line)
        except ValueError:
            drawn = None
        sys.stdout.write(f"{json.dumps(drawn)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
