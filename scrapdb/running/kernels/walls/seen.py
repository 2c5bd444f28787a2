"""What of the system is seen from behind a wall: programs and libraries, and of /etc what they need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# Of /etc only what a program needs to start, to tell the time and to draw a letter.
_ETC = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "fonts",
    "nsswitch.conf",
    "mime.types",
)
_ETC_OF_NETWORK = ("resolv.conf", "hosts", "ssl", "ca-certificates", "pki", "services")
_ROOT = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # links into /usr, or directories of their own


def etc(*, network: bool) -> Iterator[str]:
    """Yield the paths in /etc."""
    names = (*_ETC, *_ETC_OF_NETWORK) if network else _ETC
    yield from (path for name in names if Path(path := f"/etc/{name}").exists())


def root() -> Iterator[str]:
    """Yield the directories beside /usr."""
    yield from (path for name in _ROOT if Path(path := f"/{name}").exists())
