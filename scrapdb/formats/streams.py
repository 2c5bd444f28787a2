"""Where text and bytes go: to a file that is there when it is complete, or to standard output, be it a terminal."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from typing import Any
from typing import BinaryIO

from scrapdb.errors import ScrapdbError
from scrapdb.files.whole import whole_file
from scrapdb.formats.values import escaped_but_lines


def print_text(text: str, to: Path | None = None) -> None:
    """Write a text as it is, to a file or to standard output; on a terminal its control characters are escaped."""
    with text_stream(to) as stream:
        stream.write(text)


@contextmanager
def text_stream(to: Path | None) -> Iterator[Any]:
    """Yield a stream of text; on a terminal its control characters are escaped."""
    if to is None or _is_stdout(to):
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield _Terminal(sys.stdout) if sys.stdout.isatty() else sys.stdout
        return
    with (
        whole_file(to) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        yield _Terminal(stream) if stream.isatty() else stream


@contextmanager
def binary_stream(to: Path | None) -> Iterator[BinaryIO]:
    """Yield a stream of bytes.

    Raises:
        ScrapdbError: the file cannot be written, or it is a terminal.
    """
    if to is None or _is_stdout(to):
        if sys.stdout.isatty():
            raise ScrapdbError("Bytes are not for a terminal; write them to a file with -o FILE.")
        yield sys.stdout.buffer
        return
    with whole_file(to) as temporary, temporary.open("wb") as stream:
        yield stream


class _Terminal:
    """A stream that is a terminal: control characters but line ends and tabs are escaped."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(escaped_but_lines(text))


def _is_stdout(to: Path) -> bool:
    """Return whether a file is standard output, by whatever name: it must not be replaced under whoever reads it."""
    try:
        return os.path.samestat(to.stat(), os.fstat(1))
    except OSError:
        return False
