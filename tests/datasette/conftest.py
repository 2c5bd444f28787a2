"""A browser for the pages, and the example's store."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import sync_playwright

from scrapdb.database import Database
from scrapdb.store.upkeep import make_searchable
from scrapdb.store.write import Writer
from tests.datasette import glued as glued_
from tests.datasette.thirty import build

# WebRTC leaves out this machine's own addresses if it is not told to use them, and reaches no server that listens here.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--allow-loopback-in-peer-connection"]
_NO_BROWSER = "These tests need a browser: `apt-get install chromium`, or google-chrome on the PATH."


# What is ours alone, or the browser's, so that one release of Datasette shows it as well as another.
_OURS = re.compile(
    r"test_(?:columns|frame|overview|parquet|plot)\.py"
    r"|test_exfiltration\.py::test_(?:scripts_that_run|nothing_acts_in_the_frame|nothing_acts_where)"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make proof`, with Datasette 1.0, what says little of it."""
    for item in items if version("datasette").startswith("1") else ():
        if _OURS.search(item.nodeid):
            item.add_marker(pytest.mark.slow)


def chromium() -> str | None:
    """Find the browser that is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)


# Of a module, not of the session: while it lives, its thread has a running event loop, and no test can have another.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser that is installed; without one the tests are skipped, and fail where CI is true."""
    path = chromium()
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(_NO_BROWSER)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def store(tickers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's twelve notebooks in a store that can be searched; nobody changes it."""
    directory = tmp_path_factory.mktemp("example")
    shutil.copytree(tickers, directory / "tickers")
    path = directory / "scraps.db"
    Database(path).index(directory / "tickers")
    with Writer(path) as writer:
        make_searchable(writer)
    return path


@pytest.fixture(scope="session")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of thirty small runs; nobody changes it."""
    return build(tmp_path_factory.mktemp("thirty"))


@pytest.fixture(scope="session")
def glued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with frames, displays, failures and problems; whoever changes it works on a copy."""
    return glued_.build(tmp_path_factory.mktemp("glued"))
