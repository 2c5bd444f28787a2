"""Environments of Python for bundles that have a requirements.txt: made on request, once, and only read afterwards.

Each is a virtual environment in the cache, named by the hash of what it is made of. It stands where it was made, since
its programs name their interpreter by its path; a file that is written last tells that it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from scrapdb.errors import BundleError
from scrapdb.reporting.bundles.bundle import REQUIREMENTS
from scrapdb.reporting.bundles.bundle import Bundle

_WHOLE = "made-by-scrapdb"
_LAST = 20  # lines that an installer has said, in a sentence on its failure
_EDITABLE = ("-e", "--editable")
# What would have an installer find packages elsewhere than in the environment, and leave them out of it.
_MISLEADING = frozenset({"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "VIRTUAL_ENV"})


class Made(NamedTuple):
    """An environment: its directory, whether it was made now, and by what."""

    directory: Path
    is_new: bool
    by: str = ""


def python(bundle: Bundle) -> str | None:
    """Return the interpreter by which a bundle's notebook is run; None if it needs no packages of its own.

    Raises:
        BundleError: its environment is not made; the sentence has the command.
    """
    if not requirements(bundle):
        return None
    directory = place(bundle)
    if not _is_whole(directory):
        raise BundleError(
            f"The packages that {bundle.name} asks for in {REQUIREMENTS} are not installed: "
            f"`scrapdb report build-env {quote(bundle.where)}` does that once."
        )
    return str(_python(directory))


def requirements(bundle: Bundle) -> list[str]:
    """Return the lines of requirements.txt that ask for something.

    Raises:
        BundleError: they are no text, or ask for what an environment cannot keep.
    """
    try:
        lines = bundle.files.get(REQUIREMENTS, b"").decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BundleError(f"{REQUIREMENTS} is not in UTF-8. Save the file so.") from error
    for number, line in enumerate(lines, 1):
        if line.strip().startswith(_EDITABLE):
            raise BundleError(f"{REQUIREMENTS}:{number} wants a package in place (-e); name its path without it.")
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def place(bundle: Bundle) -> Path:
    """Return where the environment of a bundle is, made or not: another for other packages, or for another Python."""
    named = bundle.files[REQUIREMENTS]
    # What it names of the bundle, a wheel or further requirements, counts as well.
    parts = [named, *(content for path, content in sorted(bundle.files.items()) if path.encode() in named)]
    digests = [hashlib.sha256(part).hexdigest() for part in parts]
    made_for = [sys.implementation.cache_tag or sys.version, sysconfig.get_platform(), *digests]
    return _cache() / hashlib.sha256("\n".join(made_for).encode()).hexdigest()[:32]


def build(bundle: Bundle, *, again: bool = False) -> Made:
    """Make the environment of a bundle, unless it is there.

    Args:
        bundle: which has a requirements.txt.
        again: whether to make it anew if it is.

    Raises:
        BundleError: it asks for nothing, or cannot be made; the sentence has the last lines of the installer.
    """
    if not requirements(bundle):
        raise BundleError(f"{bundle.where} asks for no packages, so it needs no environment: it has no {REQUIREMENTS}.")
    directory = place(bundle)
    with _locked(directory):
        if _is_whole(directory) and not again:
            return Made(directory, is_new=False)
        shutil.rmtree(directory, ignore_errors=True)  # which somebody may have been killed over
        try:
            by = _fill(directory, bundle)
            (directory / _WHOLE).write_text(f"{by}\n")
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
    return Made(directory, is_new=True, by=by)


def _fill(directory: Path, bundle: Bundle) -> str:
    interpreter = str(_python(directory))
    what = ["--quiet", "-r", REQUIREMENTS, "ipykernel"]
    begin = [sys.executable, "-m", "venv", str(directory)]
    install = [interpreter, "-m", "pip", "install", *what]
    if uv := shutil.which("uv"):
        begin = [uv, "venv", "--quiet", "--python", sys.executable, str(directory)]
        install = [uv, "pip", "install", "--python", interpreter, *what]
    elif find_spec("pip"):  # ours does it, too, and need not be copied first
        begin.insert(3, "--without-pip")
        install = [sys.executable, "-m", "pip", "--python", interpreter, "install", *what]
    with tempfile.TemporaryDirectory() as files:
        for path, content in bundle.files.items():
            (Path(files) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(files) / path).write_bytes(content)
        for command in (begin, install, [interpreter, "-c", "import ipykernel"]):
            _call(bundle, files, command)
    return "uv" if uv else "pip"


def _call(bundle: Bundle, files: str, command: list[str]) -> None:
    """Run a command in the bundle's files.

    Raises:
        BundleError: it failed, or cannot be run.
    """
    env = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    try:
        done = subprocess.run(  # noqa: S603 - what the packages do while they are installed is why a person asks for it
            command,
            cwd=files,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise BundleError(f"{command[0]} cannot be run: {error.strerror}.") from error
    if done.returncode:
        said = "\n".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-_LAST:])
        raise BundleError(f"The environment of {bundle.name} cannot be made by {Path(command[0]).name}:\n{said}")


def _is_whole(directory: Path) -> bool:
    return (directory / _WHOLE).is_file() and os.access(_python(directory), os.X_OK)


def _python(directory: Path) -> Path:
    return directory / "bin" / "python"


def _cache() -> Path:
    """Return the directory of all environments.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if os.path.isabs(named) else Path.home() / ".cache") / "scrapdb" / "environments"  # noqa: PTH117


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time make an environment; others wait for it."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with directory.with_name(f"{directory.name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise BundleError(f"{directory} cannot be made: {error.strerror}.") from error
