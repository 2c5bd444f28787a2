"""Finding notebook files: directories, files, globs and URLs to candidates, with one `stat` each or one listing."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.files.paths import identity
from scrapdb.files.paths import located
from scrapdb.text import composed
from scrapdb.text import valid_text

SUFFIX = ".ipynb"
MAX_BYTES = 256 * 2**20  # of a file; one that is larger is not read
_LOCAL = "file://"
SKIPPED = frozenset({".ipynb_checkpoints", ".git", ".hg", ".svn", "__pycache__"})
_ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A file to look at. `size` and `mtime_ns` are None, and `reason` says why, if it cannot be read as a file.

    Of an object at a URL, `file` and `path` are the URL, and what its listing does not tell is None.
    """

    file: str
    path: str
    size: int | None
    mtime_ns: int | None
    reason: str | None = None
    etag: str | None = None


class _Listing(NamedTuple):
    """The names in a directory that matter, each kind in order; a link may lead to a notebook or to a directory."""

    notebooks: list[str]
    directories: list[str]
    links: list[str]
    is_environment: bool


class Scan:
    """One pass over named paths; afterwards it tells which directories it has listed.

    What it remembers grows with directories, links and named files, not with the notebooks that a directory holds.

    Args:
        base: directory of the store, as a real path.
        exclude: globs of names or of paths below the named directory that are passed over.
    """

    def __init__(self, base: str, exclude: Sequence[str] = ()) -> None:
        self.base = base
        self.exclude = tuple(map(composed, exclude))
        self.listed: set[str] = set()
        self.listed_urls: list[str] = []
        self.errors: list[str] = []
        self._walked: set[str] = set()
        self._left_out: set[str] = set()
        self._elsewhere: set[str] = set()
        self._urls: set[str] = set()

    def directory_tree(self, root: str, *, vouch: bool) -> Iterator[Candidate]:
        """Find the notebooks below a directory, but for those that links lead to, which `linked` finds.

        Args:
            root: the directory.
            vouch: whether what is missing there is gone (the directory was named), or only not of interest now.
        """
        top = os.path.realpath(root)
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            if directory in self._walked:
                continue
            try:
                listing = _listing(directory)
            except OSError as error:
                self.errors.append(f"The directory {directory} cannot be listed: {error.strerror}.")
                continue
            if listing.is_environment and directory != top:
                continue
            self._walked.add(directory)
            if vouch:
                self.listed.add(directory)
            if self.exclude:
                listing = self._without_excluded(listing, directory, directory.removeprefix(top).lstrip("/"))
            directories = [os.path.join(directory, name) for name in listing.directories if name not in SKIPPED]
            yield from self._notebooks(listing.notebooks, directory, directories)
            yield from self._links(listing.links, directory, directories)
            waiting += sorted(directories, reverse=True)

    def add_file(self, path: str) -> None:
        """Remember one file for `linked`, which finds it unless something else does before."""
        self._elsewhere.add(os.path.realpath(path))

    def linked(self) -> Iterator[Candidate]:
        """Find the files that were named, or that a link leads to, and that were not found where they are.

        This comes last, when it is known where all else was found.
        """
        for real in sorted(self._elsewhere):
            directory, name = os.path.split(real)
            if directory not in self._walked or not name.endswith(SUFFIX) or real in self._left_out:
                yield _candidate(real, identity(real, self.base))

    def below_url(self, url: str, *, vouch: bool) -> Iterator[Candidate]:
        """Find the notebooks below a URL, or the one that it names, or those that it matches.

        Args:
            url: what fsspec understands.
            vouch: whether what is missing there is gone (the URL was named), or was listed by someone else.

        Raises:
            UsageError: nothing is there, or it cannot be reached with what is installed, and the URL was named.
        """
        try:
            objects = remote.listing(url, SUFFIX)
        except ScrapdbError as error:
            if vouch and isinstance(error, UsageError):
                raise
            self.errors.append(str(error))
            return
        if vouch and "*" not in url:
            self.listed_urls.append(f"{url.rstrip('/')}/")
        for object_ in sorted(objects):
            if object_.url not in self._urls and not self.excludes_way_to(object_.below):
                self._urls.add(object_.url)
                size, mtime_ns, etag = object_.size, object_.mtime_ns, object_.etag
                yield Candidate(object_.url, valid_text(object_.url), size, mtime_ns, etag=etag)

    def excludes(self, path: str) -> bool:
        """Return whether a path, relative to the directory that was named, is to be passed over."""
        path = composed(path)  # in which spelling a name is listed depends on the file system
        name = os.path.basename(path)
        return any(fnmatchcase(name, pattern) or fnmatchcase(path, pattern.rstrip("/")) for pattern in self.exclude)

    def excludes_way_to(self, below: str) -> bool:
        """Return whether a path, or one of the directories on the way to it, is to be passed over."""
        parts = below.split("/")
        return not SKIPPED.isdisjoint(parts) or any(
            self.excludes("/".join(parts[:end])) for end in range(1, len(parts) + 1)
        )

    def gone(self, path: str, os_path: bytes | None) -> bool:
        """Return whether a notebook of the store no longer exists.

        Only if its directory, or the nearest one above that still exists, was listed without error in this pass. About
        one at a URL, see `gone_urls`.
        """
        if remote.is_url(path):
            return False
        real = located(path, os_path, self.base)
        if os.path.lexists(real):
            return False
        directory = os.path.dirname(real)
        while directory not in self.listed:
            above = os.path.dirname(directory)
            if above == directory or os.path.lexists(directory):
                return False
            directory = above
        return True

    def gone_urls(self, paths: Iterable[str]) -> list[str]:
        """Return the notebooks that no longer exist: those below a URL that was listed, where each is asked for."""
        listed = tuple(self.listed_urls)
        gone, errors = remote.gone(path for path in paths if path.startswith(listed)) if listed else ([], [])
        self.errors += errors
        return gone

    def _without_excluded(self, listing: _Listing, directory: str, below: str) -> _Listing:
        def kept(names: list[str]) -> list[str]:
            return [name for name in names if not self.excludes(os.path.join(below, name))]

        notebooks = kept(listing.notebooks)
        self._left_out.update(os.path.join(directory, name) for name in {*listing.notebooks} - {*notebooks})
        return listing._replace(notebooks=notebooks, directories=kept(listing.directories), links=kept(listing.links))

    def _notebooks(self, names: Iterable[str], directory: str, directories: list[str]) -> Iterator[Candidate]:
        """Look at the files of a directory; those that turn out to be directories are put to the others."""
        here = os.path.join(directory, "")
        prefix = identity(here, self.base)
        for name in names:
            real = here + name
            candidate = _candidate(real, prefix + name if name.isascii() else identity(real, self.base))
            if candidate.reason and os.path.isdir(real):
                directories.append(real)
            else:
                yield candidate

    def _links(self, names: Iterable[str], directory: str, directories: list[str]) -> Iterator[Candidate]:
        """Follow links; one that leads nowhere stands for itself."""
        for name in names:
            link = os.path.join(directory, name)
            if os.path.isdir(link):
                if name not in SKIPPED:
                    directories.append(os.path.realpath(link))
            elif name.endswith(SUFFIX):
                if os.path.exists(link):
                    self.add_file(link)
                else:
                    yield _candidate(link, identity(link, self.base))


def scan(walk: Scan, roots: Iterable[str], *, names: Iterable[str] = ()) -> Iterator[Candidate]:
    """Find the notebooks of named paths.

    Args:
        walk: the pass that remembers what was listed.
        roots: directories, files, globs and URLs; they are looked for at once, before the first candidate is taken.
        names: files that were listed by someone else; one that is missing is an error, and the rest goes on.

    Raises:
        UsageError: a root does not exist, or no file matches a glob.
    """
    roots = [root.removeprefix(_LOCAL) for root in roots]
    matches = [match for root in roots if not remote.is_url(root) for match in _matches(root)]
    at_urls = [candidate for url in filter(remote.is_url, roots) for candidate in walk.below_url(url, vouch=True)]
    return chain(_local(walk, matches), at_urls, _named(walk, names), walk.linked())


def _local(walk: Scan, matches: Iterable[tuple[str, bool]]) -> Iterator[Candidate]:
    for path, named in sorted(matches, key=lambda match: not match[1]):  # what is named vouches for what is gone
        if os.path.isdir(path):
            yield from walk.directory_tree(path, vouch=named)
        elif named or not walk.excludes(path):
            walk.add_file(path)


def _named(walk: Scan, names: Iterable[str]) -> Iterator[Candidate]:
    for name in (name.removeprefix(_LOCAL) for name in names):
        if remote.is_url(name):
            yield from walk.below_url(name, vouch=False)
        elif os.path.isdir(name):
            yield from walk.directory_tree(name, vouch=False)
        elif os.path.exists(name):
            walk.add_file(name)
        else:
            walk.errors.append(f"There is no file {name}.")


def _matches(root: str) -> list[tuple[str, bool]]:
    """Return the paths that a root stands for, and whether it names them itself."""
    if os.path.exists(root):
        return [(root, True)]
    if not glob.has_magic(root):
        raise UsageError(f"There is no file or directory {root}.")
    paths = [path for path in sorted(glob.glob(root, recursive=True)) if path.endswith(SUFFIX) or os.path.isdir(path)]
    if not paths:
        raise UsageError(f"No notebook matches {root}.")
    return [(path, False) for path in paths]


def _listing(directory: str) -> _Listing:
    notebooks, directories, links, is_environment = [], [], [], False
    with os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name
            is_environment = is_environment or name in _ENVIRONMENT_MARKS
            if entry.is_symlink():
                links.append(name)
            elif name.endswith(SUFFIX):
                notebooks.append(name)
            elif entry.is_dir():
                directories.append(name)
    return _Listing(sorted(notebooks), sorted(directories), sorted(links), is_environment)


def _candidate(real: str, path: str) -> Candidate:
    try:
        state = os.stat(real)
    except OSError as error:
        return Candidate(real, path, None, None, f"It cannot be looked at: {error.strerror}.")
    if not stat.S_ISREG(state.st_mode):
        return Candidate(real, path, None, None, "It is not a file.")
    return Candidate(real, path, state.st_size, state.st_mtime_ns)
