"""The command line behaves as transcripts/*.txt say.

A transcript is a session: `$ command`, the lines of its standard output, those of its standard error after `! `, and
`? N` for an exit code that is not 0. Its first line names the directories that it needs: `# with: tickers`, and the
width of the terminal if it runs in one. `UPDATE_SESSIONS=1 pytest tests/test_transcripts.py` writes them anew.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests import executed
from tests.sessions import UPDATE
from tests.sessions import Ran
from tests.sessions import matches
from tests.sessions import run
from tests.sessions import shown
from tests.sessions import steps

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def provide(name: str, directory: Path) -> None:
    """Copy what a transcript needs: a directory of notebooks, or one that is really executed."""
    if (TRANSCRIPTS / name).is_dir():
        shutil.copytree(TRANSCRIPTS / name, directory / name)
    elif name == "tickers":
        shutil.copytree(executed.tickers(), directory / name)
    else:
        shutil.copy(executed.notebook(name), directory)


def printed(ran: Ran) -> list[str]:
    """Write what a command did as a transcript does."""
    lines = ran.stdout.splitlines()
    if ran.stdout and not ran.stdout.endswith("\n"):
        lines.append("\\ no end of line")
    lines += [f"! {line}".rstrip() for line in ran.stderr.splitlines()]
    return lines + ([f"? {ran.code}"] if ran.code else [])


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*.txt")), ids=lambda path: path.stem)
def test_the_command_line_behaves_as_written(path: Path, tmp_path: Path) -> None:
    head, *parts = re.split(r"\n\n(?=[$#] )", path.read_text(encoding="utf-8").removesuffix("\n"))
    directory = tmp_path / "session"
    directory.mkdir()
    for name in re.findall(r"^# with: (.*)$", head, re.MULTILINE)[0].split():
        provide(name, directory)
    width = re.search(r"^# on a terminal of (\d+) columns$", head, re.MULTILINE)
    written = [head]
    for part in parts:
        comment, session = re.split(r"^(?=\$ )", part, maxsplit=1, flags=re.MULTILINE)
        ((command, expected),) = steps(session.split("\n"))
        actual = printed(run(command, directory, int(width[1]) if width else None))
        assert not any(line.startswith("! Traceback") for line in actual), "\n".join([f"$ {command}", *actual])
        assert UPDATE or matches(expected, actual), "\n".join([f"$ {command}", *actual, "", "Expected:", *expected])
        written.append(comment + "\n".join(shown(command, expected, actual)))
    if UPDATE:
        path.write_text("\n\n".join(written) + "\n", encoding="utf-8")
