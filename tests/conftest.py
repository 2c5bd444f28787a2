"""Real notebooks for the tests: by others, of the example, and of tests/notebooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import corpora as corpora_
from tests import executed as executed_


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Directory of notebooks written by others, one directory per source distribution."""
    return corpora_.fetch()


@pytest.fixture(scope="session")
def tickers() -> Path:
    """Directory of the example's twelve executed notebooks."""
    return executed_.tickers()


@pytest.fixture(scope="session")
def executed() -> Callable[[str], Path]:
    """Execute tests/notebooks/NAME.ipynb, once, and give the path of the result."""
    return executed_.notebook
