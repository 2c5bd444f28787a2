"""Running code as a user who may read what everybody may, and write nothing; root may do all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_NOBODY = 65534


def run(imports: str, code: str) -> str:
    """Run Python code in a process of that user and return what it prints; what it imports is imported before.

    urllib is what pathlib imports when it first makes a URI.
    """
    become = f"import os, urllib.parse\nif os.getuid() == 0:\n    os.setgid({_NOBODY})\n    os.setuid({_NOBODY})"
    command = [sys.executable, "-c", f"{imports}\n{become}\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def let_in(directory: Path) -> None:
    """Let everybody pass through a temporary directory, which pytest makes for its user alone."""
    for above in (directory, *directory.parents):
        if above.stat().st_uid == os.getuid() and above.name.startswith(("pytest-", "test_", "popen-")):
            above.chmod(above.stat().st_mode | 0o755)
