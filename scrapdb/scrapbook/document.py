"""A notebook as its file's bytes and as nbformat's node, either of which may be changed; which stay in memory."""

from __future__ import annotations

import copy
import json
import os
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any
from typing import TypeVar
from weakref import WeakMethod

from scrapdb import errors
from scrapdb.notebooks import ipynb
from scrapdb.scrapbook import sources

MOST_HELD = 128 * 2**20  # bytes of files; what a directory has beyond them is read again when it is asked for

T = TypeVar("T")


class Document:
    """The content of a notebook: read when it is asked for, and from then on what it was.

    Args:
        path: the path or URL of a file; of a node, empty.
        node: a notebook of nbformat, in place of a file.
        shelf: that of a directory, which may ask to let the content go; it is then read again, if need be.

    Raises:
        As `content`, where anything is asked.
    """

    def __init__(self, path: str, node: Any = None, *, shelf: Shelf | None = None) -> None:
        self.path = path
        self._file = sources.absolute(path)  # whatever becomes of `path`, and of the working directory
        self._shelf = shelf
        self._content: bytes | None = None  # as it stands, unless `node` was changed
        self._saved: bytes | None = None  # as the file was when it was read or written
        self._version: sources.Version | None = None  # of the file that was read; None if it cannot be read again
        self._derived: dict[str, Any] = {}
        if node is not None:
            self._content = b""
            self.node = node

    def check(self) -> None:
        """Find out whether it is a notebook; of one on a shelf nothing is kept, until it is asked for.

        Raises:
            OSError: the file cannot be read.
            ScrapbookException: it is not a notebook.
        """
        content, version = self._read_file()
        if not (self._shelf and version):
            self._keep(content, version)
        if not ipynb.is_sound(content):
            self._decoded(ipynb.read, content)

    @cached_property
    def node(self) -> Any:
        """The notebook as nbformat has it; another one after each edit."""
        return self._parsed()

    def copy(self) -> Document:
        """Return a copy, which may be changed without changing this one."""
        copied = Document(self.path, copy.deepcopy(self.node))
        copied._content, copied._saved = self._content, self._saved
        return copied

    def read(self, reader: Callable[[bytes], T]) -> T:
        """Decode it as it stands; it is not kept, since keeping thousands of them costs more than decoding one."""
        return self._decoded(reader, self.content)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` computes from the content; it is kept until that is edited or let go."""
        if name not in self._derived:
            self._derived[name] = make()
        derived: T = self._derived[name]
        return derived

    @property
    def content(self) -> bytes:
        """The notebook's JSON; changes to `node` count.

        Raises:
            OSError: the file cannot be read.
            NotebookChangedError: it was read, let go, and changed.
        """
        return json.dumps(self.node).encode() if "node" in self.__dict__ else self._held()

    def let_go(self) -> None:
        """Forget the content, if the file has it still for all we know, and nobody has the node to change it."""
        if self._version and "node" not in self.__dict__:
            self._content = self._saved = None
            self._derived.clear()

    def edit(self, change: Callable[[bytes], bytes]) -> None:
        """Change the notebook's JSON.

        Raises:
            ScrapbookException: it is not a notebook.
            EditError, ScrapNotFoundError, UsageError: as `change`, with the path.
        """
        try:
            self._content = self._decoded(change, self._source())
            self._version = None
        except (errors.EditError, errors.ScrapNotFoundError, errors.UsageError) as error:
            raise type(error)(f"{self.path or 'The notebook'} cannot be edited. {error}") from error
        self.__dict__.pop("node", None)
        self._derived.clear()

    def save(self, path: str | None) -> bool:
        """Write it to a file, by default to its own; result and errors are those of `Notebook.save`."""
        from scrapdb.files.replace import replace

        target = self.path if path is None else path
        sources.check_writable(target)
        content = self._source()
        if os.path.realpath(target) != os.path.realpath(self.path):
            replace(target, None, content)
            return True
        if content == self._saved:
            return False
        replace(target, self._saved, content)
        self._saved = content
        return True

    def _source(self) -> bytes:
        """Return what is written to the file: byte for byte what was read and edited, unless `node` was changed."""
        if "node" not in self.__dict__:
            return self._held()
        content = self._held()
        if content and json.dumps(self.node) == json.dumps(self._parsed()):
            return content
        import nbformat

        return f"{nbformat.writes(self.node)}\n".encode()

    def _parsed(self) -> Any:
        import nbformat

        content = self._held()
        return nbformat.reads(content.decode(json.detect_encoding(content)), as_version=ipynb.FORMAT)

    def _held(self) -> bytes:
        content = self._content
        if content is None:
            content, version = self._read_file()
            if self._version not in (None, version):
                raise errors.NotebookChangedError(
                    f"{self.path} was changed since it was read, and let go. Read it again."
                )
            self._keep(content, version)
        return content

    def _read_file(self) -> tuple[bytes, sources.Version | None]:
        try:
            return sources.read(self._file)
        except OSError as error:
            if error.filename == self._file:
                error.filename = self.path  # as its user knows it
            raise

    def _keep(self, content: bytes, version: sources.Version | None) -> None:
        self._content = self._saved = content
        self._version = version
        if self._shelf:
            self._shelf.hold(self.let_go, len(content))

    def _decoded(self, reader: Callable[[bytes], T], content: bytes) -> T:
        try:
            return reader(content)
        except ipynb.UnreadableError as error:
            raise errors.ScrapbookException(f"{self.path or 'The notebook'} cannot be read. {error}") from error


class Shelf:
    """What the notebooks of a directory share.

    Args:
        limit: how many bytes of files stay in memory; of those that were read first, the content is let go.
    """

    def __init__(self, limit: int = MOST_HELD) -> None:
        self.limit = limit
        self._held: deque[tuple[WeakMethod[Callable[[], None]], int]] = deque()
        self._size = 0

    def hold(self, let_go: Callable[[], None], size: int) -> None:
        """Count bytes that were read, until the method of their owner gives them up; there is always room for one."""
        self._held.append((WeakMethod(let_go), size))
        self._size += size
        while self._size > self.limit and len(self._held) > 1:
            oldest, freed = self._held.popleft()
            self._size -= freed
            if give_up := oldest():
                give_up()

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled empty: the content is its owners'."""
        return Shelf, (self.limit,)


def document(source: Any) -> Document:
    """Return the content of a path or URL, or of a notebook of nbformat; errors are those of `Document.check`."""
    if isinstance(source, Document):
        return source
    if not isinstance(source, str | os.PathLike):
        return Document("", source)
    opened = Document(os.fspath(source))
    opened.check()
    return opened
