"""What stands at the place of an output before it is executed, and whether that makes a run needless.

The record that a runner left there tells it. Of an output of plain papermill its cells do: they have the code that was
run, and papermill's metadata the parameters that were given.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from scrapdb.facts import Facts
from scrapdb.files.remote import is_url
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.read import read
from scrapdb.running.batches.retries import named
from scrapdb.running.batches.retries import words
from scrapdb.running.kernels import objects
from scrapdb.running.rows.parameters import hashed
from scrapdb.store.readers.executions import Attempt

WELL = frozenset({"completed", "skipped"})
BADLY = ("failed", "timed out", "killed", "lost", "cancelled")


class Previous(NamedTuple):
    """What is known of an output: how its run ended and when, of which code and with which parameters, as hashes."""

    state: str
    ended_at: str | None = None
    code: str | None = None
    parameters: str | None = None


class Decision(NamedTuple):
    """Whether a run begins, and in a few words why or why not."""

    runs: bool
    why: str


def previous(output: str) -> Previous | None:
    """Read what stands at the place of an output; None if nothing does."""
    facts = _facts(output)
    if facts is None:
        return None
    if record := facts.execution:
        return Previous(facts.status, record.ended_at, record.code_hash, record.parameters_hash)
    papermill = (facts.metadata or {}).get("papermill")
    given = papermill.get("parameters") if isinstance(papermill, dict) else None
    known = hashed(given) if isinstance(given, dict) else None
    return Previous(facts.status, facts.ended_at, facts.code_hash, known)


def always(output: str) -> Decision:
    """Decide without `--resume` and `--rerun`: everything runs."""
    return _begin("replaces what is there" if not is_url(output) and Path(output).exists() else "new")


def resumed(found: Previous | None, code: str | None, parameters: str) -> Decision:
    """Decide for `--resume`: a run is passed over if the same has ended well before.

    Args:
        found: what stands there.
        code: hash of the code that is to run.
        parameters: hash of the parameters that it is to get.
    """
    if found is None:
        return _begin("new")
    if found.state not in WELL:
        return _begin(f"it is {found.state}")
    if found.code != code:
        return _begin("its code has changed")
    if found.parameters != parameters:
        return _begin("its parameters have changed")
    return _pass(f"{found.state}, and nothing has changed")


def rerun(found: Previous | None, last: Attempt | None, wanted: Collection[str]) -> Decision:
    """Decide for `--rerun`: what ended otherwise, or was never to run, is passed over.

    Args:
        found: what stands there.
        last: the last attempt of which the store knows: one that was cancelled before it began has left no output.
        wanted: the states of what runs again.
    """
    is_later = found is not None and last is not None and (found.ended_at or "") > (last.ended_at or "")
    latest = found if last is None or is_later else last
    if latest is None:
        return _pass("it never ran")
    why = f"it is {latest.state}"
    return _begin(why) if latest.state in wanted else _pass(why)


def states(listed: str | Iterable[str]) -> frozenset[str]:
    """Read the states of `--rerun`: a list, or a text such as `lost,timed-out`. `failed` is all that did not end well.

    Raises:
        UsageError: it names something else.
    """
    known = {named(word, BADLY) for word in words(listed)}
    return frozenset(BADLY if "failed" in known else known)


def _facts(output: str) -> Facts | None:
    if not is_url(output):
        return read(output).facts if Path(output).exists() else None
    content = objects.found(output)
    return None if content is None else read_facts(content)


def _begin(why: str) -> Decision:
    return Decision(runs=True, why=why)


def _pass(why: str) -> Decision:
    return Decision(runs=False, why=why)
