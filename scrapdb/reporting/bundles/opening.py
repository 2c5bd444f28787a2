"""A bundle is opened: a directory, a zip or a URL of a zip is read whole. Nothing of it is written anywhere.

Who wrote it is not trusted. Names that could lead out of a directory, or mean two files where case or accents do not
count, are refused; so are links, devices, and more than the limits, which are counted while reading and not believed.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from pathlib import PurePosixPath
from typing import IO

from scrapdb.errors import BundleError
from scrapdb.files import remote
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import TEMPLATE
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.text import has_surrogates

MOST_FILES, MOST_BYTES, MOST_OF_A_FILE = 1_000, 64 << 20, 16 << 20
_MOST_ENTRIES = 10 * MOST_FILES  # with those that are left out
_LONGEST = 240  # characters of a path: it has to fit below the directory of a report, too
_ENTRY = b"PK\x01\x02"  # with which each of them begins
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LEFT_OUT = frozenset({"__pycache__", "__MACOSX"})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # zipfile unpacks others without any bound
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can say


def opened(where: str) -> Bundle:
    """Open a bundle.

    Args:
        where: path of a directory or a zip, or the URL of a zip.

    Raises:
        BundleError: it is none, holds what a bundle must not, or its config.json is wrong.
        ScrapdbError: there is nothing at the URL, or it cannot be read.
    """
    files, name = contents(where)
    return made(files, where, name)


def contents(where: str) -> tuple[dict[str, bytes], str]:
    """Read the files of what may be a bundle, and how it would be called.

    Raises:
        BundleError, ScrapdbError: as `opened`, but for what is in the files.
    """
    if remote.is_url(where):
        return _of_zip(_downloaded(where), where), PurePosixPath(where.partition("?")[0]).stem
    path = Path(os.path.realpath(os.path.expanduser(where)))  # noqa: PTH111 - pathlib's fails for an unknown user
    if path.is_dir():
        return of_directory(path, where), path.name
    if not path.exists():
        raise BundleError(f"There is no bundle at {where}. `scrapdb report new {where}` begins one.")
    return _of_zip(of_file(path, where), where), Path(where).stem


def unpacked(content: bytes, where: str, name: str) -> Bundle:
    """Open a bundle in a zip, be it at the top or in a directory of its own.

    Args:
        content: the zip.
        where: path or URL that sentences name.
        name: what the bundle is called.

    Raises:
        BundleError: as `opened`.
    """
    return made(_of_zip(content, where), where, name)


def packed(bundle: Bundle) -> bytes:
    """Return a bundle as a zip: the same bytes for the same files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(bundle.files.items()):
            entry = zipfile.ZipInfo(path, _LONG_AGO)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def hashed(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of paths and contents."""
    total = hashlib.sha256()
    for path, content in sorted(files.items()):
        total.update(f"{hashlib.sha256(content).hexdigest()} {path}\n".encode())
    return total.hexdigest()


def made(files: dict[str, bytes], where: str, name: str) -> Bundle:
    """Return a bundle of its files.

    Raises:
        BundleError: they are none.
    """
    if config.FILE not in files:
        raise BundleError(f"{where} has no {config.FILE}, so it is no bundle. `scrapdb report new DIR` begins one.")
    if TEMPLATE not in files:
        what = "" if NOTEBOOK in files else f" nor {NOTEBOOK}"
        raise BundleError(f"{where} has no {TEMPLATE}{what}, of which a page is made. Add it.")
    try:
        said = config.read(files[config.FILE])
    except BundleError as error:
        raise BundleError(f"{where}: {error}") from error
    return Bundle(name=name, where=where, config=said, files=dict(sorted(files.items())), hash=hashed(files))


def _downloaded(url: str) -> bytes:
    system, key = remote.file_system(url)
    with remote.sentences(url, "read"), system.open(key, "rb") as file:
        return _whole(file, url)


def of_file(path: Path, where: str) -> bytes:
    """Read one file.

    Args:
        path: the file.
        where: what sentences call it.

    Raises:
        BundleError: it is none, cannot be read, or is larger than a bundle may be.
    """
    with _regular(path, where) as file:
        return _whole(file, where)


def _whole(file: IO[bytes], where: str) -> bytes:
    content = bytearray()
    while len(content) <= MOST_BYTES and (part := file.read(MOST_BYTES + 1 - len(content))):
        content += part  # of which a server gives as much as it has
    if len(content) > MOST_BYTES:
        raise BundleError(f"{where} has more than {_mb(MOST_BYTES)}, the most that a bundle may have.")
    return bytes(content)


def of_directory(top: Path, where: str) -> dict[str, bytes]:
    """Read all files of a directory, by path below it.

    Args:
        top: the directory.
        where: what sentences call it.

    Raises:
        BundleError: it holds what a bundle must not.
    """
    found = {path.relative_to(top).as_posix(): path for path in _walk(top, where)}
    _check_names(where, found)
    files: dict[str, bytes] = {}
    inodes: dict[str, os.stat_result] = {}
    left = MOST_BYTES
    for name, path in found.items():
        files[name], inodes[name] = _content(_inside(top, path, where, name), f"{where}/{name}", left)
        left -= len(files[name])
    _check_hard_links(inodes, where)
    return files


def _walk(top: Path, where: str) -> Iterator[Path]:
    """Yield the files of a directory but what no bundle holds."""
    waiting, left = [top], _MOST_ENTRIES
    while waiting:
        for entry in sorted(_listed(waiting.pop(), where, left), key=lambda each: each.name):
            left -= 1
            if _is_left_out(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            else:
                yield Path(entry.path)


def _listed(directory: Path, where: str, most: int) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            listed = list(itertools.islice(entries, most + 1))
    except OSError as error:
        raise BundleError(f"{where} cannot be read: {directory.name}: {error.strerror}.") from error
    if len(listed) > most:
        raise _too_many(where)
    return listed


def _is_left_out(name: str) -> bool:
    """Return whether a file or directory is none of a bundle: it is hidden, or a tool or a run has left it there."""
    return name.startswith(".") or name in _LEFT_OUT or name.endswith(".files")


def _inside(top: Path, path: Path, where: str, name: str) -> Path:
    """Return the path of a file with links followed, which must not lead out."""
    if not path.is_symlink():
        return path
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(top):
        raise BundleError(f"{where}/{name} is a link that leads out of the bundle. Copy the file in its place.")
    return real


def _content(path: Path, named: str, left: int) -> tuple[bytes, os.stat_result]:
    with _regular(path, named) as file:
        return _bounded(file, named, left), os.fstat(file.fileno())


@contextmanager
def _regular(path: Path, named: str) -> Iterator[IO[bytes]]:
    """Open a file if it is one: a pipe would never end, nor would some devices."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise BundleError(f"{named} is no file: a pipe, a device, or a link to a directory. Remove it.")
        # Should it have become a pipe since then, nobody waits for who would write into it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            yield file
    except OSError as error:
        raise BundleError(f"{named} cannot be read: {error.strerror}.") from error


def _bounded(file: IO[bytes], named: str, left: int) -> bytes:
    content = file.read(min(MOST_OF_A_FILE, left) + 1)
    if len(content) > MOST_OF_A_FILE:
        raise BundleError(f"{named} has more than {_mb(MOST_OF_A_FILE)}, the most that a file of a bundle may have.")
    if len(content) > left:
        raise BundleError(f"{named} is beyond the {_mb(MOST_BYTES)} that a bundle may have in all. Leave files out.")
    return content


def _check_hard_links(inodes: Mapping[str, os.stat_result], where: str) -> None:
    """Refuse a file that has a name outside, too: whoever made the link may not be able to read it, as we are."""
    known = Counter((state.st_dev, state.st_ino) for state in inodes.values())
    for name, state in inodes.items():
        if state.st_nlink > known[state.st_dev, state.st_ino]:
            raise BundleError(f"{where}/{name} is a hard link to a file outside of the bundle. Copy it in its place.")


def _of_zip(content: bytes, where: str) -> dict[str, bytes]:
    if content.count(_ENTRY) > _MOST_ENTRIES:  # before as many objects are made of them
        raise _too_many(where)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = _of_entries(archive, where)
    except _DAMAGED as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise BundleError(f"{where} cannot be unpacked: {said}. A bundle is a directory or a zip of one.") from error
    tops = {path.partition("/")[0] for path in files}
    if len(tops) == 1 and not {config.FILE, TEMPLATE} & tops:
        files = {path.partition("/")[2]: each for path, each in files.items()}
    return files


def _of_entries(archive: zipfile.ZipFile, where: str) -> dict[str, bytes]:
    entries = archive.infolist()
    for entry in entries:
        _check_entry(entry, where)
    chosen = [entry for entry in entries if not entry.is_dir() and not _is_aside(entry.filename)]
    _check_names(where, [entry.filename for entry in chosen])
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for entry in chosen:
        with archive.open(entry) as file:
            files[entry.filename] = _bounded(file, f"{where}/{entry.filename}", left)
        left -= len(files[entry.filename])
    return files


def _is_aside(name: str) -> bool:
    return any(map(_is_left_out, name.split("/")))


def _check_entry(entry: zipfile.ZipInfo, where: str) -> None:
    name = shown(entry.orig_filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if reason := _wrong_name(entry.orig_filename.removesuffix("/")):
        raise BundleError(f"{where} holds {name}, {reason}. Pack it anew: `cd BUNDLE && zip -r ../bundle.zip .`.")
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise BundleError(f"{where} holds {name}, which is a link or a device. Pack the file itself.")
    if entry.flag_bits & _ENCRYPTED:
        raise BundleError(f"{where} holds {name} encrypted. Pack it without a password.")
    if entry.compress_type not in _METHODS:
        raise BundleError(f"{where} holds {name} compressed otherwise than by deflate. Pack it as `zip -r` does.")


def _check_names(where: str, names: Collection[str]) -> None:
    """Refuse names that lead elsewhere, and two that some file systems take for one."""
    if len(names) > MOST_FILES:
        raise _too_many(where)
    spelled: dict[str, str] = {}
    for name in names:
        if reason := _wrong_name(name):
            raise BundleError(f"{where} holds {shown(name)}, {reason}. Rename it.")
        parts = name.split("/")
        for path in ("/".join(parts[: end + 1]) for end in range(len(parts))):
            other = spelled.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
            if other != path:
                raise BundleError(f"{where} holds {shown(other)} and {shown(path)}, which many systems take for one.")
    counted = Counter([*names])
    directories = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    for name in names:
        if counted[name] > 1 or name in directories:
            raise BundleError(f"{where} holds {shown(name)} twice. Pack it anew.")


def _wrong_name(name: str) -> str:
    """Return what is wrong with the name of a file in a bundle, empty if nothing is."""
    if name.startswith("/") or _DRIVE.match(name):
        return "an absolute path"
    if "\\" in name or _CONTROL.search(name) or has_surrogates(name):
        return "whose name has a backslash or a character that nobody sees"
    if len(name) > _LONGEST:
        return f"a path of more than {_LONGEST} characters"
    if ".." in name.split("/"):
        return "a path that leads out of the bundle"
    return "a path with empty parts" if {"", "."} & {*name.split("/")} else ""


def shown(name: str) -> str:
    """Write a name in a sentence, where it can do no harm."""
    name = name if len(name) <= _LONGEST else f"{name[:40]}…"
    return repr(name) if not name.isprintable() or "\\" in name else name


def _too_many(where: str) -> BundleError:
    return BundleError(f"{where} has more than {MOST_FILES:,} files, the most that a bundle may have. Leave some out.")


def _mb(size: int) -> str:
    return f"{size >> 20} MB"
