"""Where a kernel runs: its directories, what it can see, and what it may use."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from scrapdb.running.task import Limits

NOBODY = 65534
_SCRAPDB = Path(__file__).parents[3]
_INSIDE = Path(__file__).parents[1]
# Nothing is imported from where it is started, and what a kernel runs does not find `inside`.
_START = (
    "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv.pop(1)]; "
    "from inside import {0}; sys.path.pop(); {0}.main()"
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a kernel runs.

    Args:
        private: its own directory outside, for sockets and connection file; it has the same path inside.
        directory: where it begins, outside; below `private`, or wherever a person has put it.
        write: further paths that it can write.
        read: paths that it can read.
        network: whether it reaches the network.
        env: all variables of its environment.
        limits: what it may use.
        user: whom root becomes.
    """

    private: str
    directory: str
    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    network: bool = False
    env: dict[str, str] = {}
    limits: Limits = Limits()
    user: int | None = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what `inside.giving_up.give_up` is told."""
        limits = {name: getattr(self.limits, name) for name in ("memory", "cpu", "disk", "processes")}
        return {"limits": limits, "user": self.user, **more}


def user() -> int | None:
    """Return whom root becomes; None for everybody else, and where there is nobody else (user_namespaces(7))."""
    return NOBODY if os.getuid() == 0 and _exists(NOBODY) else None


def _exists(number: int) -> bool:
    try:
        ranges = [[*map(int, line.split())] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return True
    return any(first <= number < first + count for first, _, count in ranges)


def user_who_reads(paths: Iterable[str]) -> int | None:
    """Return whom root becomes, if that one can reach some paths."""
    return None if any(map(closed, paths)) else user()


def closed(path: str | Path) -> Path | None:
    """Return the outermost directory above a path that an unprivileged user may not pass through."""
    return next((above for above in reversed(Path(path).parents) if not _is_open(above.stat())), None)


def _is_open(state: os.stat_result) -> bool:
    return bool(state.st_mode & 0o001) or state.st_uid == NOBODY


def environment(python: str) -> dict[str, str]:
    """Return the variables that all kernels have.

    Args:
        python: the interpreter, or another program of an environment, beside which further ones are found.
    """
    path = os.pathsep.join((str(Path(python).parent), "/usr/local/bin", "/usr/bin", "/bin"))
    return {"PATH": path, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


@lru_cache
def python_paths(executable: str) -> tuple[str, ...]:
    """Return the directories that a Python needs: of its environment, of what that was made from, and scrapdb.

    Args:
        executable: the interpreter, or another program of an environment.
    """
    prefix = Path(executable).parent.parent
    paths = {str(prefix), str(Path(executable).resolve().parent.parent), str(_SCRAPDB)}
    if Path(executable).samefile(sys.executable):
        paths |= {sys.prefix, sys.base_prefix}
    if home := _home(prefix / "pyvenv.cfg"):
        paths |= {str(Path(home).parent), str(Path(home).resolve().parent)}
    return tuple(_outermost(path for path in paths if path not in {"/", "/usr", "/usr/local"}))


def _home(config: Path) -> str | None:
    """Return where the interpreter is from which an environment was made (PEP 405)."""
    if not config.is_file():
        return None
    parser = configparser.ConfigParser()
    parser.read_string("[venv]\n" + config.read_text(encoding="utf-8"))
    return parser.get("venv", "home", fallback=None)


def _outermost(paths: Iterator[str]) -> Iterator[str]:
    kept: list[Path] = []
    for path in sorted(map(Path, paths)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
            yield str(path)


def launched(place: Place, inner: Sequence[str], **more: Any) -> list[str]:
    """Return the command line that limits itself and then is another (`inside.launch`)."""
    settings = msgspec.json.encode(place.settings(**more)).decode()
    return [*program(sys.executable, "launch", "-I", "-S"), settings, *inner]


def program(python: str, module: str, *options: str) -> list[str]:
    """Return the command line that runs a module of `inside`, which finds none but itself and what is installed."""
    return [python, *options, "-c", _START.format(module), str(_INSIDE)]


def is_launcher(command: Sequence[str]) -> bool:
    """Return whether a command line is that of `inside.launch`, which may keep the kernel as its child."""
    return _START.format("launch") in command
