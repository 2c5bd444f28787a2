"""What a batch is asked to do, and what of it is to run. Nothing is started or written here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import NamedTuple

from scrapdb.facts import Report
from scrapdb.notebooks.extract import read_facts
from scrapdb.running.batches import attempts
from scrapdb.running.batches import previous
from scrapdb.running.batches.retries import Retries
from scrapdb.running.rows.parameters import hashed
from scrapdb.running.task import Work


class Wanted(NamedTuple):
    """A run that is asked for: the path or URL of its output, its typed parameters, and the report it is run for."""

    output: str
    parameters: dict[str, Any]
    report: Report | None = None


class Request(Work, frozen=True, kw_only=True):
    """A batch that is asked for, complete and checked: what its runs have in common, and the rest.

    Args:
        directory: where the outputs go.
        store: where they are indexed.
        wanted: the runs.
        jobs: how many run at once; None for two more than there are processors.
        scheduler: address of a scheduler whose workers execute them; None for this machine.
        resume: whether to pass over those that ended well and have not changed.
        rerun: states of those that run, if only such are to.
        retries: which of them are tried again.
        fail_fast: whether none begins after one that did not end well.
        watched: whether it is said if the notebook changes meanwhile; it may be no file of its own.
        runner: the file that whoever runs it has locked, if not the directory; nobody else may write to its outputs.
    """

    directory: str
    store: Path
    wanted: tuple[Wanted, ...]
    jobs: int | None = None
    scheduler: str | None = None
    resume: bool = False
    rerun: frozenset[str] = frozenset()
    retries: Retries = Retries()
    fail_fast: bool = False
    watched: bool = True
    runner: str | None = None

    @property
    def code_hash(self) -> str | None:
        """The hash of its code, as the store has it."""
        return read_facts(self.content).code_hash


def decided(request: Request) -> Iterator[tuple[Wanted, previous.Decision]]:
    """Yield each run that is asked for, and whether it is to begin.

    Raises:
        StoreError: the store cannot be read.
    """
    code = request.code_hash if request.resume else None
    last = attempts.last(request.store, (wanted.output for wanted in request.wanted)) if request.rerun else {}
    for wanted in request.wanted:
        if request.resume:
            yield wanted, previous.resumed(previous.previous(wanted.output), code, hashed(wanted.parameters))
        elif request.rerun:
            yield wanted, previous.rerun(previous.previous(wanted.output), last.get(wanted.output), request.rerun)
        else:
            yield wanted, previous.always(wanted.output)
