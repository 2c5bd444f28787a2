"""Real notebooks for the tests: by others, of the example, and of tests/notebooks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from scrapdb.indexing.loop import index
from tests import corpora as corpora_
from tests import executed as executed_

settings.register_profile("scrapdb", deadline=None)  # no test asserts a time
settings.load_profile("scrapdb")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Directory of notebooks written by others, one directory per source distribution."""
    return corpora_.fetch()


@pytest.fixture(scope="session")
def tickers() -> Path:
    """Directory of the example's twelve executed notebooks."""
    return executed_.tickers()


@pytest.fixture(scope="session")
def ticker_store(tickers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the example's notebooks, which lie beside it in tickers/; whoever changes it works on a copy."""
    directory = tmp_path_factory.mktemp("store")
    shutil.copytree(tickers, directory / "tickers")
    index(directory / "scraps.db", [str(directory / "tickers")])
    return directory / "scraps.db"


@pytest.fixture(scope="session")
def executed() -> Callable[[str], Path]:
    """Execute tests/notebooks/NAME.ipynb, once, and give the path of the result."""
    return executed_.notebook
