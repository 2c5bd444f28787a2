"""What tests with real kernels share."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapdb.running.kernels import servers

# Of many ways to the same end, the usual one is tested always.
_SLOW = re.compile(
    r"test_same\.py::test_outputs_of_others|test_same\.py::.*\[(?:agg|errors|inline|language|processes|rich|widgets)\]"
    r"|test_forks\.py::test_fork_is_as_fresh.*refused\d\d\]"
    r"|test_walls\.py::test_(?:older|landlock_holds|the_network.*landlock|nothing_stays.*\[(?:landlock|limits))"
    r"|test_endings\.py::test_(?:who_is|of_|a_secret_reaches).*(?:fresh|limits)"
    r"|test_cluster\.py::test_(?:when|a_worker|what_nobody|stopping)"
    r"|test_engine\.py::test_(?:an_end_before|without_a_file)"
    r"|test_kernels\.py::(?:.*environment|test_interrupt_reaches_bash\[none)"
    r"|test_provisioner\.py::.*landlock"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make proof` what takes long and shows little more."""
    for item in items:
        if _SLOW.search(item.nodeid):
            item.add_marker(pytest.mark.slow)


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
