"""A store is moved with its notebooks: renamed, copied, and through archives."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

from proof import notebooks
from proof.read_only import READING
from proof.running import scrapdb
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from scrapdb.indexing.loop import Progress
from scrapdb.indexing.loop import index
from tests.stores import check
from tests.stores import compare

_NOTEBOOKS = 200


def prove(trial: Trial) -> Iterator[Counts]:
    """Move everything elsewhere, see that all answers are the same, and that nothing is read again."""
    home = trial.part("home")
    notebooks.plant(home / "notebooks", _NOTEBOOKS)
    succeeded(scrapdb("index", home / "notebooks", db=home / "scraps.db"))
    answers = {words: scrapdb(*words, db=home / "scraps.db").out for words in READING}
    for number in trial.rounds():
        away = trial.directory / f"away{number}" / "deeper é 目"
        away.parent.mkdir()
        move, keeps_times = _MOVES[number % len(_MOVES)]
        move(home, away)
        store = away / "scraps.db"
        for words in trial.random.sample(READING, 4):
            claim(scrapdb(*words, db=store).out == answers[words], f"`{words}` answers otherwise after {move.__name__}")
        seen: list[Progress] = []
        summary = index(store, [str(away / "notebooks")], progress=seen.append)
        counts = (summary.added, summary.changed, summary.removed)
        claim(counts == (0, 0, 0), f"After {move.__name__}, index finds {summary}")
        claim(not seen or not keeps_times, f"After {move.__name__}, notebooks are read again: {seen[-1:]}")
        check(store)
        yield Counter({"moves": 1})
        if not home.exists():
            away.rename(home)
        elif keeps_times:
            yield Counter({"rows compared": compare(store, home / "scraps.db")})


def _renamed(home: Path, away: Path) -> None:
    home.rename(away)


def _copied(home: Path, away: Path) -> None:
    shutil.copytree(home, away)


def _tarred(home: Path, away: Path) -> None:
    away.mkdir()
    archive = away.parent / "archive.tar"
    subprocess.run(["tar", "--format=posix", "-cf", archive, "."], cwd=home, check=True)
    subprocess.run(["tar", "-xf", archive], cwd=away, check=True)


def _zipped(home: Path, away: Path) -> None:
    """Zip keeps times to two seconds: files are read once more, and found to be the same."""
    archive = away.parent / "archive.zip"
    subprocess.run([sys.executable, "-m", "zipfile", "-c", archive, "."], cwd=home, check=True)
    shutil.unpack_archive(archive, away)


_MOVES: tuple[tuple[Callable[[Path, Path], None], bool], ...] = (
    (_renamed, True),
    (_copied, True),
    (_tarred, True),
    (_zipped, False),
)
