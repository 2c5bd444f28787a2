"""What tests of reports with real kernels share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scrapdb.running.kernels import servers


@pytest.fixture(autouse=True, scope="module")
def _servers() -> Iterator[None]:
    """Keep what forks kernels from one test of a module to the next."""
    with servers.used():
        yield
