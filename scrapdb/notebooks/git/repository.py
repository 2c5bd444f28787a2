"""A repository, and git run in it: nothing that its configuration names is executed, and nothing is fetched.

Only plumbing is called, which shows no signatures, asks no external differ and starts no pager. What else might make
git run something or wait is switched off in the environment and on the command line.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError

_URL = re.compile(r"[A-Za-z][\w+.:-]*://|[\w.-]+@[\w.-]+:|[\w.-]{2,}:(?!\\)")  # what `git clone` takes for no directory
_LOCAL = "file://"
_KEPT = re.compile(r"GIT_(CONFIG_|EXEC_PATH|CEILING_)")  # GIT_DIR and others may be set by a hook
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "",  # none: objects that a partial clone has not fetched are missing
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",  # messages are looked at
}
_CONFIGURED = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.deltaBaseCacheLimit=256m", "gc.auto=0")
_EMPTY_TREES = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_ASKED = ("--is-bare-repository", "--is-shallow-repository", "--show-object-format", "--absolute-git-dir")


class Repository(msgspec.Struct, frozen=True):
    """A repository: its own directory, that in which its files lie, and how it names what is nothing."""

    directory: str
    top: str
    empty_tree: str
    is_shallow: bool


class Failed(ScrapdbError):  # noqa: N818 - it is told as it is
    """What git was asked for failed; `said` is what it said."""

    def __init__(self, directory: str, said: str) -> None:
        self.said = said
        super().__init__(_sentence(directory, said))


def parted(asked: str) -> tuple[str, str | None]:
    """Part what was asked for, `REPO` or `REPO@REV`, into a directory and a revision.

    A directory may have an `@` in its name, a revision too: the longest part that is a directory is one.

    Raises:
        UsageError: there is no such directory, it is a URL, or there is no revision after the `@`.
    """
    asked = asked.removeprefix(_LOCAL)
    places = [len(asked), *(match.start() for match in reversed([*re.finditer("@", asked)]))]
    for place in places:
        directory, revision = asked[:place], asked[place + 1 :] if place < len(asked) else None
        if directory and os.path.isdir(directory):
            if revision == "":
                raise UsageError(f"There is no revision after the @ of {asked}: name a branch, a tag or a commit.")
            return directory, revision
    if _URL.match(asked):
        raise UsageError(f"{asked} is not a directory: clone the repository, and name the directory of the clone.")
    raise UsageError(f"There is no directory {asked} that could be a git repository.")


def opened(directory: str) -> Repository:
    """Find the repository in which a directory lies, as git does.

    Raises:
        UsageError: git is not installed, the directory is in no repository, or in one that git does not trust.
    """
    asked = _completed(directory, ["rev-parse", *_ASKED, "--show-toplevel"])
    lines = os.fsdecode(asked.stdout).splitlines()
    if len(lines) < len(_ASKED):
        raise UsageError(_sentence(directory, _said(asked.stderr)))
    is_bare, is_shallow, objects, own, *tops = lines
    # In the directory .git itself there is no working tree, but beside it.
    beside = os.path.dirname(own) if is_bare == "false" and os.path.basename(own) == ".git" else own
    top = os.path.realpath(tops[0] if tops else beside)
    return Repository(own, top, _EMPTY_TREES[objects], is_shallow == "true")


def run(repository: Repository, *arguments: str, given: bytes = b"") -> bytes:
    """Return what git writes.

    Raises:
        Failed: it ends with an error.
    """
    completed = _completed(repository.top, arguments, given)
    if completed.returncode:
        raise Failed(repository.top, _said(completed.stderr))
    return completed.stdout


def started(repository: Repository, *arguments: str) -> subprocess.Popen[bytes]:
    """Start git, with pipes to and from it."""
    pipe = subprocess.PIPE
    return subprocess.Popen(  # noqa: S603 - git, with arguments that are no options
        _command(repository.top, arguments), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=_environment()
    )


def _completed(directory: str, arguments: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - as above
            _command(directory, arguments), input=given, capture_output=True, check=False, env=_environment()
        )
    except FileNotFoundError:
        raise UsageError("--git reads repositories with git, which is not installed, or not on the PATH.") from None
    except OSError as error:
        raise UsageError(f"git cannot be started: {error.strerror}.") from error


def _command(directory: str, arguments: Sequence[str]) -> list[str]:
    configured = [part for setting in _CONFIGURED for part in ("-c", setting)]
    return ["git", "--no-pager", *configured, "-C", directory, *arguments]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _KEPT.match(name)}
    return kept | _ENVIRONMENT


def _said(stderr: bytes) -> str:
    return os.fsdecode(stderr).strip()


def _sentence(directory: str, said: str) -> str:
    if "dubious ownership" in said:
        trust = f"`git config --global --add safe.directory {directory}`"
        return f"git does not read the repository {directory}, which belongs to somebody else; if you trust it: {trust}"
    if "not a git repository" in said:
        return f"{directory} is not in a git repository."
    reason = said.splitlines()[0] if said else "it ended without a word"
    return f"git cannot read the repository {directory}: {reason.removeprefix('fatal: ').rstrip('.')}."
