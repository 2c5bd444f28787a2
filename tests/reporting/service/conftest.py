"""A desk of a service: bundles that run in no time, a ledger, and nothing of somebody's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.ledger.ledger import Ledger
from tests.reporting.service.bundles import write


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """Return a directory with two bundles, and one that is broken."""
    tmp_path.chmod(0o755)
    top = tmp_path / "bundles"
    write(top / "sales", "scrapdb.glue('total', len(region) * times)")
    write(top / "other", "scrapdb.glue('total', 1)")
    write(top / "broken", "", config='{"title": 1}')
    return top


@pytest.fixture
def desk(tmp_path: Path, bundles: Path) -> Iterator[Desk]:
    """Return a desk for one person on this machine."""
    reports = tmp_path / "reports"
    with Ledger(reports) as ledger:
        yield Desk(Host(), Catalogue(str(bundles)), ledger, reports, tmp_path / "scraps.db")
