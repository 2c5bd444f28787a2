"""Hostile notebooks, as many as there is time for: a fixed list of them, a huge one, and generated ones."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from proof.trial import Counts
from proof.trial import DisprovedError
from proof.trial import Trial
from tests.hostile.files import Hostile
from tests.hostile.files import fixed
from tests.hostile.files import flipped
from tests.hostile.files import generated
from tests.hostile.files import put
from tests.hostile.files import readable
from tests.hostile.files import unreadable
from tests.hostile.trees import Tree
from tests.notebook_builder import gluing

_HUGE = 300 * 2**20  # bytes of a string
_FRAMES, _NOTEBOOKS = 100, 400  # generated at a time


def prove(trial: Trial) -> Iterator[Counts]:
    """Index directories of hostile files and ask about them; what is wrong with one leaves its directory."""
    more = generated(trial.random)
    for number in trial.rounds():
        files = [*flipped(trial.random, _FRAMES), *islice(more, _NOTEBOOKS)] if number else list(fixed())
        _try_out(files)
        yield Counter({"generated" if number else "fixed": len(files)})
        if not number:
            _try_out_huge(trial.part("huge"))
            yield Counter({"huge": 1})


def _try_out(files: Sequence[Hostile]) -> None:
    directory = Path(tempfile.mkdtemp(prefix="hostile-"))
    tree = Tree(directory, files)
    try:
        tree.index()
        tree.check()
        tree.ask()
        tree.open_frames()
    except Exception as error:
        raise DisprovedError(f"{error!r}; the files are in {directory}") from error
    shutil.rmtree(directory)


def _try_out_huge(directory: Path) -> None:
    """Index a string that is too large, and then allowed."""
    tree = Tree(directory, [unreadable("huge", put(gluing(x="PART"), b'"' + b"x" * _HUGE + b'"'), "too large")])
    tree.index()
    tree.check()
    tree.files = {name: readable(file.name, b"") for name, file in tree.files.items()}
    tree.index(max_bytes=_HUGE + 2**20)
    tree.check()
