from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path

import pytest

from scrapdb.errors import UsageError
from scrapdb.files.paths import identity
from scrapdb.files.paths import located
from scrapdb.files.paths import os_path
from scrapdb.notebooks.scan import Candidate
from scrapdb.notebooks.scan import Scan
from scrapdb.notebooks.scan import scan
from tests.notebook_builder import LONG_AGO
from tests.notebook_builder import write

Find = Callable[..., list[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory of its own below the one of the store."""
    directory = tmp_path.resolve() / "tree"
    directory.mkdir()
    return directory


def candidates(tree: Path, *roots: str, names: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[Candidate]:
    return list(scan(Scan(str(tree.parent), tuple(exclude)), roots or [str(tree)], names=names))


def paths(tree: Path, *roots: str, names: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[str]:
    return [candidate.path for candidate in candidates(tree, *roots, names=names, exclude=exclude)]


def fill(tree: Path, *names: str) -> None:
    for name in names:
        write(tree / name, b"{}")


def test_notebooks_are_found_below_a_directory(tree: Path) -> None:
    fill(tree, "b.ipynb", "a.ipynb", "deep/er/c.ipynb", "x.py", "ipynb", "d.IPYNB", ".hidden/e.ipynb", ".f.ipynb")
    assert sorted(paths(tree)) == [
        "tree/.f.ipynb", "tree/.hidden/e.ipynb", "tree/a.ipynb", "tree/b.ipynb", "tree/deep/er/c.ipynb"
    ]  # fmt: skip
    assert candidates(tree, str(tree / "a.ipynb")) == [
        Candidate(str(tree / "a.ipynb"), "tree/a.ipynb", 2, LONG_AGO * 10**9)
    ]


@pytest.mark.parametrize("name", [".ipynb_checkpoints", ".git", ".hg", ".svn", "__pycache__"])
def test_some_directories_are_skipped(tree: Path, name: str) -> None:
    fill(tree, f"{name}/a.ipynb", f"deep/{name}/b.ipynb", "c.ipynb")
    assert paths(tree) == ["tree/c.ipynb"]
    assert paths(tree, str(tree / name)) == [f"tree/{name}/a.ipynb"]  # but not where they are named


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta"])
def test_environments_are_skipped(tree: Path, mark: str) -> None:
    fill(tree, "env/lib/a.ipynb", f"env/{mark}", "b.ipynb")
    assert paths(tree) == ["tree/b.ipynb"]


def test_a_file_is_given_directly(tree: Path) -> None:
    fill(tree, "a.ipynb", ".ipynb", "no-suffix")
    assert paths(tree, str(tree / ".ipynb")) == ["tree/.ipynb"]
    assert paths(tree, str(tree / "no-suffix")) == ["tree/no-suffix"]
    assert sorted(paths(tree)) == ["tree/.ipynb", "tree/a.ipynb"]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (["b.ipynb"], ["a.ipynb", "deep/c.ipynb"]),
        (["*.ipynb"], []),
        (["deep"], ["a.ipynb", "b.ipynb"]),
        (["deep/"], ["a.ipynb", "b.ipynb"]),
        (["deep/*"], ["a.ipynb", "b.ipynb"]),
        (["[ab]*", "other"], ["deep/c.ipynb"]),
        (["A.ipynb", "eep", "tree"], ["a.ipynb", "b.ipynb", "deep/c.ipynb"]),
    ],
)
def test_excluded_names_and_paths(tree: Path, exclude: list[str], expected: list[str]) -> None:
    fill(tree, "a.ipynb", "b.ipynb", "deep/c.ipynb")
    assert paths(tree, exclude=exclude) == [f"tree/{name}" for name in expected]


def test_globs(tree: Path) -> None:
    fill(tree, "a.ipynb", "b.ipynb", "x.py", "deep/c.ipynb")
    assert paths(tree, f"{tree}/*.ipynb") == ["tree/a.ipynb", "tree/b.ipynb"]
    assert paths(tree, f"{tree}/**/*.ipynb") == ["tree/a.ipynb", "tree/b.ipynb", "tree/deep/c.ipynb"]
    assert sorted(paths(tree, f"{tree}/*")) == ["tree/a.ipynb", "tree/b.ipynb", "tree/deep/c.ipynb"]
    assert paths(tree, f"{tree}/*.ipynb", exclude=["b*"]) == ["tree/a.ipynb"]
    fill(tree, "[a].ipynb")
    assert paths(tree, f"{tree}/[a].ipynb") == ["tree/[a].ipynb"]  # a file of that name comes first


def test_a_missing_root_is_an_error(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no file or directory .*none\.$"):
        candidates(tree, str(tree), str(tree / "none"))
    with pytest.raises(UsageError, match="No notebook matches"):
        candidates(tree, f"{tree}/*.ipynb")


def test_a_missing_name_is_told_and_the_rest_goes_on(tree: Path) -> None:
    fill(tree, "a.ipynb", "deep/b.ipynb")
    walk = Scan(str(tree.parent))
    candidates = scan(walk, [], names=[str(tree / "none"), str(tree / "a.ipynb"), str(tree / "deep")])
    assert {candidate.path for candidate in candidates} == {"tree/a.ipynb", "tree/deep/b.ipynb"}
    assert walk.errors == [f"There is no file {tree}/none."]
    assert walk.listed == set()


def test_one_file_by_many_ways_is_one_notebook(tree: Path) -> None:
    fill(tree, "a.ipynb", "deep/b.ipynb")
    (tree / "link.ipynb").symlink_to("a.ipynb")
    (tree / "deep/up").symlink_to("..")
    (tree / "again").symlink_to("deep")
    roots = [str(tree), f"{tree}/", f"{tree}/deep/../a.ipynb", f"{tree}/link.ipynb", f"{tree}/again", f"{tree}/*"]
    assert sorted(paths(tree, *roots)) == ["tree/a.ipynb", "tree/deep/b.ipynb"]


@pytest.mark.parametrize("link", ["0.ipynb", "z.ipynb", "0/link.ipynb", "z/link.ipynb"])
def test_a_file_that_is_left_out_where_it_lies_is_found_by_its_link(tree: Path, link: str) -> None:
    fill(tree, "left.ipynb", "m/left.ipynb", "m/.git/left.ipynb", "m/left", "a.ipynb")
    (tree / link).parent.mkdir(exist_ok=True)
    for name in ("left.ipynb", "m/left.ipynb", "m/.git/left.ipynb", "m/left"):
        (tree / link).symlink_to(tree / name)
        assert sorted(paths(tree, exclude=["left*"])) == ["tree/a.ipynb", f"tree/{name}"]
        (tree / link).unlink()


def test_a_named_file_is_found_though_it_is_left_out(tree: Path) -> None:
    fill(tree, "a.ipynb", "b.ipynb")
    assert paths(tree, str(tree), str(tree / "b.ipynb"), exclude=["b*"]) == ["tree/a.ipynb", "tree/b.ipynb"]


def test_links_out_of_the_tree_are_followed_to_their_real_path(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other").resolve()
    fill(other, "a.ipynb", "deep/b.ipynb")
    (tree / "link.ipynb").symlink_to(other / "a.ipynb")
    (tree / "link").symlink_to(other / "deep")
    assert sorted(paths(tree)) == [f"{other}/a.ipynb", f"{other}/deep/b.ipynb"]


def test_what_is_no_file_has_a_reason(tree: Path) -> None:
    fill(tree, "directory.ipynb/a.ipynb")
    os.mkfifo(tree / "fifo.ipynb")
    (tree / "broken.ipynb").symlink_to("/nowhere/at/all.ipynb")
    (tree / "loop.ipynb").symlink_to("loop.ipynb")
    (tree / "broken").symlink_to("nowhere")
    reasons = {candidate.path: candidate.reason for candidate in candidates(tree)}
    assert reasons == {
        "tree/broken.ipynb": "It cannot be looked at: No such file or directory.",
        "tree/loop.ipynb": "It cannot be looked at: Too many levels of symbolic links.",
        "tree/fifo.ipynb": "It is not a file.",
        "tree/directory.ipynb/a.ipynb": None,
    }


def test_paths_outside_the_stores_directory_are_absolute(tree: Path) -> None:
    fill(tree, "a.ipynb")
    assert [candidate.path for candidate in scan(Scan(str(tree / "elsewhere")), [str(tree)])] == [f"{tree}/a.ipynb"]
    assert [candidate.path for candidate in scan(Scan("/"), [str(tree)])] == [f"{tree}/a.ipynb"[1:]]


NFC, NFD = unicodedata.normalize("NFC", "é.ipynb"), unicodedata.normalize("NFD", "é.ipynb")


@pytest.mark.parametrize(
    ("name", "path", "exact"),
    [
        ("a.ipynb", "tree/a.ipynb", None),
        (NFC, f"tree/{NFC}", None),
        (NFD, f"tree/{NFC}", f"tree/{NFD}".encode()),
        (os.fsdecode(b"\xff.ipynb"), "tree/\\udcff.ipynb", b"tree/\xff.ipynb"),
        ("a\nb\x1b.ipynb", "tree/a\nb\x1b.ipynb", None),
        ("\\udcff.ipynb", "tree/\\udcff.ipynb", None),
    ],
)
def test_every_file_name_has_a_path_and_the_way_back(tree: Path, name: str, path: str, exact: bytes | None) -> None:
    fill(tree, name)
    (candidate,) = candidates(tree)
    base = str(tree.parent)
    assert candidate.path == path == identity(f"{tree}/{name}", base)
    assert candidate.reason is None
    assert os_path(candidate.file, path, base) == exact
    assert located(path, exact, base) == candidate.file == f"{tree}/{name}"
    path.encode()


@pytest.mark.parametrize("listed", [NFC, NFD])
@pytest.mark.parametrize("exclude", [NFC, NFD, NFC.replace(".ipynb", "*"), f"dir/{NFC}", f"dir/{NFD}"])
def test_a_name_is_excluded_in_both_spellings(tree: Path, listed: str, exclude: str) -> None:
    fill(tree, f"dir/{listed}", "e.ipynb")
    assert paths(tree, exclude=[exclude]) == ["tree/e.ipynb"]


def test_two_spellings_that_are_two_files_stay_two(tree: Path) -> None:
    fill(tree, NFC, NFD)
    if len(list(tree.iterdir())) == 1:
        pytest.skip("the file system normalizes names")
    assert sorted(paths(tree)) == sorted([f"tree/{NFC}", f"tree/{NFD}"])


def test_an_unlistable_directory_is_told(tree: Path) -> None:
    fill(tree, "a.ipynb", "shut/b.ipynb")
    walk = Scan(str(tree.parent))
    below = walk.directory_tree(str(tree), vouch=True)
    first = next(below)
    (tree / "shut/b.ipynb").unlink()
    (tree / "shut").rmdir()
    assert [first.path, *(candidate.path for candidate in below)] == ["tree/a.ipynb"]
    assert walk.errors == [f"The directory {tree}/shut cannot be listed: No such file or directory."]
    assert walk.listed == {str(tree)}


@pytest.mark.parametrize(
    ("path", "listed", "gone"),
    [
        ("tree/a.ipynb", ["tree"], False),  # it is there
        ("tree/none.ipynb", ["tree"], True),
        ("tree/none.ipynb", [], False),  # nobody looked
        ("tree/none.ipynb", ["tree/deep"], False),
        ("tree/none/at/all.ipynb", ["tree"], True),  # with its directories
        ("tree/none/at/all.ipynb", [], False),
        ("tree/deep/none.ipynb", ["tree"], False),  # its own directory was not listed
        ("tree/deep/none.ipynb", ["tree", "tree/deep"], True),
        ("/nowhere/none.ipynb", ["tree"], False),
    ],
)
def test_what_is_gone(tree: Path, path: str, listed: list[str], gone: bool) -> None:
    fill(tree, "a.ipynb", "deep/b.ipynb")
    walk = Scan(str(tree.parent))
    walk.listed = {f"{tree.parent}/{directory}" for directory in listed}
    assert walk.gone(path, None) is gone
