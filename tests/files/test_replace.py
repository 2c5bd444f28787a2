"""A file is replaced wholly or not at all, by one process at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scrapdb.errors import EditError
from scrapdb.errors import NotebookChangedError
from scrapdb.files.replace import _lock
from scrapdb.files.replace import replace
from scrapdb.notebooks.scan import Scan
from tests import nobody
from tests.notebook_builder import LONG_AGO
from tests.sessions import ROOT

OLD, NEW = b"old", b"the new one"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.ipynb"
    path.write_bytes(OLD)
    return path


def test_the_file_has_the_new_content_and_is_alone(file: Path) -> None:
    replace(str(file), OLD, NEW)
    assert file.read_bytes() == NEW
    assert [*file.parent.iterdir()] == [file]


def test_mode_and_owner_stay(file: Path) -> None:
    file.chmod(0o640)
    if os.getuid() == 0:
        os.chown(file, 12345, 54321)
    os.utime(file, (LONG_AGO, LONG_AGO))
    before = file.stat()
    replace(str(file), OLD, NEW)
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_mtime > LONG_AGO


@pytest.mark.skipif(sys.platform != "linux", reason="Python knows extended attributes on Linux only")
def test_extended_attributes_stay(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"mine")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    replace(str(file), OLD, NEW)
    assert os.getxattr(file, "user.note") == b"mine"


def test_links_still_lead_to_it(file: Path) -> None:
    elsewhere = file.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "near.ipynb").symlink_to("../a.ipynb")
    (elsewhere / "link.ipynb").symlink_to("near.ipynb")
    replace(str(elsewhere / "link.ipynb"), OLD, NEW)
    assert file.read_bytes() == NEW
    assert (elsewhere / "link.ipynb").readlink() == Path("near.ipynb")
    assert sorted(path.name for path in elsewhere.iterdir()) == ["link.ipynb", "near.ipynb"]


def test_a_file_that_was_changed_stays(file: Path) -> None:
    with pytest.raises(NotebookChangedError, match="was changed since it was read"):
        replace(str(file), b"odd", NEW)
    assert file.read_bytes() == OLD
    file.unlink()
    with pytest.raises(NotebookChangedError, match="not there any more"):
        replace(str(file), OLD, NEW)
    assert [*file.parent.iterdir()] == []


def test_any_content_may_be_replaced_and_none_need_be_there(file: Path) -> None:
    replace(str(file), None, NEW)
    assert file.read_bytes() == NEW
    other = file.with_name("made.ipynb")
    replace(str(other), None, NEW)
    assert other.read_bytes() == NEW
    file.with_name("plain.txt").touch()
    assert other.stat().st_mode == file.with_name("plain.txt").stat().st_mode


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.ipynb")
    (tmp_path / "directory.ipynb").mkdir()
    for name in ("fifo.ipynb", "directory.ipynb"):
        with pytest.raises(EditError, match=f"{name} is not a file"):
            replace(str(tmp_path / name), OLD, NEW)
    with pytest.raises(EditError, match="cannot be replaced"):
        replace(str(tmp_path / "nowhere" / "a.ipynb"), OLD, NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["directory.ipynb", "fifo.ipynb"]


TELL = """
try:
    replace({file!r}, b"old", b"new")
except EditError as error:
    print(error)
"""


def told_nobody(file: Path) -> str:
    nobody.let_in(file.parent)
    imports = "from scrapdb.errors import EditError\nfrom scrapdb.files.replace import replace"
    return nobody.run(imports, TELL.format(file=str(file)))


def test_a_file_that_may_not_be_written_is_told(file: Path) -> None:
    file.chmod(0o444)
    file.parent.chmod(0o777)
    assert told_nobody(file) == f"{file} may not be written. Check its permissions.\n"


def test_a_directory_that_may_not_be_written_is_told(file: Path) -> None:
    file.chmod(0o666)
    file.parent.chmod(0o755)
    if os.getuid():
        file.parent.chmod(0o555)
    assert "its directory may not be written" in told_nobody(file)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_does_not_become_ones_own(file: Path) -> None:
    file.chmod(0o666)
    file.parent.chmod(0o777)
    assert "belongs to another user" in told_nobody(file)
    assert file.read_bytes() == OLD
    assert [*file.parent.iterdir()] == [file]


HOLD = """
import sys, threading
from pathlib import Path
from scrapdb.files import replace
with replace._locked(Path({file!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_one_process_edits_at_a_time_and_a_killed_one_does_not_matter(file: Path) -> None:
    command = [sys.executable, "-c", HOLD.format(file=str(file))]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(NotebookChangedError, match="edited by another process"):
            replace(str(file), OLD, NEW)
        process.kill()
    (left,) = set(file.parent.iterdir()) - {file}
    assert [candidate.file for candidate in Scan(str(file.parent)).directory_tree(str(file.parent), vouch=True)] == [
        str(file)
    ]
    left.write_bytes(b"half of something longer than the new content")
    replace(str(file), OLD, NEW)
    assert file.read_bytes() == NEW
    assert [*file.parent.iterdir()] == [file]


def test_a_new_file_that_has_become_the_notebook_is_not_written_to(file: Path) -> None:
    new = file.with_name("new")
    new.write_bytes(NEW)
    with new.open("rb") as opened:  # before another process puts it in place
        new.rename(file)
        with pytest.raises(NotebookChangedError, match="edited by another process"):
            _lock(opened.fileno(), new, file)


def test_what_somebody_laid_in_the_way_is_not_written_to(file: Path) -> None:
    replace(str(file), OLD, NEW)
    victim = file.with_name("victim")
    victim.write_bytes(b"precious")
    (way,) = lock_of(file)
    way.symlink_to(victim)
    with pytest.raises(EditError):
        replace(str(file), NEW, OLD)
    way.unlink()
    os.link(victim, way)
    with pytest.raises(EditError, match="is in the way"):
        replace(str(file), NEW, OLD)
    assert victim.read_bytes() == b"precious"
    assert file.read_bytes() == NEW


def lock_of(file: Path) -> list[Path]:
    """See under which name the new file is written."""
    process = subprocess.run(
        [sys.executable, "-c", HOLD.format(file=str(file)).replace("sys.stdin.read()", "import os; os._exit(0)")],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert process.returncode == 0
    left = [path for path in file.parent.iterdir() if path.name.startswith(".")]
    for path in left:
        path.unlink()
    return left


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from scrapdb.files.replace import replace

file = Path(sys.argv[1])
contents = [bytes([letter]) * size for letter, size in ((97, 100_000), (98, 300_000))]
chance = random.Random(1)
file.write_bytes(contents[0])
began = time.monotonic()
replace(str(file), contents[0], contents[1])
replace(str(file), contents[1], contents[0])
seconds = time.monotonic() - began
rounds = seen = left = 0
while rounds < 30 or (rounds < 250 and time.monotonic() < began + 3):
    rounds += 1
    child = os.fork()
    if not child:
        now = contents.index(file.read_bytes())
        while True:
            replace(str(file), contents[now], contents[1 - now])
            now = 1 - now
    time.sleep(chance.uniform(0, 2 * seconds))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    seen |= 1 << contents.index(file.read_bytes())
    left += len(os.listdir(file.parent)) > 1
print(seen, left)
"""


def test_a_killed_edit_leaves_the_old_file_or_the_new_one(file: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(file)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    seen, left = map(int, ran.stdout.split())
    assert seen == 0b11  # both contents were met
    assert left > 0  # some were killed while they wrote
    names = [path.name for path in file.parent.iterdir()]
    assert len(names) <= 2
    assert [name for name in names if name.endswith(".ipynb")] == ["a.ipynb"]
