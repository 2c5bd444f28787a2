"""Kernels of other languages and of other environments."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from filelock import FileLock

from scrapdb.running.task import Limits
from tests.corpora import CACHE
from tests.running.kernels.comparing import by_papermill
from tests.running.kernels.comparing import by_scrapdb
from tests.running.kernels.comparing import cells
from tests.running.kernels.comparing import differences

# Of what bash_kernel has in its kernelspec, jupyter_client takes no notice.
pytestmark = pytest.mark.filterwarnings("ignore:Passing unrecognized arguments:DeprecationWarning")
GIVEN = {"x": 'it\'s "quoted" $HOME', "y": 3, "z": True}
UNGUARDED = ("bubblewrap", "none")


@pytest.fixture
def kernels(environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of kernels that are found."""
    del environment
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share/jupyter"))
    return tmp_path / "share/jupyter/kernels"


@pytest.fixture
def bash(kernels: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bash_kernel.install", "--prefix", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert (kernels / "bash").is_dir()


@pytest.mark.usefixtures("bash")
def test_outputs_of_bash_are_papermills(beside: Path) -> None:
    (beside / "data.txt").write_text("in it\n")
    notebook = cells("x=0", 'echo "$x" $y $z', "cat data.txt; ls", "for i in 1 2; do echo $i; done; pwd", kernel="bash")
    notebook.cells += cells("echo error >&2; false", "echo never", kernel="bash").cells
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
    notebook.cells[0].metadata["tags"] = ["parameters"]
    expected = by_papermill(notebook, beside, **GIVEN)
    for wall in UNGUARDED:
        got, record = by_scrapdb(notebook, beside, parameters=GIVEN, wall=wall)
        assert [*differences(expected, got)] == []
        assert (record.state, record.wall, record.warm) == ("failed", wall, False)


@pytest.mark.usefixtures("bash")
@pytest.mark.parametrize("wall", UNGUARDED)
def test_interrupt_reaches_bash(wall: str, beside: Path) -> None:
    notebook = cells("trap 'echo caught' INT; echo before; sleep 60; echo after", "echo next", kernel="bash")
    got, record = by_scrapdb(notebook, beside, wall=wall, limits=Limits(cell_timeout=2.0, grace=10.0))
    assert (record.state, record.cell) == ("timed out", 0)
    (interrupted, _) = (cell for cell in got["cells"] if cell["cell_type"] == "code")
    said = "".join(output.get("text", "") for output in interrupted["outputs"])
    assert "after" in said  # `sleep` was interrupted, and bash went on


@pytest.fixture(scope="session")
def environment_of_its_own() -> Path:
    """Return an environment with ipykernel and a module, but without scrapdb; it is made once, and kept."""
    kept = CACHE / f"environment-{sys.version_info.major}.{sys.version_info.minor}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if not (kept / "complete").exists():
            venv.create(kept, with_pip=False, symlinks=True, clear=True)
            command = [sys.executable, "-m", "pip", "--python", str(kept), "install", "--quiet", "ipykernel"]
            subprocess.run(command, check=True)
            (packages,) = kept.glob("lib/python3.*/site-packages")
            (packages / "only_there.py").write_text("def f():\n    return 'there'\n")
            (kept / "complete").touch()
    return kept


def test_kernel_of_another_environment_has_its_packages(
    kernels: Path, environment_of_its_own: Path, beside: Path
) -> None:
    (kernels / "other").mkdir(parents=True)
    command = [str(environment_of_its_own / "bin/python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Other", "language": "python"}
    (kernels / "other/kernel.json").write_text(json.dumps(spec))
    notebook = cells("import only_there, sys\nonly_there.f(), sys.executable, sys.prefix", kernel="other")
    notebook.metadata.kernelspec.language = "python"
    expected = by_papermill(notebook, beside)
    for fresh in (False, True):
        got, record = by_scrapdb(notebook, beside, fresh=fresh)
        assert [*differences(expected, got)] == []
        assert (record.warm, record.state) == (not fresh, "completed")
