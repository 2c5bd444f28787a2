"""Real notebooks for the tests: by others, of the example, and of tests/notebooks."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from scrapdb.indexing.loop import index
from tests import corpora as corpora_
from tests import executed as executed_
from tests import slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.objects import Bucket
    from tests.objects import Server

_numbers = itertools.count()
settings.register_profile("scrapdb", deadline=None)  # no test asserts a time
settings.load_profile("scrapdb")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make proof` what takes long, and begin with sessions, so that nobody waits for one at the end."""
    slow.mark(items)
    items.sort(key=lambda item: not item.nodeid.startswith("tests/test_"))


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


@pytest.fixture(scope="module")
def objects() -> Iterator[Server]:
    """Serve S3 on this machine, where every client of this process and of its children finds it."""
    from tests.objects import serving

    with serving() as server, pytest.MonkeyPatch.context() as patched:
        for name, value in server.environment.items():
            patched.setenv(name, value)
        yield server


@pytest.fixture
def bucket(objects: Server) -> Bucket:
    """Make an empty bucket; what the server has counted and refused before is forgotten."""
    from tests.objects import Bucket

    bucket = Bucket(objects, f"bucket{next(_numbers)}")
    objects.requests.clear()
    objects.refused.clear()
    return bucket


# Of a module, not of the session: while it lives, its thread has a running event loop, and no test can have another.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser that is installed."""
    from tests import browsers

    with browsers.opened() as browser:
        yield browser
