"""The example's store, and one of thirty runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapdb.database import Database
from scrapdb.store.upkeep import make_searchable
from scrapdb.store.write import Writer
from tests.datasette import glued as glued_
from tests.datasette.thirty import build


@pytest.fixture(autouse=True, scope="session")
def _plain() -> Iterator[None]:
    """Have Datasette tell errors without rich, which draws every variable of every frame, for a second or more."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("datasette.handle_exception.rich", None)
        yield


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
