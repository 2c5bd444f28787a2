"""Git repositories made on the spot, by `git fast-import`: a history of hundreds of commits takes milliseconds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from typing import Self

Name = Any  # of a file: text or bytes
Content = Any  # a notebook as a document, text or bytes, or None: the file is deleted
WHO = "Ada <ada@example.org>"
# Nothing that a user or a machine has configured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
_MODES = {"file": b"100644", "executable": b"100755", "link": b"120000", "module": b"160000"}


class Repository:
    """A repository without a working tree that is checked out, and the branch to which commits go.

    What is asked of it is written to git when `directory` is read, or `git` called.

    Args:
        directory: is made; the first branch is `main`.
        bare: whether it has no working tree at all.
        objects: sha1 or sha256.
    """

    def __init__(self, directory: Path, *, bare: bool = False, objects: str = "sha1") -> None:
        self._directory = directory
        self._stream: list[bytes] = []
        self._files: dict[str, dict[bytes, tuple[bytes, bytes]]] = {"main": {}}  # by branch and path: mode and content
        self._base: dict[str, dict[bytes, tuple[bytes, bytes]]] = {"main": {}}
        self._fresh: dict[str, str] = {}  # branches that were made, and of which, until there is a commit on them
        self._written: set[str] = set()  # branches whose last commit an earlier fast-import has written
        self._now = 1_793_491_200  # 2026-11-01; each commit without a time is an hour after the last one
        self.branch_name = "main"
        directory.mkdir(parents=True)
        options = ["--bare"] if bare else []
        self._run("init", "-q", "-b", "main", f"--object-format={objects}", *options)

    @property
    def directory(self) -> Path:
        """The directory of the repository, with all commits in it."""
        return self.write()

    def write(self) -> Path:
        """Write to git what it does not have yet, and return the directory."""
        if self._stream:
            self._run("fast-import", "--quiet", "--force", input_=b"".join(self._stream))
            self._stream = []
            self._written = {*self._files}
        return self._directory

    def git(self, *arguments: str, input_: bytes | None = None) -> bytes:
        """Run git there."""
        self.write()
        return self._run(*arguments, input_=input_)

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self._directory.name

    @property
    def now(self) -> int:
        """The author's time of the last commit, in seconds."""
        return self._now

    def branches(self) -> list[str]:
        """Name the branches."""
        return [*self._files]

    def has_commits(self) -> bool:
        """Tell whether there is any commit."""
        return bool(self._written or self._stream)

    def paths(self) -> list[str]:
        """Name the files that the branch has."""
        return [os.fsdecode(path) for path in self._files[self.branch_name]]

    def content(self, path: str) -> bytes:
        """Return what the branch has at a path."""
        return self._files[self.branch_name][os.fsencode(path)][1]

    def check_out(self, branch: str = "main") -> Self:
        """Make the files of a branch the working tree."""
        self.git("reset", "-q", "--hard", branch)
        return self

    def commit(
        self, files: Mapping[Name, Content], at: str | None = None, message: str = "", *, kind: str = "file"
    ) -> Self:
        """Commit some files to the branch.

        Args:
            files: what to change, by path.
            at: the author's time, as 2026-11-01T12:00:00Z; by default an hour after the last commit.
            message: of the commit.
            kind: what they are: file, executable, link or module, whose content is a commit.
        """
        changes = {os.fsencode(path): (_MODES[kind], _bytes(content)) for path, content in files.items()}
        self._commit(changes, at, message)
        return self

    def move(self, old: Name, new: Name, content: Content = None, at: str | None = None) -> Self:
        """Commit a file under another path, and with another content if there is one."""
        mode, before = self._files[self.branch_name][os.fsencode(old)]
        after = before if content is None else _bytes(content)
        self._commit({os.fsencode(old): (mode, None), os.fsencode(new): (mode, after)}, at, f"Move {old!r}")
        return self

    def branch(self, name: str) -> Self:
        """Begin a branch here, and commit to it from now on."""
        self._fresh[name] = self.branch_name
        self._files[name] = dict(self._files[self.branch_name])
        self._base[name] = dict(self._files[self.branch_name])
        self.branch_name = name
        return self

    def switch(self, name: str) -> Self:
        """Commit to another branch from now on."""
        self.branch_name = name
        return self

    def merge(self, *names: str, files: Mapping[Name, Content] | None = None, at: str | None = None) -> Self:
        """Merge branches: what changed on them since they began, or were merged last, and then what is told."""
        changes: dict[bytes, tuple[bytes, bytes | None]] = {}
        for name in names:
            theirs, base = self._files[name], self._base[name]
            changes |= {path: theirs[path] for path in theirs if theirs[path] != base.get(path)}
            changes |= {path: (b"", None) for path in base if path not in theirs}
        changes |= {os.fsencode(path): (_MODES["file"], _bytes(content)) for path, content in (files or {}).items()}
        self._commit(changes, at, f"Merge {', '.join(names)}", names)
        self._base |= {name: dict(self._files[name]) for name in names}
        return self

    def _commit(
        self,
        changes: Mapping[bytes, tuple[bytes, bytes | None]],
        at: str | None,
        message: str,
        merged: tuple[str, ...] = (),
    ) -> None:
        name, files = self.branch_name, self._files[self.branch_name]
        self._now = int(datetime.fromisoformat(at).timestamp()) if at else self._now + 3600
        lines = [f"commit refs/heads/{name}", f"author {WHO} {self._now} +0000", f"committer {WHO} {self._now} +0000"]
        self._stream += [f"{line}\n".encode() for line in lines] + [_data(message.encode())]
        if begun := self._fresh.pop(name, None):
            self._stream.append(f"from refs/heads/{begun}\n".encode())
        elif name in self._written:
            self._stream.append(f"from refs/heads/{name}^0\n".encode())
        self._written.discard(name)
        self._stream += [f"merge refs/heads/{other}\n".encode() for other in merged]
        for path, (mode, content) in sorted(changes.items(), key=lambda item: item[1][1] is not None):
            if content is None:
                files.pop(path, None)
                self._stream.append(b"D %s\n" % _quoted(path))
            elif mode == _MODES["module"]:
                self._stream.append(b"M %s %s %s\n" % (mode, content, _quoted(path)))
            else:
                files[path] = mode, content
                self._stream += [b"M %s inline %s\n" % (mode, _quoted(path)), _data(content)]
        self._stream.append(b"\n")

    def _run(self, *arguments: str, input_: bytes | None = None) -> bytes:
        command = ["git", "-C", str(self._directory), *arguments]
        return subprocess.run(command, input=input_, capture_output=True, check=True, env=ENVIRONMENT).stdout


def _bytes(content: Content) -> bytes | None:
    if content is None or isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else f"{json.dumps(content, indent=1)}\n").encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: bytes) -> bytes:
    """Write a path as fast-import reads it: in C's quotes, bytes as octal numbers."""
    plain = {byte for byte in range(32, 127) if byte not in b'"\\'}
    return b'"%s"' % b"".join(bytes([byte]) if byte in plain else b"\\%03o" % byte for byte in path)
