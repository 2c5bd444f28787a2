"""Following directories: index, wait for a change below them, and index again, until it is interrupted.

Every change leads to a whole incremental pass, which costs one `stat` a file, and not to an index of the changed files
alone: one set of rules decides what is read and what is gone, and a pass hardly takes longer than opening the store.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.indexing.changes import Summary
from scrapdb.notebooks.scan import SKIPPED
from scrapdb.notebooks.scan import SUFFIX

PATIENCE = 10.0  # seconds since its last change within which a file that ends too early is taken for one being written
_GATHERED_MS = 500  # changes that follow each other this closely lead to one pass
_QUIET_MS = 100  # without a change, and the pass begins
_WAKE_MS = 1_000  # between looks at the roots themselves
_SAFETY_SECONDS = 120.0  # between passes that nothing asked for
_BURST = 1_000  # changes at once from which on some may be lost: Linux queues 16,384 events, several for each file
_POLL_SECONDS = 5.0  # between passes where the system cannot notify

Index = Callable[[list[str]], Summary]
_Places = dict[str, tuple[int, int] | None]  # root: device and inode, None if it is not there


def check(roots: Sequence[str]) -> None:
    """Make sure that some paths can be watched.

    Raises:
        UsageError: watchfiles is not installed, or one is a list or a glob, or does not exist.
    """
    if find_spec("watchfiles") is None:
        raise UsageError("--watch needs watchfiles, which is not installed: `pip install 'scrapdb[watch]'`.")
    for root in roots:
        if not Path(root).exists():
            raise UsageError(f"There is no file or directory {root} to watch. Lists, globs and URLs cannot be watched.")


def watch(store: Path, roots: Sequence[str], index: Index, summary: Summary) -> Iterator[Summary | str]:
    """Index some paths after every change, for ever.

    Args:
        store: the database file, whose own changes do not count.
        roots: directories and notebooks.
        index: indexes those of the roots that exist.
        summary: what the last index did.

    Yields:
        What a pass did that changed something, and sentences on what went wrong.
    """
    with _heard() as interrupts:
        for news in _followed(store, roots, index, summary):
            if news:
                yield news
            if interrupts:
                raise KeyboardInterrupt


def _followed(store: Path, roots: Sequence[str], index: Index, summary: Summary) -> Iterator[Summary | str | None]:
    """Do as `watch`, and yield None whenever there is nothing to tell: at least every few seconds."""
    passes = _Passes(index, summary)
    places = _places(roots)
    while True:
        before, places = places, _places(roots)
        yield from _moves(before, places)
        present = [root for root in roots if places[root]]
        if not present:
            time.sleep(_WAKE_MS / 1000)
            yield None
            continue
        passes.due = True  # for what happened before the watch began
        for news in _wakes(present, store):
            yield news if isinstance(news, str) else passes.take(present, changed=news)
            if passes.surprised or _places(roots) != places:
                break


@contextmanager
def _heard() -> Iterator[list[int]]:
    """Yield what becomes a list of all interrupts: the exception of one that comes in a `__del__`, Python drops."""
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        signal.default_int_handler(number, frame)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # and not ignored, as in the background of a shell
        signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


class _Passes:
    """When the next pass is due, and whether it found anything new."""

    def __init__(self, index: Index, last: Summary) -> None:
        self.due = False
        self.surprised = False  # by changes that nothing told of: what tells of them has missed a directory
        self._index = index
        self._last = last
        self._ended = self._rest = 0.0

    def take(self, roots: list[str], *, changed: bool) -> Summary | str | None:
        """Index if it is time to; passes take at most half of the time."""
        rested = time.monotonic() - self._ended
        self.due |= changed or bool(self._last.unfinished)
        self.surprised = False
        if rested < self._rest or not (self.due or rested > _SAFETY_SECONDS):
            return None
        began = time.monotonic()
        try:
            summary = self._index(roots)
        except ScrapdbError as error:
            self.due, self._ended, self._rest = True, time.monotonic(), _POLL_SECONDS
            return f"{error} It is tried again in {_POLL_SECONDS:.0f} seconds."
        self._ended = time.monotonic()
        self._rest = self._ended - began
        news = _is_news(summary, self._last)
        self._last = summary
        self.due, self.surprised = False, news and not self.due
        return summary if news else None


def _wakes(roots: Sequence[str], store: Path) -> Iterator[bool | str]:
    """Yield at least once a second whether something changed; ends when it has to begin anew.

    watchfiles does not tell that the system's queue overflowed. What was lost then may have been new directories, which
    nothing watches, so that a new watch has to find them.
    """
    from watchfiles import Change
    from watchfiles import watch as changes_below

    ignored = str(store.resolve())
    real = [str(Path(root).resolve()) for root in roots]
    try:
        watched = changes_below(
            *real,
            watch_filter=None,
            debounce=_GATHERED_MS,
            step=_QUIET_MS,
            rust_timeout=_WAKE_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        for changes in watched:
            yield any(_matters(path, ignored) for _, path in changes)
            is_lost = any((Change.deleted, root) in changes for root in real)  # even if there is one in its place
            if is_lost or len(changes) >= _BURST:
                return
    except FileNotFoundError:
        time.sleep(_WAKE_MS / 1000)
    except (OSError, RuntimeError) as error:
        yield f"The system does not tell of changes ({error}); looking every {_POLL_SECONDS:.0f} seconds instead."
        while True:
            time.sleep(_POLL_SECONDS)
            yield True


def _matters(path: str, store: str) -> bool:
    """Return whether a change can concern a notebook: directories can, and what is gone may have been one."""
    if path.startswith(store) or not SKIPPED.isdisjoint(Path(path).parts):
        return False
    return path.endswith(SUFFIX) or not Path(path).is_file()


def _is_news(summary: Summary, last: Summary) -> bool:
    changed = summary.added or summary.changed or summary.removed
    return bool(changed) or (summary.failed, summary.errors) != (last.failed, last.errors)


def _places(roots: Sequence[str]) -> _Places:
    places: _Places = dict.fromkeys(roots)
    for root in roots:
        with suppress(OSError):
            state = Path(root).stat()
            places[root] = (state.st_dev, state.st_ino)
    return places


def _moves(before: _Places, after: _Places) -> Iterator[str]:
    for root, place in after.items():
        if before[root] and not place:
            yield f"{root} is gone. Its notebooks stay in the store; it is watched again when it is back."
        elif place and not before[root]:
            yield f"{root} is back."
