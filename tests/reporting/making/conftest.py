"""What tests of reports with real kernels share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with no store of somebody's."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCRAPDB_DB", raising=False)
    return tmp_path
