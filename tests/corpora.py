"""What others wrote, from the source distributions of well-known projects, fetched once and kept.

Their notebooks lie in `CACHE`/corpora/NAME-VERSION/, as they lay in the distribution; scrapbook's own tests in
`CACHE`/suites/. What is fetched is pinned by its hash.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from unearth import PackageFinder

CACHE = Path(os.environ.get("SCRAPDB_TEST_CACHE") or Path(__file__).parent.parent / ".cache").absolute()

# Requirement to the SHA-256 of its source distribution.
PINNED = {
    "dagstermill==0.29.27": "2bedf02ec671257e193a9f27143959deac2de8d71b9546a499f2deaceb33cc83",
    "jupytext==1.19.6": "ba1d143bb3751e054d3164376b148ee8fa74e1a860fc9411e1da93ff588b8a17",
    "nbconvert==5.6.1": "21fb48e700b43e82ba0e3142421a659d7739b65568cc832a13976a77be16b523",
    "nbdime==4.0.4": "8cd25ecfeeb5105d563237d7f64eb4748058fba9bba9ab3892a1ff61e177ce16",
    "nbformat==5.11.1": "32d4521c68c6e7d5b29c76defaeed9f42ea733142b9b19f88277ce10390b9c4d",
    "nteract-scrapbook==0.2.0": "e85f300163d5fa7eb87e6bb00b6896494a33ccc44b37f3b92179aae56cd1ed19",
    "nteract-scrapbook==0.3.0": "e8b053dfee8db3871a79408a68a04c696b39cd606bd5382c9f464b4ed840ee5e",
    "nteract-scrapbook==0.4.2": "1a5e2d9d04b2d2ce2d05e430429966411ee765c263e4f9aecfa01807fc3b23b2",
    "papermill==0.15.0": "e8a60760de12d85488aa74cb8def1957ec4cef81eb80a30fc59394798ec3c11e",
    "papermill==1.2.1": "04dadaabdeb129c7414079f77b9f9a4a08f1322549aa99e20e4a12700ee23509",
    "papermill==2.7.0": "ec10b37594a060662f57269e1ebd108c209d204450f00fdfeb70a1c7cfb7fbc8",
    "ruff==0.17.6": "2b04276561331300325040bdca21460770029ec574d4c479099e39e8ad1ed43c",
    "scrapbook==0.5.0": "6875bc804c3278a00544dbc232cb96e7cf8a563c36e02b17dcae329d05470cd0",
    "scrapbook-beta==0.1.0": "11768595e437483c5f71b2abc3bbfb903fb60e6bf243d30927f81fe09c072905",
}


def fetch() -> Path:
    """Fetch what is not there yet and return the directory of all corpora.

    Raises:
        RuntimeError: a distribution cannot be fetched, or is not the pinned one.
    """
    corpora = CACHE / "corpora"
    corpora.mkdir(parents=True, exist_ok=True)
    with FileLock(corpora / ".lock"):
        missing = [requirement for requirement in PINNED if not _directory(corpora, requirement).exists()]
        if missing:
            finder = PackageFinder(index_urls=[_index_url()], no_binary=[":all:"])
            for requirement in missing:
                distribution = _download(finder, requirement)
                _extract(distribution, _directory(corpora, requirement), lambda name: name.endswith(".ipynb"))
    return corpora


def suite(requirement: str, tests: str) -> Path:
    """Fetch the tests of a project and return their directory.

    Args:
        requirement: one of `PINNED`.
        tests: the directory of the tests in the distribution.

    Raises:
        RuntimeError: as `fetch`.
    """
    suites = CACHE / "suites"
    suites.mkdir(parents=True, exist_ok=True)
    directory = _directory(suites, requirement)
    with FileLock(suites / ".lock"):
        if not directory.exists():
            finder = PackageFinder(index_urls=[_index_url()], no_binary=[":all:"])
            _extract(_download(finder, requirement), directory, lambda name: f"/{tests}/" in name)
    return directory / tests


def _directory(corpora: Path, requirement: str) -> Path:
    return corpora / requirement.replace("==", "-")


def _index_url() -> str:
    """Return the package index that pip is configured for, by its environment before its files."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    configured = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    url = re.search(r"^\w+\.index-url='(.+)'$", configured, re.MULTILINE)
    return os.environ.get("PIP_INDEX_URL") or (url[1] if url else "https://pypi.org/simple/")


def _download(finder: PackageFinder, requirement: str) -> bytes:
    try:
        best = finder.find_best_match(requirement).best
        content = finder.session.get(best.link.normalized).content if best else b""
    except Exception as error:
        message = f"The tests read notebooks from the source distribution of {requirement}, which cannot be fetched: "
        raise RuntimeError(f"{message}{error}") from error
    if hashlib.sha256(content).hexdigest() != PINNED[requirement]:
        raise RuntimeError(f"The package index has no source distribution of {requirement} with the pinned hash.")
    return content


def _extract(distribution: bytes, target: Path, wanted: Callable[[str], bool]) -> None:
    """Extract some files, without the distribution's top directory; `target` appears when all are there."""
    with (
        tarfile.open(fileobj=io.BytesIO(distribution)) as archive,
        tempfile.TemporaryDirectory(dir=target.parent) as new,
    ):
        members = [member for member in archive if member.isfile() and wanted(member.name)]
        archive.extractall(new, members, filter="data")
        (top,) = Path(new).iterdir()
        top.rename(target)
