"""A notebook as its file's bytes and as nbformat's node, either of which may be changed."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from functools import cached_property
from typing import Any

from scrapdb.errors import EditError
from scrapdb.errors import ScrapbookException
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import UsageError
from scrapdb.notebooks import ipynb
from scrapdb.scrapbook import sources


class Document:
    """The content of a notebook.

    Args:
        path: the path or URL of a file; of a node, empty.
        node: a notebook of nbformat, in place of a file.

    Raises:
        NotebookNameError: the path does not end in .ipynb.
        OSError: the file cannot be read.
        ScrapbookException: it is not a notebook.
    """

    def __init__(self, path: str, node: Any = None) -> None:
        self.path = path
        self._content = b""  # as it stands, unless `node` was changed
        self._saved: bytes | None = None  # as the file was when it was read or written
        if node is None:
            self._content = self._saved = sources.content(path)
            if not ipynb.is_sound(self._content):
                self.read()
        else:
            self.node = node

    @cached_property
    def node(self) -> Any:
        """The notebook as nbformat has it; another one after each edit."""
        return self._parsed()

    def copy(self) -> Document:
        """Give a document of its own."""
        copied = Document(self.path, copy.deepcopy(self.node))
        copied._content, copied._saved = self._content, self._saved
        return copied

    def read(self, reader: Callable[[bytes], ipynb.Notebook] = ipynb.read) -> ipynb.Notebook:
        """Decode it as it stands; it is not kept, since keeping thousands of them costs more than decoding one.

        Raises:
            ScrapbookException: it is not a notebook.
        """
        try:
            return reader(self.content)
        except ipynb.UnreadableError as error:
            raise self._unreadable(error) from error

    @property
    def content(self) -> bytes:
        """The notebook's JSON; changes to `node` count."""
        return json.dumps(self.node).encode() if "node" in self.__dict__ else self._content

    def edit(self, change: Callable[[bytes], bytes]) -> None:
        """Change the notebook's JSON.

        Raises:
            ScrapbookException: it is not a notebook.
            EditError, ScrapNotFoundError, UsageError: as `change`, with the path.
        """
        try:
            self._content = change(self._source())
        except ipynb.UnreadableError as error:
            raise self._unreadable(error) from error
        except (EditError, ScrapNotFoundError, UsageError) as error:
            raise type(error)(f"{self.path or 'The notebook'} cannot be edited. {error}") from error
        self.__dict__.pop("node", None)

    def save(self, path: str | None) -> bool:
        """Write it to a file, by default to its own; result and errors are those of `Notebook.save`."""
        from scrapdb.notebooks.replace import replace

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
        """Give what is written to the file: byte for byte what was read and edited, unless `node` was changed."""
        if "node" not in self.__dict__:
            return self._content
        if self._content and json.dumps(self.node) == json.dumps(self._parsed()):
            return self._content
        import nbformat

        return f"{nbformat.writes(self.node)}\n".encode()

    def _parsed(self) -> Any:
        import nbformat

        text = self._content.decode(json.detect_encoding(self._content))
        return nbformat.reads(text, as_version=ipynb.FORMAT)

    def _unreadable(self, error: ipynb.UnreadableError) -> ScrapbookException:
        return ScrapbookException(f"{self.path or 'The notebook'} cannot be read. {error}")


def document(source: Any) -> Document:
    """Give the content of a path or URL, or of a notebook of nbformat; errors are those of `Document`."""
    if isinstance(source, Document):
        return source
    return Document(os.fspath(source)) if isinstance(source, str | os.PathLike) else Document("", source)
