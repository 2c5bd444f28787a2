"""The keys with which a service signs what it hands out, and the signer for each purpose.

They are in the variable `SCRAPDB_SERVICE_KEY`, the newest first if there are several, or else in a file beside the
ledger that only its owner reads. What one purpose has signed is worth nothing for another.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer

NAME, VARIABLE = ".scrapdb-service.key", "SCRAPDB_SERVICE_KEY"
_SHORTEST = 32  # characters
_OTHERS = 0o077  # bits of a mode


def serializer(reports: Path, purpose: str) -> URLSafeTimedSerializer:
    """Return what signs for a purpose, and reads again what it has signed.

    Raises:
        ScrapdbError: there are no keys, or others can read them.
    """
    from itsdangerous import URLSafeTimedSerializer

    oldest_first = list(reversed(keys(reports)))
    return URLSafeTimedSerializer(oldest_first, salt=f"scrapdb report {purpose}")


def keys(reports: Path) -> list[str]:
    """Return the keys, the newest first; a file of one is made if there is none.

    Raises:
        UsageError: a key of the environment is too short.
        ScrapdbError: the file cannot be read or made, or others can read it.
    """
    if given := re.split(r"[\s,]+", os.environ.get(VARIABLE, "").strip()):
        if any(len(key) < _SHORTEST for key in given if key):
            raise UsageError(f"A key in {VARIABLE} is too short: take {_SHORTEST} characters or more, by chance.")
        if found := [key for key in given if key]:
            return found
    path = reports / NAME
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & _OTHERS:
            raise ScrapdbError(f"Others can read the key in {path}: `chmod 600 {path}`, or delete it for a new one.")
        content = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeError) as error:
        raise ScrapdbError(f"The key in {path} cannot be read or made: {error}.") from error
    if not content or any(len(key) < _SHORTEST for key in content):
        raise ScrapdbError(f"{path} holds no key; delete it for a new one.")
    return content


def _make(path: Path) -> None:
    """Make a key, whole or not at all, unless another process was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(48)}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
