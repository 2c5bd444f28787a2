"""The search table says at every moment what it would say if it were made anew."""

from __future__ import annotations

from pathlib import Path

from scrapdb.database import Database
from scrapdb.store.known import extent
from scrapdb.store.upkeep import make_searchable
from scrapdb.store.write import Writer
from tests.notebook_builder import LONG_AGO
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.stores import query


def found(store: Path, words: str) -> list[str]:
    rows = query(
        store,
        "SELECT path FROM notebooks WHERE id IN (SELECT rowid FROM search WHERE search MATCH ?) ORDER BY path",
        words,
    )
    return [path for (path,) in rows]


def test_a_store_has_it_when_it_is_asked_for(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(tmp_path / "a.ipynb", gluing(x=1))
    Database(store).index(tmp_path)
    assert query(store, "SELECT name FROM sqlite_schema WHERE name = 'search'") == []
    Database(store).optimize()
    assert found(store, "ipynb") == ["a.ipynb"]


def test_paths_errors_and_texts_are_found(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(tmp_path / "north" / "a.ipynb", notebook(code("glue()", scrap("message", "clear sky", "text"))))
    write(tmp_path / "b.ipynb", notebook(code("fail()", error("KeyError", "'pressure'"))))
    write(tmp_path / "c.ipynb", notebook(code("glue()", scrap("long", "word " * 2_000 + "beyond", "text"))))
    Database(store).index(tmp_path)
    Database(store).optimize()
    assert found(store, "north") == ["north/a.ipynb"]
    assert found(store, "sky") == ["north/a.ipynb"]
    assert found(store, "KeyError") == found(store, "pressure") == ["b.ipynb"]
    assert (found(store, "word"), found(store, "beyond")) == (["c.ipynb"], [])


def test_it_is_kept_as_notebooks_come_change_and_go(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.ipynb", notebook(code("glue()", scrap("text", f"old {name}", "text"))))
    Database(store).index(tmp_path)
    Database(store).optimize()
    write(tmp_path / "a.ipynb", notebook(code("glue()", scrap("text", "new", "text"))), mtime=LONG_AGO + 10)
    write(tmp_path / "d.ipynb", notebook(code("glue()", scrap("text", "new", "text"))))
    (tmp_path / "b.ipynb").unlink()
    Database(store).index(tmp_path)
    assert (found(store, "old"), found(store, "new")) == (["c.ipynb"], ["a.ipynb", "d.ipynb"])
    kept = query(store, "SELECT rowid, * FROM search ORDER BY rowid")
    Database(store).optimize()
    assert query(store, "SELECT rowid, * FROM search ORDER BY rowid") == kept


def test_another_writer_notices_it(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(tmp_path / "a.ipynb", gluing(x=1))
    Database(store).index(tmp_path)
    with Writer(store) as early:
        assert extent(early) == (1, 1)
        with Writer(store) as other:
            make_searchable(other)
        early.remove(["a.ipynb"])
    assert query(store, "SELECT count(*) FROM search") == [(0,)]
