"""A store that may only be read: by permissions, and on a file system without writing."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from proof import notebooks
from proof.running import Run
from proof.running import is_root
from proof.running import refused
from proof.running import scrapdb
from proof.running import start
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import NotRunError
from proof.trial import Trial
from proof.trial import claim

_NOTEBOOKS = 300
_ASKED = 4  # commands in a round; those that meet a log left by a killed process wait some seconds for it
READING: tuple[tuple[str, ...], ...] = (
    ("query", "generation = 0", "-c", "notebook,label,list", "--json"),
    ("query", "--count"),
    ("query", "label ~ '^g' and list[0] >= 0"),
    ("fields",),
    ("show", "20"),
    ("show", "20", "large"),
    ("show", "21", "chart"),
    ("frame", "large", "--where", "number < 100"),
    ("frame", "small"),
    ("sql", "SELECT notebook, number FROM runs ORDER BY 1"),
    ("check", "number >= 0", "--where", "number is not null"),
    ("du",),
    ("du", "--by", "notebook"),
    ("problems",),
)
_LOOKING_BACK = (
    ("query", "generation = 0", "-c", "notebook,nb.version,label,list", "--versions"),
    ("query", "generation = 0", "-c", "notebook,label,list", "--as-of", "now()"),
    ("query", "streak(generation = 0) > 0", "-c", "notebook,previous(label)"),
    ("history", "20", "label"),
    ("frame", "large", "--versions"),
)
_WRITING = (("optimize",), ("gc",))
_WHY = ("may not be written", "cannot be opened", "Permission denied", "Read-only file system", "cannot be read")


def prove(trial: Trial) -> Iterator[Counts]:
    """Ask everything of stores that may not be written, and see that not a byte of them changes."""
    if not is_root():
        raise NotRunError("only root can act as somebody else")
    root = notebooks.plant(trial.part("made") / "notebooks", _NOTEBOOKS)
    store = root.parent / "scraps.db"
    succeeded(scrapdb("index", root, "--keep", db=store))
    answers = {words: succeeded(scrapdb(*words, db=store)).out for words in (*READING, *_LOOKING_BACK)}
    harms = list(product((_directory, _file, _hidden_sidecars, _file_system), (False, True)))
    trial.random.shuffle(harms)
    for number in trial.rounds():
        directory = trial.directory / f"round{number}"
        shutil.copytree(store.parent, directory)
        harm, logged = harms[number % len(harms)]
        if logged:
            _leave_a_log(directory / store.name, directory / "notebooks")
        as_nobody = harm is not _file_system
        harm(directory)
        try:
            yield _ask(trial, directory / store.name, {} if logged else answers, as_nobody=as_nobody)
        finally:
            if not as_nobody:
                subprocess.run(["umount", directory], check=True)
            shutil.rmtree(directory)


def _ask(trial: Trial, store: Path, answers: dict[tuple[str, ...], str], *, as_nobody: bool) -> Counts:
    """Run each command, and see that an answer is the right one, a refusal has a reason, and nothing has changed."""
    before = _state(store.parent)
    counts: Counts = Counter()
    for words in trial.random.sample((*READING, *_LOOKING_BACK), _ASKED):
        run = scrapdb(*words, db=store, as_nobody=as_nobody)
        counts.update(_judged(run, answers.get(words)))
    for words in (*_WRITING, ("index", str(store.parent / "notebooks"), "--force", "--workers", "1")):
        refused(scrapdb(*words, db=store, as_nobody=as_nobody), *_WHY)
        counts["refused with a reason"] += 1
    changed = {path for path, state in _state(store.parent).items() ^ before.items()}
    claim(not changed, f"Commands that may not write have changed {sorted(map(str, changed))}")
    return counts


def _judged(run: Run, answer: str | None) -> Counts:
    if run.code:
        refused(run, *_WHY)
        return Counter({"refused with a reason": 1})
    claim(answer is None or run.out == answer, f"`{run.command}` answers otherwise:\n{run.out[:500]}\n{run.err}")
    return Counter({"answered": 1})


def _state(directory: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.rglob("*") if path.is_file()}


def _leave_a_log(store: Path, root: Path) -> None:
    """Kill an indexer, so that a write-ahead log is left."""
    process = start("index", "--force", root, db=store)
    while process.poll() is None and not _has_log(store):
        pass
    process.kill()
    process.wait()


def _has_log(store: Path) -> bool:
    log = store.with_name(f"{store.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _directory(directory: Path) -> None:
    """Nobody but its owner may write into the directory, or the files."""
    directory.chmod(0o755)


def _file(directory: Path) -> None:
    """Everybody may write into the directory, nobody may write the files."""
    directory.chmod(0o777)
    for path in directory.glob("scraps.db*"):
        path.chmod(0o755 if path.is_dir() else 0o444)


def _hidden_sidecars(directory: Path) -> None:
    """Only their owner may read the sidecars."""
    (directory / "scraps.db-frames").chmod(0o700)


def _file_system(directory: Path) -> None:
    """The file system may not be written, not even by root."""
    subprocess.run(["mount", "--bind", directory, directory], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
