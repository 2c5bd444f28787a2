"""The example's store, and one of thirty runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jinja2 import BytecodeCache
from jinja2 import Environment

from scrapdb.database import Database
from scrapdb.store.upkeep import make_searchable
from scrapdb.store.write import Writer
from tests.datasette import glued as glued_
from tests.datasette import versioned as versioned_
from tests.datasette.thirty import build

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """Templates as they were compiled for the Datasette of another test."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(autouse=True, scope="session")
def _quick() -> Iterator[None]:
    """Have Datasette compile a template once, and tell errors without rich, which draws every variable for seconds."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("datasette.app.Environment", partial(Environment, bytecode_cache=_Compiled()))
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


@pytest.fixture(scope="session")
def versioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that keeps versions; whoever changes it works on a copy."""
    return versioned_.build(tmp_path_factory.mktemp("versioned"))
