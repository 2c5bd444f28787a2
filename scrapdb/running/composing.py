"""From what a user says to a request: the source is read, its parameters are typed, its outputs get names."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import ScrapdbError
from scrapdb.files import remote
from scrapdb.notebooks.scan import MAX_BYTES
from scrapdb.running import grid
from scrapdb.running import names
from scrapdb.running import parameters
from scrapdb.running.request import Request
from scrapdb.running.request import Wanted
from scrapdb.running.settings import Settings

_NEEDED = ("ipykernel", "nbclient", "papermill", "psutil", "yaml")


def composed(
    notebook: str,
    directory: str,
    rows: Sequence[Mapping[str, Any]],
    store: Path,
    settings: Settings,
    *,
    secrets: Mapping[str, str] | None = None,
) -> tuple[Request, list[str]]:
    """Make a request, and sentences of what is to be known about it.

    Args:
        notebook: path or URL of the source.
        directory: where the outputs go.
        rows: parameters by name, a run each.
        store: where the outputs are indexed.
        settings: how it is executed.
        secrets: further parameters, which are written nowhere.

    Raises:
        UsageError: a setting or a parameter is wrong, missing or unknown; a name leaves the directory or is taken.
        NotebookNotFoundError: there is no such notebook.
        ScrapdbError: it cannot be read, or what `run` needs is not installed.
    """
    _check_installed()
    asked, secrets = settings.for_request(), dict(secrets or {})
    content = _content(notebook)
    signature = parameters.of(content, settings.kernel)
    typed, repeated = grid.distinct([signature.typed(row, secrets, settings.allow) for row in rows])
    outputs = names.outputs(typed, directory, notebook, settings.name, signature.defaults)
    wanted = tuple(map(Wanted, outputs, typed))
    request = Request(
        notebook=notebook, content=content, directory=directory, store=store, wanted=wanted, secrets=secrets, **asked
    )
    return request, [*signature.warnings, *repeated]


def _check_installed() -> None:
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise ScrapdbError(f"Running notebooks needs {', '.join(missing)}: pip install 'scrapdb[run]'")


def _content(notebook: str) -> bytes:
    if remote.is_url(notebook):
        read = remote.contents({notebook: MAX_BYTES})[notebook]
        if isinstance(read, Exception):
            raise ScrapdbError(f"{notebook} cannot be read: {remote.reason(read)}.") from read
        return read
    try:
        return Path(notebook).read_bytes()
    except FileNotFoundError:
        raise NotebookNotFoundError(f"There is no notebook {notebook}.") from None
    except OSError as error:
        raise ScrapdbError(f"{notebook} cannot be read: {error.strerror}.") from error
