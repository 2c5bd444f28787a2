"""What tests with real kernels share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapdb.running.kernels import servers


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have papermill's kernels find the home and the programs that those behind the wall find."""
    tmp_path.chmod(0o755)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    monkeypatch.setenv("XDG_CACHE_HOME", cache)  # with matplotlib's fonts
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    yield
    servers.close()


@pytest.fixture
def beside(tmp_path: Path, environment: None) -> Path:
    """Return a directory of files for notebooks."""
    del environment
    directory = tmp_path / "beside"
    directory.mkdir()
    return directory
