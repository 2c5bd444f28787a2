"""Notebooks that are really executed, by papermill or by scrapdb, once for every version of their sources and kept.

Whoever changes one works on a copy.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from tests.corpora import CACHE

NOTEBOOKS = Path(__file__).parent / "notebooks"
FAILING = {"fails", "is_killed"}
_NOT_STARTED = "Kernel died before replying to kernel_info"
EXAMPLE = Path(__file__).parent.parent / "examples" / "tickers"
RUNNING = Path(__file__).parent.parent / "scrapdb" / "running"
TICKERS = "AAA,ABC,BCD,DEF,GHI,JKL,MNO,MMN,OOP,PQD,XYZ,PDQ"


def tickers() -> Path:
    """Return the directory of the example's twelve notebooks, as `scrapdb run` executes them."""
    return _once("tickers", [EXAMPLE / "source.ipynb", *sorted(RUNNING.rglob("*.py"))], _run_tickers)


def report(gluing: list[Path]) -> Path:
    """Return examples/tickers/report.ipynb, executed over those twelve.

    Args:
        gluing: the files of scrapdb that have a part in the result.
    """
    source, read = EXAMPLE / "report.ipynb", tickers()
    run = partial(_run_papermill, source, parameters=("source_dir", str(read)))
    return _once("report", [source, *gluing, *sorted(read.iterdir())], run) / source.name


def notebook(name: str) -> Path:
    """Return the executed notebook tests/notebooks/`name`.ipynb, run with symbol = "ABC"."""
    source = NOTEBOOKS / f"{name}.ipynb"
    return _once(name, [source], partial(_run_papermill, source)) / source.name


def _once(name: str, sources: list[Path], execute: Callable[[Path], None]) -> Path:
    """Return a directory that `execute` has filled, in this test session or in one before it."""
    versions = [version(package) for package in ("ipykernel", "pandas", "papermill", "pyarrow", "scrapbook")]
    key = hashlib.sha256("\0".join([platform.python_version(), *versions]).encode())
    for source in sources:
        key.update(source.read_bytes())
    directory = CACHE / "executed" / f"{name}-{key.hexdigest()[:12]}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if not directory.exists():
            with tempfile.TemporaryDirectory(dir=directory.parent) as new:
                execute(Path(new, "results"))
                Path(new, "results").rename(directory)
    return directory


def _run_tickers(directory: Path) -> None:
    words = ["run", str(EXAMPLE / "source.ipynb"), "-o", str(directory), "-p", f"symbol={TICKERS}"]
    run = _python("-m", "scrapdb", *words, "--db", str(directory.parent / "scraps.db"))
    if run.returncode:
        raise RuntimeError(f"The example failed:\n{run.stdout}{run.stderr}")


def _run_papermill(source: Path, directory: Path, parameters: tuple[str, str] = ("symbol", "ABC")) -> None:
    directory.mkdir()
    result = str(directory / source.name)
    run = _python("-m", "papermill", str(source), result, "-p", *parameters, "--no-progress-bar")
    if _NOT_STARTED in run.stderr:  # whose ports another program has taken meanwhile
        run = _python("-m", "papermill", str(source), result, "-p", *parameters, "--no-progress-bar")
    if (run.returncode != 0) != (source.stem in FAILING):
        raise RuntimeError(f"{source.name} ended with exit code {run.returncode}:\n{run.stderr}")


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
