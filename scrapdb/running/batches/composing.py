"""From what a user says to a request: the source is read, its parameters are typed, its outputs get names."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from typing import NamedTuple

from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import ScrapdbError
from scrapdb.files import remote
from scrapdb.running.batches.request import Request
from scrapdb.running.batches.request import Wanted
from scrapdb.running.batches.settings import Settings
from scrapdb.running.kernels.objects import got
from scrapdb.running.rows import grid
from scrapdb.running.rows import names
from scrapdb.running.rows import parameters
from scrapdb.running.rows.parameters import Signature

_NEEDED = ("ipykernel", "nbclient", "papermill", "psutil", "yaml")


class Source(NamedTuple):
    """A notebook that is to be run: its path or URL, what it is now, and the parameters that it takes."""

    notebook: str
    content: bytes
    signature: Signature


def source(notebook: str, kernel: str | None = None) -> Source:
    """Read a notebook that is to be run.

    Raises:
        NotebookNotFoundError: there is no such notebook.
        ScrapdbError: it cannot be read, or what `run` needs is not installed.
    """
    check_installed()
    content = _content(notebook)
    return Source(notebook, content, parameters.of(content, kernel))


def composed(
    source: Source,
    directory: str,
    rows: Sequence[Mapping[str, Any]],
    store: Path,
    settings: Settings,
    *,
    secrets: Mapping[str, str] | None = None,
) -> tuple[Request, list[str]]:
    """Make a request, and sentences of what is to be known about it.

    Args:
        source: the notebook.
        directory: where the outputs go.
        rows: parameters by name, a run each.
        store: where the outputs are indexed.
        settings: how it is executed.
        secrets: further parameters, which are written nowhere.

    Raises:
        UsageError: a setting or a parameter is wrong, missing or unknown; a name leaves the directory or is taken.
        NoWallError: the wall that is demanded cannot be had on this machine.
    """
    signature, secrets = source.signature, dict(secrets or {})
    typed, repeated = grid.distinct([signature.typed(row, secrets, settings.allow) for row in rows])
    outputs = names.outputs(typed, directory, source.notebook, settings.name, signature.defaults)
    request = Request(
        notebook=source.notebook,
        content=source.content,
        directory=directory,
        store=store,
        wanted=tuple(map(Wanted, outputs, typed)),
        secrets=secrets,
        **settings.for_request(),
    )
    return request, [*signature.warnings, *repeated]


def check_installed() -> None:
    """Find out whether all is there that running notebooks needs.

    Raises:
        ScrapdbError: something is not installed.
    """
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise ScrapdbError(f"Running notebooks needs {', '.join(missing)}: pip install 'scrapdb[run]'")


def _content(notebook: str) -> bytes:
    if remote.is_url(notebook):
        return got(notebook)
    try:
        return Path(notebook).read_bytes()
    except FileNotFoundError:
        raise NotebookNotFoundError(f"There is no notebook {notebook}.") from None
    except OSError as error:
        raise ScrapdbError(f"{notebook} cannot be read: {error.strerror}.") from error
