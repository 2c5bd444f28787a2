"""Console sessions, as the documentation and the transcripts show them: `$ command` and what it prints.

In what is expected, `…` stands for a part of a line that differs from run to run, and a line that is only `…` for any
number of lines. With UPDATE_SESSIONS in the environment, tests write the sessions anew instead of comparing them.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests import preloaded

ROOT = Path(__file__).parent.parent
UPDATE = "UPDATE_SESSIONS" in os.environ
TIMEOUT = 120.0  # seconds


class Step(NamedTuple):
    """A command, and the lines that it prints."""

    command: str
    expected: list[str]


class Ran(NamedTuple):
    """What a command did."""

    stdout: str
    stderr: str
    code: int


def steps(lines: Iterable[str]) -> Iterator[Step]:
    """Split a session into commands; a line that starts with `> ` continues the command above it."""
    step: Step | None = None
    for line in lines:
        if line.startswith("$ "):
            if step:
                yield step
            step = Step(line.removeprefix("$ "), [])
        elif step and not step.expected and line.startswith("> "):
            step = Step(f"{step.command}\n{line.removeprefix('> ')}", [])
        elif step:
            step.expected.append(line)
    if step:
        yield step


def run(command: str, directory: Path, columns: int | None = None) -> Ran:
    """Run a command with bash in a directory; with `columns`, its standard output is a terminal of that width."""
    if columns is None:
        ran = _bash(command, directory, subprocess.PIPE)
        out, error = ran.communicate(timeout=TIMEOUT)
        return Ran(out.decode(), error.decode(), ran.returncode)
    terminal, screen = os.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    ran = _bash(command, directory, screen)
    os.close(screen)
    out = b""
    with suppress(OSError):  # which is how Linux says that nobody can write there any more
        while part := os.read(terminal, 65_536):
            out += part
    os.close(terminal)
    _, error = ran.communicate(timeout=TIMEOUT)
    return Ran(out.decode().replace("\r\n", "\n"), error.decode(), ran.returncode)


def matches(expected: Iterable[str], actual: Iterable[str]) -> bool:
    """Tell whether lines are the expected ones."""
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else f"{_pattern(line)}\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual)) is not None


def shown(command: str, expected: list[str], actual: list[str]) -> list[str]:
    """Write a command and what it prints now; the lines that match keep their `…`."""
    kept = [line for line in expected if "…" in line and line != "…"]
    lines = expected if matches(expected, actual) else [_kept(line, kept) for line in actual]
    return [*f"$ {command}".replace("\n", "\n> ").split("\n"), *lines]


def _kept(line: str, kept: list[str]) -> str:
    return next((old for old in kept if matches([old], [line])), line)


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split("…")))


def _bash(command: str, directory: Path, stdout: int) -> subprocess.Popen[bytes]:
    environment = {
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([str(_scrapdb(directory)), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def _scrapdb(directory: Path) -> Path:
    """Put the command of the working tree beside the directory, and give where."""
    commands = directory.with_name(f"{directory.name}-bin")
    script = commands / "scrapdb"
    if not script.exists():
        commands.mkdir(exist_ok=True)
        script.write_text(preloaded.script(), encoding="utf-8")
        script.chmod(0o755)
    return commands
