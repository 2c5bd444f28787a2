"""scrapdb's commands, run as users run them: in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from proof.trial import claim

_SECONDS = 300
_NOBODY = 65534
# Imports everything first: another user may not be allowed to read it.
_AS_NOBODY = """
import os, sys, difflib, urllib.parse, pandas, pyarrow.parquet
from importlib import import_module
from scrapdb.cli.app import COMMANDS, main
import scrapdb.database.frames, scrapdb.database.notebook, scrapdb.indexing.loop
import scrapdb.query.explain, scrapdb.store.users_sql
for module in COMMANDS:
    import_module(f"scrapdb.cli.commands.{module}")
os.setgroups([])
os.setgid(NOBODY)
os.setuid(NOBODY)
main()
""".replace("NOBODY", str(_NOBODY))


class Run(NamedTuple):
    """A command that has ended: how, and what it printed."""

    command: str
    code: int
    out: str
    err: str


def scrapdb(*arguments: str | Path, db: Path | None = None, as_nobody: bool = False, stdin: str = "") -> Run:
    """Run a command to its end, as another user without rights if asked for.

    Raises:
        DisprovedError: it ended in a traceback, a signal, or never.
    """
    words = [*map(str, arguments), *(("--db", str(db)) if db else ())]
    command = [sys.executable, "-c", _AS_NOBODY] if as_nobody else [sys.executable, "-m", "scrapdb"]
    try:
        done = subprocess.run(
            [*command, *words],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            input=stdin.encode(),
        )
    except subprocess.TimeoutExpired:
        claim(False, f"`scrapdb {' '.join(words)}` has not ended in {_SECONDS} seconds.")  # noqa: FBT003
        raise
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    run = Run(f"scrapdb {' '.join(words)}", done.returncode, out, err)
    claim("Traceback" not in err, f"`{run.command}` ended in a traceback:\n{err}")
    claim(run.code in {0, 1, 2}, f"`{run.command}` ended with {run.code}: {err}")
    claim(run.code == 0 or run.err.strip(), f"`{run.command}` failed without a word.")
    return run


def succeeded(run: Run) -> Run:
    """Give a command that ended well.

    Raises:
        DisprovedError: it failed.
    """
    claim(run.code == 0, f"`{run.command}` failed: {run.err}")
    return run


def refused(run: Run, *words: str) -> Run:
    """Give a command that failed and said why in a sentence with some of these words.

    Raises:
        DisprovedError: it did not, or said something else.
    """
    claim(run.code == 1, f"`{run.command}` should have failed; it ended with {run.code}: {run.out[:500]}{run.err}")
    claim(any(word in run.err for word in words), f"`{run.command}` failed without saying {words}: {run.err}")
    return run


def start(*arguments: str | Path, db: Path) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own."""
    words = [*map(str, arguments), "--db", str(db)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "scrapdb", *words], stdout=quiet, stderr=quiet, start_new_session=True
    )


def is_root() -> bool:
    """Tell whether other users and file systems can be had."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
