from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated
from typing import NamedTuple

import pytest
import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.options import joined
from scrapdb.errors import StoreNotFoundError
from scrapdb.store.connection import find
from tests import notebook_builder as nb
from tests import sessions


class Size(NamedTuple):
    width: Annotated[int, typer.Option(min=1)] = 80
    high: Annotated[bool, typer.Option("--high")] = False


def run(*arguments: str) -> tuple[str, Size, Settings]:
    """Run a command on typer, and return what reached it."""
    reached: list[tuple[str, Size, Settings]] = []

    def command(name: str, *, size: Size, settings: Settings) -> None:
        """Say a name."""
        reached.append((name, size, settings))

    app = typer.Typer(add_completion=False)
    app.command()(joined(command))
    app(arguments, standalone_mode=False)
    (once,) = reached
    return once


def test_groups_are_made_of_their_options() -> None:
    assert run("a") == ("a", Size(), Settings())
    assert run("--high", "-q", "a", "--width", "9") == ("a", Size(9, high=True), Settings(quiet=True))


def test_options_of_groups_are_checked() -> None:
    with pytest.raises(typer.BadParameter, match="0 is not in the range"):
        run("a", "--width", "0")


@pytest.mark.parametrize(
    "command",
    [
        "scrapdb --db STORE query --count",
        "scrapdb query --db STORE --count",
        "scrapdb query --count --db STORE",
        "scrapdb --db nowhere.db query --count --db STORE",
        "SCRAPDB_DB=STORE scrapdb query --count",
        "SCRAPDB_DB=nowhere.db scrapdb --db STORE query --count",
        "HOME=$(dirname STORE) scrapdb --db '~/scraps.db' query --count",
        "HOME=$(dirname STORE) SCRAPDB_DB='~/scraps.db' scrapdb query --count",
        "cd $(dirname STORE) && scrapdb query --count",
        "cd $(dirname STORE)/tickers && scrapdb query --count",
    ],
)
def test_where_the_store_is(ticker_store: Path, tmp_path: Path, command: str) -> None:
    ran = sessions.run(f"HOME=/nowhere; {command.replace('STORE', str(ticker_store))}", tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "12\n", "")


def test_index_makes_its_store_here_or_where_it_is_told(tmp_path: Path) -> None:
    nb.write(tmp_path / "a" / "b" / "x.ipynb", nb.gluing(x=1))
    assert sessions.run("scrapdb index a", tmp_path).stderr.endswith("→ scraps.db\n")
    assert sessions.run("cd a && scrapdb index b", tmp_path).stderr.endswith("→ scraps.db\n")
    assert sessions.run("SCRAPDB_DB=other.db scrapdb index a", tmp_path).stderr.endswith("→ other.db\n")
    assert {path.name for path in tmp_path.rglob("*.db")} == {"scraps.db", "other.db"}
    assert (tmp_path / "a" / "scraps.db").exists()


@pytest.fixture
def deep(ticker_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory below a home, with a store above the home."""
    home = tmp_path / "home"
    deep = home / "a" / "b"
    deep.mkdir(parents=True)
    shutil.copy(ticker_store, tmp_path)
    monkeypatch.setenv("HOME", str(home))
    return deep


def test_the_search_goes_up(ticker_store: Path, deep: Path) -> None:
    near = Path(shutil.copy(ticker_store, deep.parent))
    assert find(deep) == near
    at_home = Path(shutil.copy(ticker_store, deep.parent.parent))
    assert find(deep) == near
    near.unlink()
    assert find(deep) == at_home


def test_the_search_ends_at_home(deep: Path) -> None:
    with pytest.raises(StoreNotFoundError, match="There is no store here; run `scrapdb index DIR`"):
        find(deep)


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_the_search_ends_at_a_file_that_is_no_store(ticker_store: Path, deep: Path, content: bytes) -> None:
    shutil.copy(ticker_store, deep.parent.parent)
    (deep.parent / "scraps.db").write_bytes(content)
    with pytest.raises(StoreNotFoundError):
        find(deep)


def test_the_search_ends_at_another_database(ticker_store: Path, deep: Path) -> None:
    shutil.copy(ticker_store, deep.parent.parent)
    with closing(sqlite3.connect(deep.parent / "scraps.db")) as connection:
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(StoreNotFoundError):
        find(deep)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_search_ends_at_a_store_of_somebody_else(ticker_store: Path, deep: Path) -> None:
    store = Path(shutil.copy(ticker_store, deep.parent))
    assert find(deep) == store
    os.chown(store, 65534, 65534)
    with pytest.raises(StoreNotFoundError):
        find(deep)


def test_a_home_that_nobody_has_is_no_store(tmp_path: Path) -> None:
    ran = sessions.run("scrapdb --db '~nobody at all/scraps.db' query", tmp_path)
    assert (ran.code, ran.stderr) == (
        1,
        "Error: There is no store ~nobody at all/scraps.db; make one with `scrapdb index DIR`.\n",
    )
