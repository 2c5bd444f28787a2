"""Directories of hostile files: indexed and asked about."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
import tty
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.hostile.files import MAX_BYTES
from tests.hostile.files import Hostile
from tests.hostile.files import documented
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import query

MEMORY = 250 * 2**20  # bytes that a process may take, and four times the largest notebook beside it
SECONDS = 120  # after which a command is taken for one that hangs
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]")  # but for the ends of lines
# A small process that starts the one to measure: the latter would count the memory of a large one as its own.
MEASURE = """
import resource
import subprocess
import sys

code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(code)
"""
OPEN_FRAMES = """
import sys
import scrapdb
from scrapdb.errors import ScrapdbError

db = scrapdb.open(sys.argv[1])
for notebook in db.query("frame is not null", columns="nb.path"):
    try:
        db.notebook(notebook["nb.path"]).scraps["frame"].data
    except ScrapdbError:
        pass
"""


class Tree:
    """A directory of hostile files, a healthy notebook after each, and the store of them."""

    def __init__(self, directory: Path, files: Sequence[Hostile]) -> None:
        self.store = directory / "scraps.db"
        self.root = directory / "tree"
        self.files = {f"{number:04} {file.name}": file for number, file in enumerate(files)}
        self.root.mkdir()
        for number, (name, file) in enumerate(self.files.items()):
            path = self.root / f"{name}.ipynb"
            if isinstance(file.make, bytes):
                write(path, file.make)
            else:
                file.make(path)
            write(self.root / f"{number:04} healthy.ipynb", gluing(healthy=number))

    def index(self, max_bytes: int = MAX_BYTES) -> None:
        """Index, in bounded time and memory, and without a traceback."""
        index = [sys.executable, "-m", "scrapdb", "index", "-v", str(self.root), "--db", str(self.store)]
        command = [sys.executable, "-c", MEASURE, *index, "--max-bytes", str(max_bytes)]
        ran = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
        assert ran.returncode == 0, ran.stderr.decode(errors="replace")
        assert b"Traceback" not in ran.stderr, ran.stderr.decode(errors="replace")
        assert not CONTROL.search(ran.stderr), ran.stderr
        assert int(ran.stdout) < MEMORY + 4 * max_bytes, f"{int(ran.stdout):,} bytes"
        check(self.store)

    def check(self) -> None:
        """Show that of every file there is what must be said, and that no healthy notebook is missing."""
        statuses = dict(query(self.store, "SELECT path, status FROM notebooks"))
        kinds: dict[str, set[str]] = {}
        for path, kind in query(self.store, "SELECT path, kind FROM problems JOIN notebooks n ON n.id = notebook_id"):
            kinds.setdefault(path, set()).add(kind)
        for name, file in self.files.items():
            path = f"tree/{name}.ipynb"
            said = kinds.pop(path, set())
            assert file.must <= said <= file.must | file.may, (path, said)
            assert (statuses[path] != "unreadable") == file.readable or file.may == documented(), (path, said)
        assert not kinds
        healthy = "SELECT notebook, healthy FROM runs WHERE healthy IS NOT NULL AND notebook LIKE '% healthy.ipynb'"
        expected = {(f"tree/{number:04} healthy.ipynb", number) for number in range(len(self.files))}
        assert set(query(self.store, healthy)) == expected

    def ask(self) -> None:
        """Show that no answer moves a terminal's cursor, and that none is a traceback."""
        worst = [name for name, file in self.files.items() if "escapes" in file.name or "long name" in file.name]
        asked = [["query"], ["query", "-c", "*", "--limit", "40"], ["problems"], ["fields"], ["du"]]
        for question in [*asked, *(["show", f"tree/{name}.ipynb"] for name in worst)]:
            shown = on_a_terminal([*question, "--db", str(self.store)])
            assert not (found := CONTROL.search(shown)), (question, shown[found.start() - 40 :][:80])
            assert b"Traceback" not in shown, (question, shown)

    def open_frames(self) -> None:
        """Show that a frame is opened or refused with a sentence."""
        command = [sys.executable, "-c", OPEN_FRAMES, str(self.store)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert (ran.returncode, ran.stderr) == (0, ""), ran


def on_a_terminal(arguments: Sequence[str]) -> bytes:
    """Run scrapdb on a terminal of its own, and give what it printed there."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)  # line ends stay what they are
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 65_536):
                shown.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    command = [sys.executable, "-m", "scrapdb", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        code_ = process.wait(SECONDS)
    reader.join()
    os.close(ours)
    assert code_ in {0, 1}, (arguments, shown)
    return b"".join(shown)
