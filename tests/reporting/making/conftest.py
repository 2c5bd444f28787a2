"""What tests of reports with real kernels share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapdb.running.kernels import servers


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with no store of somebody's."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCRAPDB_DB", raising=False)
    return tmp_path


@pytest.fixture(autouse=True, scope="module")
def _servers() -> Iterator[None]:
    """Keep what forks kernels while the tests of a module run."""
    yield
    servers.close()
