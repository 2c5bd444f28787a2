"""The database is damaged: by chance, in its pages, its log or its length."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from proof import notebooks
from proof.read_only import READING
from proof.running import Run
from proof.running import scrapdb
from proof.running import start
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests.stores import check
from tests.stores import compare

_NOTEBOOKS = 300
_ASKED = 5  # commands in a round
_PAGE = 4096  # bytes
_REFUSALS = ("is damaged", "is not a", "not a store", "newer scrapdb")  # by what the header says, if that is damaged


def prove(trial: Trial) -> Iterator[Counts]:
    """Damage a copy of a store, ask and index; then index into a new file and compare."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    sound = trial.directory / "sound.db"
    succeeded(scrapdb("index", root, db=sound))
    answers = {words: scrapdb(*words, db=sound).out for words in READING}
    logged = _logged(trial, sound, root)
    harms = trial.random.sample(_HARM, len(_HARM))
    for number in trial.rounds():
        directory = trial.part(f"round{number}")
        harm, original = harms[number % len(harms)]
        store = directory / "scraps.db"
        _copy(logged if original == "logged" else sound, store)
        harm(store, trial)
        tells = _tells(store)
        for words in trial.random.sample(READING, _ASKED):
            yield _judged(scrapdb(*words, db=store), answers[words], tells=tells)
        run = scrapdb("index", root, db=store)
        claim(run.code == 0 or any(words in run.err for words in _REFUSALS), f"{harm.__name__}: {run.err}")
        yield Counter({"stores damaged": 1})
        shutil.rmtree(directory)
    recovered = trial.directory / "recovered.db"
    succeeded(scrapdb("index", root, db=recovered))
    check(recovered)
    yield Counter({"rows compared": compare(recovered, sound)})


def _judged(run: Run, answer: str, *, tells: bool) -> Counts:
    """Sort the answers: right, refused, or wrong though SQLite sees nothing wrong, or though it would."""
    if run.code:
        claim(run.code == 1, f"`{run.command}` blames its user: {run.err}")
        return Counter({"refused with a sentence": 1})
    if run.out == answer:
        return Counter({"right answers": 1})
    return Counter({f"wrong answers that only `integrity_check` {'finds' if tells else 'might find'}": 1})


def _tells(store: Path) -> bool:
    """Ask SQLite whether a store, of which it reads every page, is damaged; in a copy, which it may mend."""
    copy = store.with_name("copy.db")
    _copy(store, copy)
    try:
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes  # what it tells of damage may be damaged, too
            return connection.execute("PRAGMA integrity_check").fetchall() != [(b"ok",)]
    except sqlite3.Error:
        return True


def _logged(trial: Trial, sound: Path, root: Path) -> Path:
    """Make a store with a log, by killing an indexer."""
    logged = trial.directory / "logged.db"
    _copy(sound, logged)
    log = _log(logged)
    process = start("index", "--force", root, db=logged)
    while process.poll() is None and not (log.exists() and log.stat().st_size > _PAGE * 10):
        pass
    process.kill()
    process.wait()
    return logged


def _copy(store: Path, target: Path) -> None:
    for path in store.parent.glob(f"{store.name}*"):
        copied = target.with_name(target.name + path.name.removeprefix(store.name))
        shutil.copytree(path, copied) if path.is_dir() else shutil.copyfile(path, copied)


def _log(store: Path) -> Path:
    return store.with_name(f"{store.name}-wal")


def _overwrite(path: Path, trial: Trial, size: int, first: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(trial.random.randrange(first, max(first + 1, path.stat().st_size - size)))
        file.write(trial.random.randbytes(size))


def _some_bytes(store: Path, trial: Trial) -> None:
    for _ in range(trial.random.choice((1, 10, 100))):
        _overwrite(store, trial, 8, first=100)


def _a_page(store: Path, trial: Trial) -> None:
    page = trial.random.randrange(1, store.stat().st_size // _PAGE)
    with store.open("r+b") as file:
        file.seek(page * _PAGE)
        file.write(trial.random.choice((trial.random.randbytes(_PAGE), bytes(_PAGE))))


def _exchanged_pages(store: Path, trial: Trial) -> None:
    content = bytearray(store.read_bytes())
    one, two = (trial.random.randrange(1, len(content) // _PAGE) * _PAGE for _ in range(2))
    content[one : one + _PAGE], content[two : two + _PAGE] = content[two : two + _PAGE], content[one : one + _PAGE]
    store.write_bytes(content)


def _truncated(store: Path, trial: Trial) -> None:
    os.truncate(store, trial.random.randrange(1, store.stat().st_size))


def _the_header(store: Path, trial: Trial) -> None:
    with store.open("r+b") as file:
        file.seek(trial.random.randrange(100))
        file.write(trial.random.randbytes(2))


def _the_schema(store: Path, trial: Trial) -> None:
    with store.open("r+b") as file:
        file.seek(trial.random.randrange(100, _PAGE * 4))
        file.write(trial.random.randbytes(16))


def _no_log(store: Path, _: Trial) -> None:
    _log(store).unlink(missing_ok=True)


def _a_damaged_log(store: Path, trial: Trial) -> None:
    _overwrite(_log(store), trial, 64)


def _a_truncated_log(store: Path, trial: Trial) -> None:
    os.truncate(_log(store), trial.random.randrange(_log(store).stat().st_size))


def _garbage_as_shared_memory(store: Path, trial: Trial) -> None:
    store.with_name(f"{store.name}-shm").write_bytes(trial.random.randbytes(32768))


_HARM: tuple[tuple[Callable[[Path, Trial], None], str], ...] = (
    (_some_bytes, "sound"),
    (_a_page, "sound"),
    (_exchanged_pages, "sound"),
    (_truncated, "sound"),
    (_the_header, "sound"),
    (_the_schema, "sound"),
    (_no_log, "logged"),
    (_a_damaged_log, "logged"),
    (_a_truncated_log, "logged"),
    (_garbage_as_shared_memory, "logged"),
    (_garbage_as_shared_memory, "sound"),
)
