"""Where notebooks come from: files, and what papermill can read from elsewhere (S3, Azure, Google Cloud, HTTP)."""

from __future__ import annotations

import os
from urllib.parse import urlparse

from scrapdb.errors import NotebookNameError
from scrapdb.errors import ScrapbookException
from scrapdb.errors import UsageError

SUFFIX = ".ipynb"
Version = tuple[int, ...]  # of a file: device, inode, bytes, nanosecond of its last change


def read(path: str) -> tuple[bytes, Version | None]:
    """Read a notebook, and find what changes whenever the file's content does; None for a URL.

    Raises:
        NotebookNameError: the path does not end in .ipynb.
        OSError: the file cannot be read.
        ScrapbookException: it is a URL, and papermill is not installed.
    """
    _check_name(path)
    if "://" not in path:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path takes as long as the reading
            state = os.fstat(file.fileno())
            return file.readall(), (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    _require_papermill(path)
    from papermill.iorw import papermill_io

    text: str = papermill_io.read(path)
    return text.encode(), None


def notebooks_in(directory: str) -> list[str]:
    """List the notebooks in a directory, not those below it, by name.

    Raises:
        OSError: the directory cannot be listed.
        ScrapbookException: it is a URL, and papermill is not installed.
    """
    if "://" not in directory:
        with os.scandir(directory) as entries:
            return sorted(entry.path for entry in entries if entry.name.endswith(SUFFIX) and _is_readable(entry))
    _require_papermill(directory)
    from papermill.iorw import list_notebook_files

    return sorted(list_notebook_files(directory))


def absolute(path: str) -> str:
    """Return a path that holds in every working directory."""
    is_fixed = not path or "://" in path or path.startswith(os.sep)
    return path if is_fixed else os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - a Path takes as long as the reading


def check_writable(path: str) -> None:
    """Refuse a path that cannot be written to.

    Raises:
        UsageError: there is none.
        NotebookNameError: it does not end in .ipynb.
        ScrapbookException: it is a URL.
    """
    if not path:
        raise UsageError("The notebook has no path; name one to save it to.")
    if "://" in path:
        raise ScrapbookException(f"{path} is not a local file; name one to save the notebook to.")
    _check_name(path)


def _check_name(path: str) -> None:
    if not (urlparse(path).path if "://" in path else path).endswith(SUFFIX):
        raise NotebookNameError(f"{path!r} is not a notebook: its name does not end in {SUFFIX}.")


def _is_readable(entry: os.DirEntry[str]) -> bool:
    """Leave out directories and pipes; a link that leads nowhere, or to itself, is a notebook that cannot be read."""
    try:
        return entry.is_file() or (entry.is_symlink() and not entry.is_dir())
    except OSError:
        return True


def _require_papermill(url: str) -> None:
    from importlib.util import find_spec

    if find_spec("papermill") is None:
        raise ScrapbookException(f"{url} is not a local file; to read it, install papermill.")
