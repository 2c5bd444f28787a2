"""Desks of a service: of one person on this machine, and of three who are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapdb.reporting.service.desk import Desk
from tests.reporting.service.web import served


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk at which nobody is told apart."""
    with served.desk(tmp_path) as laid:
        yield laid


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Desk]:
    """A desk of Anna, who asks for sales, Ben, who asks for and reads voltage, and Zoe, who manages all."""
    with served.desk(tmp_path, served.HOST) as laid:
        yield laid
