"""Bringing a store up to date: what is read again, what is removed, and what is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.indexing.changes import Change
from scrapdb.indexing.changes import Summary
from scrapdb.indexing.loop import Progress
from scrapdb.indexing.loop import _batches
from scrapdb.indexing.loop import _compare
from scrapdb.indexing.loop import index
from scrapdb.indexing.reading import Done
from scrapdb.notebooks.scan import Scan
from scrapdb.notebooks.scan import scan
from scrapdb.store.rows import File
from scrapdb.store.schema import OLDEST
from scrapdb.store.write import Writer
from tests import nobody
from tests.notebook_builder import LONG_AGO
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import contents
from tests.stores import query
from tests.stores import runs


class Tree:
    """A directory of notebooks and its store."""

    def __init__(self, directory: Path) -> None:
        self.store = directory / "scraps.db"
        self.root = directory / "tree"
        self.root.mkdir()

    def add(self, name: str, document: Any = None, **values: Any) -> Path:
        return write(self.root / name, gluing(**values) if document is None else document)

    def index(self, *roots: str, **options: Any) -> Summary:
        found = index(self.store, roots or [str(self.root)], workers=1, **options)
        check(self.store)
        return found

    def counts(self, *roots: str, **options: Any) -> tuple[int, int, int, int, int]:
        """Index and give the numbers of added, changed, unchanged, removed and failed."""
        found = self.index(*roots, **options)
        return found.added, found.changed, found.unchanged, found.removed, found.failed

    @property
    def notebooks(self) -> list[str]:
        return [path.removeprefix("tree/") for (path,) in query(self.store, "SELECT path FROM notebooks ORDER BY path")]

    @property
    def problems(self) -> list[tuple[str, str]]:
        sql = "SELECT path, kind FROM problems JOIN notebooks ON notebooks.id = notebook_id ORDER BY path"
        return [(path.removeprefix("tree/"), kind) for path, kind in query(self.store, sql)]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path.resolve())


def test_the_examples_notebooks_are_indexed(tickers: Path, tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    found = index(store, [str(tickers)])
    assert (found.added, found.failed, found.notebooks) == (12, 0, 12)
    check(store)
    near = query(store, "SELECT symbol FROM runs WHERE distance < 0.1 AND close_to_ath ORDER BY distance")
    assert near == [("BCD",), ("MNO",)]


def test_the_notebooks_of_others_are_indexed(corpora: Path, tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    found = index(store, [str(corpora)], workers=1)
    assert found.failed == 7
    assert found.added > 300
    check(store)
    again = index(store, [str(corpora)], workers=1)
    assert (again.added, again.changed, again.unchanged, again.failed) == (0, 0, found.added, 7)


def test_an_unchanged_tree_is_left_alone(tree: Tree) -> None:
    for number in range(3):
        tree.add(f"{number}.ipynb", x=number)
    assert tree.counts() == (3, 0, 0, 0, 0)
    before = contents(tree.store)
    assert tree.counts() == (0, 0, 3, 0, 0)
    assert contents(tree.store) == before


OPENED = """
import sys
from pathlib import Path
from scrapdb.indexing.loop import index
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
print(index(Path({store!r}), [{root!r}], workers=1).unchanged)
print(len({{path for path in opened if str(path).endswith(".ipynb")}}))
"""


def test_an_unchanged_notebook_is_not_opened(tree: Tree) -> None:
    for number in range(3):
        tree.add(f"{number}.ipynb", x=number)
    code = OPENED.format(store=str(tree.store), root=str(tree.root))
    printed = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]
    assert printed == ["0\n3\n", "3\n0\n"]


def test_every_file_is_compared_before_any_is_opened(tree: Tree) -> None:
    for name in ("same", "touched", "gone"):
        tree.add(f"{name}.ipynb", x=1)
    tree.add("broken.ipynb", b"{")
    tree.index()
    (tree.root / "gone.ipynb").unlink()
    os.utime(tree.root / "touched.ipynb", (0, 0))
    tree.add("new.ipynb", x=1)
    with Writer(tree.store) as writer:
        candidates = scan(Scan(str(tree.store.parent)), [str(tree.root)])
        changes = [f"{change} {Path(file.path).stem}" for change, file, _ in _compare(candidates, writer, force=False)]
    assert changes == ["! broken", "+ new", "= same", "~ touched"]


def test_a_touched_file_is_only_touched(tree: Tree) -> None:
    path = tree.add("a.ipynb", x=1)
    tree.index()
    os.utime(path, (LONG_AGO + 60, LONG_AGO + 60))
    assert tree.counts() == (0, 0, 1, 0, 0)
    assert query(tree.store, "SELECT mtime_ns FROM notebooks") == [((LONG_AGO + 60) * 10**9,)]


def test_a_changed_file_is_read_again(tree: Tree) -> None:
    tree.add("a.ipynb", x=1, old="a")
    tree.add("b.ipynb", x=1)
    tree.index()
    write(tree.root / "a.ipynb", gluing(x=2), LONG_AGO + 1)
    assert tree.counts() == (0, 1, 1, 0, 0)
    assert runs(tree.store)["tree/a.ipynb"]["x"] == 2
    assert query(tree.store, "SELECT count(*) FROM scraps") == [(2,)]


def test_a_file_changed_within_a_tick_of_the_clock_is_read_with_force(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    tree.index()
    tree.add("a.ipynb", x=2)
    assert tree.counts() == (0, 0, 1, 0, 0)
    assert tree.counts(force=True) == (0, 1, 0, 0, 0)
    assert tree.counts(force=True) == (0, 0, 1, 0, 0)


def test_what_an_older_scrapdb_read_is_read_again(tree: Tree) -> None:
    tree.add("here/a.ipynb", x=1)
    tree.add("there/b.ipynb", x=2)
    tree.index()
    new = contents(tree.store)
    query(tree.store, "UPDATE scraps SET number = 10 * number")  # as an older one might have had it
    query(tree.store, f"PRAGMA user_version = {OLDEST}")
    assert tree.counts(str(tree.root / "here")) == (0, 1, 0, 0, 0)
    left = "SELECT path, message FROM problems JOIN notebooks ON notebooks.id = notebook_id WHERE kind = 'outdated'"
    told = "An older scrapdb read it, and some values otherwise than this one does; index it again."
    assert query(tree.store, left) == [("tree/there/b.ipynb", told)]
    assert tree.counts() == (0, 1, 1, 0, 0)
    assert contents(tree.store) == new
    assert tree.counts() == (0, 0, 2, 0, 0)


def test_a_removed_file_is_removed(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    tree.add("b.ipynb", x=2).unlink()
    tree.add("b.ipynb", x=2)
    tree.index()
    (tree.root / "b.ipynb").unlink()
    assert tree.counts(prune=False) == (0, 0, 1, 0, 0)
    assert tree.counts() == (0, 0, 1, 1, 0)
    assert tree.notebooks == ["a.ipynb"]


def test_a_removed_directory_is_removed(tree: Tree) -> None:
    tree.add("deep/er/a.ipynb", x=1)
    tree.add("b.ipynb", x=2)
    tree.index()
    shutil.rmtree(tree.root / "deep")
    assert tree.counts() == (0, 0, 1, 1, 0)


def test_a_renamed_file_is_added_and_removed(tree: Tree) -> None:
    tree.add("a.ipynb", x=1).rename(tree.root / "b.ipynb")
    tree.add("a.ipynb", x=1)
    tree.index()
    (tree.root / "a.ipynb").rename(tree.root / "c.ipynb")
    assert tree.counts() == (1, 0, 1, 1, 0)
    assert tree.notebooks == ["b.ipynb", "c.ipynb"]


def test_only_named_directories_prune(tree: Tree) -> None:
    gone = tree.add("one/gone.ipynb", x=1)
    stays = tree.add("one/stays.ipynb", x=2)
    tree.add("two/other.ipynb", x=3)
    tree.index()
    gone.unlink()
    everything = ["one/gone.ipynb", "one/stays.ipynb", "two/other.ipynb"]
    for options in [
        {"roots": [str(tree.root / "two")]},
        {"roots": [str(stays)]},
        {"roots": [f"{tree.root}/one/*.ipynb"]},
        {"roots": [f"{tree.root}/o*"]},
        {"roots": [], "names": [str(stays), str(gone), str(tree.root / "one")]},
    ]:
        index(tree.store, workers=1, **options)  # type: ignore[arg-type]
        assert tree.notebooks == everything, options
    tree.index(f"{tree.root}/o*", str(tree.root / "one"))
    assert tree.notebooks == everything[1:]


def test_a_missing_name_is_an_error_in_the_summary(tree: Tree) -> None:
    path = tree.add("a.ipynb", x=1)
    found = index(tree.store, [], names=[str(path), str(tree.root / "none.ipynb")], workers=1)
    assert (found.added, found.errors) == (1, [f"There is no file {tree.root}/none.ipynb."])


def test_a_missing_root_changes_nothing(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    with pytest.raises(UsageError, match="There is no file or directory"):
        tree.index(str(tree.root), str(tree.root / "none"))
    assert not tree.store.exists()


def test_excluded_notebooks_are_not_read_and_not_removed(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    tree.add("draft.ipynb", x=2)
    tree.add(".ipynb_checkpoints/a-checkpoint.ipynb", x=3)
    assert tree.counts(exclude=["draft*"]) == (1, 0, 0, 0, 0)
    assert tree.counts() == (1, 0, 1, 0, 0)
    assert tree.counts(exclude=["draft*"]) == (0, 0, 1, 0, 0)
    assert tree.notebooks == ["a.ipynb", "draft.ipynb"]


def test_what_cannot_be_read_is_counted_and_told_until_it_can(tree: Tree) -> None:
    tree.add("good.ipynb", x=1)
    tree.add("cut.ipynb", content(gluing(x=1))[:50])
    (tree.root / "broken.ipynb").symlink_to("/nowhere/x.ipynb")
    os.mkfifo(tree.root / "fifo.ipynb")
    tree.add("directory.ipynb/inner.ipynb", x=1)
    assert tree.counts() == (2, 0, 0, 0, 3)
    assert tree.problems == [("broken.ipynb", "not a file"), ("cut.ipynb", "truncated"), ("fifo.ipynb", "not a file")]
    assert tree.counts() == (0, 0, 2, 0, 3)
    os.utime(tree.root / "cut.ipynb", (LONG_AGO + 1, LONG_AGO + 1))
    assert tree.counts() == (0, 0, 2, 0, 3)
    write(tree.root / "cut.ipynb", gluing(x=1), LONG_AGO + 2)
    (tree.root / "broken.ipynb").unlink()
    (tree.root / "fifo.ipynb").unlink()
    assert tree.counts() == (0, 1, 2, 2, 0)
    assert tree.problems == []


def test_a_limit_that_is_raised_is_noticed(tree: Tree) -> None:
    tree.add("a.ipynb", x="long" * 100)
    assert tree.counts(max_bytes=100) == (0, 0, 0, 0, 1)
    assert tree.problems == [("a.ipynb", "too large")]
    assert tree.counts() == (0, 1, 0, 0, 0)


def test_one_file_by_two_ways_is_one_notebook(tree: Tree) -> None:
    path = tree.add("deep/a.ipynb", x=1)
    (tree.root / "link.ipynb").symlink_to("deep/a.ipynb")
    (tree.root / "deep/loop").symlink_to("..")
    other = tree.root.parent / "other"
    other.symlink_to("tree")
    roots = [str(tree.root), f"{other}/deep", f"{tree.root}/./deep/../link.ipynb", str(path)]
    assert tree.counts(*roots) == (1, 0, 0, 0, 0)
    assert tree.counts(*reversed(roots)) == (0, 0, 1, 0, 0)
    assert tree.notebooks == ["deep/a.ipynb"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (unicodedata.normalize("NFD", "é.ipynb"), unicodedata.normalize("NFC", "é.ipynb")),
        (os.fsdecode(b"\xff.ipynb"), "\\udcff.ipynb"),
        ("a\x1b\n'\"; DROP TABLE runs.ipynb", "a\x1b\n'\"; DROP TABLE runs.ipynb"),
        (".ipynb", ".ipynb"),
    ],
)
def test_strange_file_names(tree: Tree, name: str, path: str) -> None:
    tree.add(name, x=1)
    assert tree.counts() == (1, 0, 0, 0, 0)
    assert tree.notebooks == [path]
    assert tree.counts() == (0, 0, 1, 0, 0)
    (tree.root / name).unlink()
    assert tree.counts() == (0, 0, 0, 1, 0)


def test_names_that_are_escaped_alike_are_one_notebook(tree: Tree) -> None:
    tree.add(os.fsdecode(b"\xff.ipynb"), x=1)
    tree.add("\\udcff.ipynb", x=2)
    tree.index()
    assert tree.notebooks == ["\\udcff.ipynb"]


def test_a_directory_moves_with_its_store(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    tree.index()
    moved = tree.root.parent.with_name(f"{tree.root.parent.name}-moved")
    tree.root.parent.rename(moved)
    found = index(moved / "scraps.db", [str(moved)], workers=1)
    assert (found.added, found.unchanged, found.removed) == (0, 1, 0)


UNREADABLE = """
store, root = Path({store!r}), {root!r}
found = index(store, [root], workers=1)
print(found.added, found.changed, found.unchanged, found.removed, found.failed, *found.errors, sep="\\n")
"""


def test_what_may_not_be_read_or_listed_is_told_and_kept(tree: Tree) -> None:
    secret = tree.add("secret.ipynb", x=1)
    tree.add("shut/a.ipynb", x=2)
    tree.add("open.ipynb", x=3)
    assert tree.counts() == (3, 0, 0, 0, 0)
    store = tree.root.parent / "theirs"
    store.mkdir()
    store.chmod(0o777)
    nobody.let_in(tree.root)
    secret.chmod(0)
    (tree.root / "shut").chmod(0)
    code = UNREADABLE.format(store=str(store / "scraps.db"), root=str(tree.root))
    imports = "from pathlib import Path\nimport scrapdb.indexing.workers; from scrapdb.indexing.loop import index"
    listing = f"The directory {tree.root}/shut cannot be listed: Permission denied."
    assert nobody.run(imports, code).splitlines() == ["1", "0", "0", "0", "1", listing]
    (tree.root / "shut").chmod(0o755)
    secret.chmod(0o644)  # which changes neither size nor time
    assert nobody.run(imports, code).splitlines() == ["1", "1", "1", "0", "0"]
    (tree.root / "shut").chmod(0)
    assert nobody.run(imports, code).splitlines() == ["0", "0", "2", "0", "0", listing]
    (tree.root / "shut").chmod(0o755)
    assert query(store / "scraps.db", "SELECT count(*) FROM notebooks") == [(3,)]


def test_a_store_that_is_none_is_left_alone(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    tree.store.write_bytes(b"mine")
    with pytest.raises(StoreError, match="is not a SQLite database; nothing was changed"):
        index(tree.store, [str(tree.root)])
    assert tree.store.read_bytes() == b"mine"


def test_a_store_is_no_notebook(tree: Tree) -> None:
    tree.add("a.ipynb", x=1)
    tree.index()
    with pytest.raises(UsageError, match=r"scraps\.db is the store itself"):
        index(tree.store, [str(tree.root), f"{tree.store.parent}/./{tree.store.name}"])
    assert tree.counts() == (0, 0, 1, 0, 0)


def test_progress_is_told(tree: Tree) -> None:
    for number in range(5):
        tree.add(f"{number}.ipynb", x=number)
    tree.index()
    write(tree.root / "0.ipynb", gluing(x=7), LONG_AGO + 1)
    told: list[Progress] = []
    tree.index(progress=told.append)
    assert told[-1] == Progress(found=5, to_read=1, read=1)


def test_what_was_read_until_an_error_is_written() -> None:
    read = [Done(File(str(number)), None, 0, Change.UNCHANGED) for number in range(3)]

    def ending() -> Iterator[Done]:
        yield from read
        raise ScrapdbError("The cluster is gone.")

    batches = _batches(ending())
    assert next(batches) == read
    with pytest.raises(ScrapdbError, match="gone"):
        next(batches)
