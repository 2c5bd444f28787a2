"""The key of a service, by which it knows again what it has signed: cookies, forms and links."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from scrapdb.errors import ScrapdbError

NAME = ".scrapdb-service.key"
_BYTES = 32


def of(reports: Path) -> bytes:
    """Return the key that lies beside the ledger; the first who asks for it makes it.

    Raises:
        ScrapdbError: it cannot be read, or is none.
    """
    path = reports / NAME
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise ScrapdbError(f"The key {path} cannot be read or written: {error.strerror}.") from error
    if len(key) != _BYTES:
        raise ScrapdbError(f"{path} is no key; remove it, and a new one is made. All links that were given are lost.")
    return key


def _make(path: Path) -> None:
    """Write a new key whole, unless another is quicker."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()
