"""What stays in memory of the notebooks of a directory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scrapdb.errors import NotebookChangedError
from scrapdb.scrapbook.document import Document
from scrapdb.scrapbook.notebook import Notebook
from scrapdb.scrapbook.shelf import Shelf
from tests.notebook_builder import gluing
from tests.notebook_builder import write


@pytest.fixture
def two(tmp_path: Path) -> tuple[Notebook, Notebook]:
    """Two notebooks, of which only the one that was asked last stays in memory."""
    shelf = Shelf(limit=1)
    one, other = (write(tmp_path / f"{name}.ipynb", gluing(x=value)) for name, value in (("one", 1), ("other", 2)))
    return Notebook(Document(str(one), shelf=shelf)), Notebook(Document(str(other), shelf=shelf))


def is_held(nb: Notebook) -> bool:
    return nb._document._content is not None


def test_what_was_let_go_is_read_again(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    assert (one.scraps["x"].data, other.scraps["x"].data) == (1, 2)
    assert (is_held(one), is_held(other)) == (False, True)
    assert (one.scraps["x"].data, one.parameters) == (1, {})
    assert (is_held(one), is_held(other)) == (True, False)


def test_two_states_of_a_file_are_not_mixed(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    assert [nb.parameters for nb in two] == [{}, {}]
    write(Path(one.path), gluing(x=3, y=4))
    with pytest.raises(NotebookChangedError, match=r"one\.ipynb was changed since it was read, and let go\."):
        _ = one.scraps
    assert other.scraps["x"].data == 2


def test_what_was_let_go_is_edited_and_saved(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    assert [list(nb.scraps) for nb in two] == [["x"], ["x"]]
    one.set("x", 10)
    assert other.scraps["x"].data == 2
    assert one.scraps["x"].data == 10
    assert one.save() is True
    assert other.parameters == {}
    one.set("x", 11)
    assert one.save() is True
    assert one.scraps["x"].data == 11


def test_a_node_is_kept_with_its_changes(two: tuple[Notebook, Notebook]) -> None:
    one, other = two
    one.metadata["mine"] = 1
    assert other.scraps["x"].data == 2
    assert one.metadata["mine"] == 1
    assert one.save() is True


def test_the_notebooks_that_are_gone_do_not_count(tmp_path: Path) -> None:
    shelf = Shelf(limit=10_000)
    path = write(tmp_path / "n.ipynb", gluing(x=1))
    kept = Notebook(Document(str(path), shelf=shelf))
    assert kept.scraps["x"].data == 1
    for number in range(100):
        copied = shutil.copy(path, tmp_path / f"{number}.ipynb")
        assert Notebook(Document(str(copied), shelf=shelf)).scraps["x"].data == 1
    assert kept.scraps["x"].data == 1
    assert len(shelf._held) < 50
