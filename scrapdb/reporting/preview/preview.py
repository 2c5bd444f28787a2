"""A bundle in a browser: made again on every save, by a server that is gone when it is told to end."""

from __future__ import annotations

import errno
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from threading import Thread
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.reporting.making.batch import Host
from scrapdb.reporting.preview.desk import Desk
from scrapdb.reporting.preview.remaking import Remaking
from scrapdb.reporting.preview.serving import ADDRESS
from scrapdb.reporting.preview.serving import Server
from scrapdb.reporting.preview.shown import Choice
from scrapdb.running.batches.settings import Settings
from scrapdb.running.kernels import servers

_DEBOUNCE, _STEP = 300, 30  # milliseconds: a save is several changes, one shortly after the other


@contextmanager
def opened(
    where: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    language: str | None = None,
    port: int = 0,
    settings: Settings | None = None,
    token: str | None = None,
) -> Iterator[Server]:
    """Make a bundle's report whenever it changes, and yield the server that shows it, which listens already.

    Args:
        where: path of the bundle.
        parameters: by name, with which it begins.
        language: in which it begins; by default the first that the bundle has.
        port: where it listens; 0 takes any that is free.
        settings: how the notebook runs; what is None there the bundle says.
        token: what issues its token, a command or the name of a plugin.

    Raises:
        UsageError: it cannot be watched.
        ScrapdbError: there is no bundle, or the port is taken.
    """
    _check(where)
    first = Choice(language or "", dict(parameters or {}))
    with TemporaryDirectory(prefix="scrapdb-preview-") as directory, servers.used():
        host = Host(Path(directory, "reports"), Path(directory, "scraps.db"), settings or Settings(), token=token)
        desk = Desk(Remaking(where, first, host))
        with _listening(desk, port) as server, desk.open(), _watched(where, desk.changed):
            yield server


def _check(where: str) -> None:
    if remote.is_url(where):
        raise UsageError(f"{where} is a URL, whose changes nobody tells of; download it, and name the directory.")
    if not Path(where).exists():
        raise ScrapdbError(f"There is no bundle at {where}. `scrapdb report new {where}` begins one.")
    if find_spec("watchfiles") is None:
        raise UsageError("A preview needs watchfiles, which is not installed: `pip install 'scrapdb[report]'`.")


@contextmanager
def _listening(desk: Desk, port: int) -> Iterator[Server]:
    try:
        server = Server(desk, port)
    except OSError as error:
        why = "is taken; name another with --port" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise ScrapdbError(f"Port {port} of {ADDRESS} {why}.") from error
    with server:
        yield server


@contextmanager
def _watched(where: str, changed: Callable[[], None]) -> Iterator[None]:
    """Tell of changes of a bundle until the end of the block."""
    over = Event()
    thread = Thread(target=_watch, args=(Path(where).resolve(), changed, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(bundle: Path, changed: Callable[[], None], over: Event) -> None:
    from watchfiles import DefaultFilter
    from watchfiles import watch

    ignored = DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, ".ipynb_checkpoints"))
    of_bundle = ignored if bundle.is_dir() else lambda change, path: Path(path) == bundle and ignored(change, path)
    watched = watch(
        bundle if bundle.is_dir() else bundle.parent,
        watch_filter=of_bundle,
        debounce=_DEBOUNCE,
        step=_STEP,
        stop_event=over,
        rust_timeout=200,
        recursive=bundle.is_dir(),
        raise_interrupt=False,
    )
    for _ in watched:
        changed()
