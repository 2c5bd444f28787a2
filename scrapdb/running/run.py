"""`scrapdb.run`: a batch in Python, in a script or in a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.composing import composed
from scrapdb.running.batches.composing import source
from scrapdb.running.batches.retries import DEFAULT_CAUSES
from scrapdb.running.batches.runs import Runs
from scrapdb.running.batches.settings import Settings
from scrapdb.running.events import Stop
from scrapdb.running.rows import grid
from scrapdb.running.task import Limits
from scrapdb.store.connection import DEFAULT_NAME

if TYPE_CHECKING:
    import pandas as pd

_DEFAULT = Limits()
_LISTS = (list, tuple, range)
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
    retry_on: str | Iterable[str] = DEFAULT_CAUSES,
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
        jobs: how many run at the same time; by default two more than there are processors.
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
        cpu: seconds of a processor, for all processes together.
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
    settings = Settings(
        name=name,
        allow=texts(allow),
        jobs=jobs,
        scheduler=scheduler,
        kernel=kernel,
        fresh=fresh,
        resume=resume,
        rerun=rerun,
        retries=retries,
        retry_on=retry_on,
        fail_fast=fail_fast,
        timeout=timeout,
        cell_timeout=cell_timeout,
        start_timeout=start_timeout,
        grace=grace,
        memory=memory,
        cpu=cpu,
        disk=disk,
        max_output=max_output,
        wall=wall,
        network=network,
        read=texts(read),
        beside=texts(beside),
        env=texts(env),
        keep_files=texts(keep_files),
    )
    store = Path(db or os.environ.get("SCRAPDB_DB") or DEFAULT_NAME).expanduser()
    rows = rows_of(parameters, zipped=zipped)
    found = source(os.fspath(notebook), kernel)
    request, warnings = composed(found, os.fspath(output), rows, store, settings, secrets=secrets)
    stop = Stop()
    if audience:
        for warning in warnings:
            audience.warned(warning)
    runs = carry_out(request, audience, stop)
    if stop.interrupted:
        raise KeyboardInterrupt(str(runs))
    return runs


def rows_of(parameters: Any, *, zipped: bool = False) -> list[dict[str, Any]]:
    """Return parameters as rows: a dict is a grid of those of its values that are lists, all else has rows already."""
    if hasattr(parameters, "to_dict"):
        return [*_rows_of_frame(parameters)]
    if parameters is None or isinstance(parameters, Mapping):
        values = (parameters or {}).items()
        return grid.rows(
            {name: value if isinstance(value, _LISTS) else [value] for name, value in values}, zipped=zipped
        )
    return [dict(row) for row in parameters]


def _rows_of_frame(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a DataFrame; a parameter that is missing in one is not given."""
    import pandas as pd

    for row in frame.to_dict("records"):
        given = {str(name): value for name, value in row.items() if isinstance(value, _LISTS) or not pd.isna(value)}
        yield {
            name: value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for name, value in given.items()
        }


def texts(paths: _Path | Sequence[_Path]) -> tuple[str, ...]:
    """Return one path or many as texts."""
    return (os.fspath(paths),) if isinstance(paths, str | os.PathLike) else tuple(os.fspath(path) for path in paths)
