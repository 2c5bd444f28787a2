from __future__ import annotations

import os
from pathlib import Path

import pytest

import scrapdb
from scrapdb.database.editing import find
from scrapdb.database.editing import follow
from scrapdb.database.editing import knows
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import StoreNotFoundError
from tests import nobody
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import contents


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of runs/a.ipynb and runs/b/a.ipynb."""
    for name in ("runs/a", "runs/b/a", "runs/c"):
        write(tmp_path / f"{name}.ipynb", gluing(x=1))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path / "runs")
    return tmp_path / "scraps.db"


def test_a_notebook_is_found_by_its_path_or_by_the_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = store.parent / "runs"
    monkeypatch.chdir(runs)
    assert find("c.ipynb", None) == "c.ipynb"
    assert find("c", store) == str(runs / "c.ipynb")
    assert find("b/a", store) == str(runs / "b" / "a.ipynb")
    with pytest.raises(NotebookNotFoundError, match="More than one"):
        find("a", store)
    with pytest.raises(NotebookNotFoundError, match="No notebook is called 'd'"):
        find("d", store)
    with pytest.raises(NotebookNotFoundError, match="no store"):
        find("c", None)


def test_a_name_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.ipynb")
    write(tmp_path / name, gluing(x=1))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path)
    assert find("caf\\udce9", tmp_path / "scraps.db") == str(tmp_path / name)
    assert knows(tmp_path / "scraps.db", str(tmp_path / name))


def test_a_store_knows_what_it_has_indexed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(store.parent)
    Path("link.ipynb").symlink_to("runs/c.ipynb")
    write(Path("c.ipynb"), gluing(x=1))
    assert knows(store, "runs/c.ipynb")
    assert knows(store, "link.ipynb")
    assert not knows(store, "c.ipynb")  # which is the end of the path of another
    assert not knows(store, "nowhere.ipynb")
    with pytest.raises(StoreNotFoundError):
        knows(Path("none.db"), "c.ipynb")


def test_a_store_that_follows_is_as_if_indexed_anew(store: Path) -> None:
    file = store.parent / "runs" / "c.ipynb"
    state = file.stat()
    write(file, gluing(x=2))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # as large and as old as before
    follow(store, str(file))
    scrapdb.open(store.with_name("new.db")).index(store.parent / "runs")
    assert contents(store) == contents(store.with_name("new.db"))
    summary = scrapdb.open(store).index(store.parent / "runs")
    assert (summary.unchanged, summary.changed, summary.removed) == (3, 0, 0)


def test_a_store_that_cannot_follow_says_that_the_file_is_written(store: Path) -> None:
    store.chmod(0o444)
    store.parent.chmod(0o755)
    nobody.let_in(store.parent)
    if os.getuid():
        store.parent.chmod(0o555)
    imports = (
        "from pathlib import Path\nfrom scrapdb.database.editing import follow\nfrom scrapdb.errors import StoreError"
    )
    file = str(store.parent / "runs" / "c.ipynb")
    code = f"try: follow(Path({str(store)!r}), {file!r})\nexcept StoreError as error: print(error)"
    said = nobody.run(imports, code)
    store.parent.chmod(0o755)
    assert said.startswith(f"{file} is written, but not what the store has of it. The store {store} may not be written")
