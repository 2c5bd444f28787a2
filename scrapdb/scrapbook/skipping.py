"""`skip`: a notebook finds that there is nothing to do, and ends its run well."""

from __future__ import annotations

from typing import NoReturn

from scrapdb.notebooks.skip import bundle
from scrapdb.notebooks.skip import text
from scrapdb.scrapbook.gluing import is_kernel
from scrapdb.scrapbook.gluing import publish


def skip(reason: str) -> NoReturn:
    """End the run of this notebook here, as `skipped` in place of `completed`; what it has glued is kept.

    Args:
        reason: why there is nothing to do, in a few words; `exec.reason` in a query.

    Raises:
        SystemExit: always, with the code 0, at which papermill ends a run without failing.
    """
    if is_kernel():
        publish(bundle(reason), {})
    else:
        print(text(reason))  # noqa: T201 - as its output
    raise SystemExit(0)
