"""`scrapdb.run`: a batch in Python, in a script or in a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.running import previous
from scrapdb.running import retries as again
from scrapdb.running.audience import Audience
from scrapdb.running.batch import carry_out
from scrapdb.running.composing import composed
from scrapdb.running.events import Stop
from scrapdb.running.grid import rows
from scrapdb.running.runs import Runs
from scrapdb.running.task import Confines
from scrapdb.running.task import Limits
from scrapdb.running.units import duration
from scrapdb.running.units import size
from scrapdb.store.connection import DEFAULT_NAME

if TYPE_CHECKING:
    import pandas as pd

_DEFAULT = Limits()
_Path = str | os.PathLike[str]


def run(
    notebook: _Path,
    output: _Path,
    parameters: Mapping[str, Any] | Iterable[Mapping[str, Any]] | pd.DataFrame | None = None,
    *,
    name: str | None = None,
    zipped: bool = False,
    db: _Path | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    rerun: str | Iterable[str] = (),
    retries: int = 0,
    retry_on: str | Iterable[str] = again.DEFAULT_CAUSES,
    fail_fast: bool = False,
    timeout: float | str | None = None,
    cell_timeout: float | str | None = None,
    start_timeout: float | str = _DEFAULT.start_timeout,
    grace: float | str = _DEFAULT.grace,
    memory: float | str | None = None,
    cpu: float | str | None = None,
    disk: float | str | None = None,
    max_output: float | str | None = _DEFAULT.output,
    wall: str | None = None,
    network: bool = False,
    read: Sequence[_Path] = (),
    beside: Sequence[_Path] = (),
    env: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
    allow: Sequence[str] = (),
    keep_files: Sequence[str] = (),
    kernel: str | None = None,
    fresh: bool = False,
    audience: Audience | None = None,
) -> Runs:
    """Execute a notebook with many parameters, at the same time and each behind a wall, and index each run as it ends.

    What a notebook does is no error here: how each run ended is in what is returned.

    Args:
        notebook: path or URL of the source.
        output: directory of the executed notebooks.
        parameters: `{"symbol": ["AAA", "BBB"], "length": 100}` runs every combination; a list of dicts or a DataFrame
            has a run in each row.
        name: pattern of the names of the executed notebooks: `"{symbol}.ipynb"`.
        zipped: whether the first values of all parameters belong together, the second, and so on.
        db: the store; by default `$SCRAPDB_DB`, else scraps.db here.
        jobs: how many run at the same time; by default one per processor.
        scheduler: address of a scheduler of dask.distributed whose workers execute them.
        resume: whether to pass over runs that ended well before, of the same code with the same parameters.
        rerun: states of the only runs to run, which ran before: `failed` for all that did not end well.
        retries: how often a run is tried again.
        retry_on: after which ends: `lost`, `timed out`, `not ready`, `failed` or `killed`.
        fail_fast: whether none begins after one that did not end well.
        timeout: seconds, or a text such as `"5m"`, for a run.
        cell_timeout: the same for a cell.
        start_timeout: the same for a kernel to answer.
        grace: the same between an interrupt and the end.
        memory: bytes, or a text such as `"2GB"`, for all processes of a run.
        cpu: seconds of a processor for each process.
        disk: bytes for a file, and for all that is written.
        max_output: bytes of output that are kept of a run.
        wall: `bubblewrap`, `landlock`, `limits` or `none`; by default the best there is.
        network: whether the network can be reached.
        read: paths that can be read, beside the system and Python.
        beside: files and directories that are seen in the run's directory.
        env: names of variables of our environment that are handed on.
        secrets: further parameters by name, which are written nowhere.
        allow: names of parameters that are given openly, although they look like secrets.
        keep_files: globs of files to keep beside the executed notebook.
        kernel: name of a kernelspec, in place of the notebook's.
        fresh: whether each kernel is a new process that has imported nothing.
        audience: is told how it goes.

    Raises:
        UsageError: an argument is wrong; nothing was started.
        ScrapdbError: the notebook cannot be read, the store cannot be written, or another runner is at work there.
        KeyboardInterrupt: it was interrupted; what had begun is recorded.
    """
    stop = Stop()
    request, warnings = composed(
        os.fspath(notebook),
        os.fspath(output),
        rows_of(parameters, zipped=zipped),
        Path(db or os.environ.get("SCRAPDB_DB") or DEFAULT_NAME).expanduser(),
        name=name,
        secrets=secrets,
        allow=allow,
        kernel=kernel,
        limits=Limits(
            memory=_size(memory),
            cpu=None if cpu is None else int(duration(cpu)),
            disk=_size(disk),
            timeout=_duration(timeout),
            cell_timeout=_duration(cell_timeout),
            start_timeout=duration(start_timeout),
            grace=duration(grace),
            output=_size(max_output),
        ),
        confines=Confines(
            wall=wall,
            network=network,
            read=tuple(map(os.fspath, read)),
            beside=tuple(map(os.fspath, beside)),
            env=handed_on(env),
        ),
        fresh=fresh,
        keep_files=tuple(keep_files),
        jobs=jobs,
        scheduler=scheduler,
        resume=resume,
        rerun=previous.states(_listed(rerun)),
        retries=again.Retries(retries, again.causes(_listed(retry_on))),
        fail_fast=fail_fast,
    )
    for warning in warnings if audience else ():
        audience.warned(warning)
    runs = carry_out(request, audience, stop)
    if stop.interrupted:
        raise KeyboardInterrupt(str(runs))
    return runs
