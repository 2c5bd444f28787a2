"""A batch in a file: `scrapdb run batch.yaml` does what it says.

`Batch` is the one table of what can stand there: it reads files, and `schema` publishes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from typing import Any

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from scrapdb.errors import UsageError
from scrapdb.running.batches import said
from scrapdb.running.rows import grid
from scrapdb.running.rows import units

_Time = int | float | str | None
_Size = int | float | str | None
_Texts = tuple[str, ...] | None


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run may use; times are seconds or a text like `5m`, sizes bytes or a text like `2GB`."""

    timeout: Annotated[_Time, Meta(description="Time of a run.")] = None
    cell_timeout: Annotated[_Time, Meta(description="Time of a cell.")] = None
    start_timeout: Annotated[_Time, Meta(description="Time in which the kernel has to answer first.")] = None
    grace: Annotated[_Time, Meta(description="Time between interrupt and end.")] = None
    memory: Annotated[_Size, Meta(description="Size of all processes of a run together.")] = None
    cpu: Annotated[_Time, Meta(description="Time of a processor, for all processes together.")] = None
    disk: Annotated[_Size, Meta(description="Size of a file, and of all that a run writes.")] = None
    max_output: Annotated[_Size, Meta(description="Size of the output that is kept of a run.")] = None


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"beside": "with"}):
    """How notebooks are executed. Paths are relative to the file."""

    jobs: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="How many run at the same time.")] = None
    kernel: Annotated[str | None, Meta(description="Name of the kernel to run with.")] = None
    fresh: Annotated[bool | None, Meta(description="Whether each kernel is a process that has imported nothing.")] = (
        None
    )
    retries: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="How often a run is tried again.")] = None
    retry_on: Annotated[str | list[str] | None, Meta(description="Ends after which it is tried again.")] = None
    fail_fast: Annotated[bool | None, Meta(description="Whether none begins after one that did not end well.")] = None
    limits: Annotated[BatchLimits, Meta(description="What a run may use.")] = BatchLimits()
    wall: Annotated[str | None, Meta(description="The wall that is demanded: bubblewrap, landlock, limits, none.")] = (
        None
    )
    network: Annotated[bool | None, Meta(description="Whether a run reaches the network.")] = None
    read: Annotated[_Texts, Meta(description="Paths that a run can read, beside the system and Python.")] = None
    beside: Annotated[_Texts, Meta(description="Files and directories that a run finds in its own directory.")] = None
    env: Annotated[_Texts, Meta(description="Names of variables of the environment that a run sees.")] = None

    @property
    def settings(self) -> dict[str, Any]:
        """Those of `running.settings.Settings` that it says, by name."""
        named = {name: getattr(self, name) for name in Way.__struct_fields__ if name != "limits"}
        return {name: value for name, value in (named | asdict(self.limits)).items() if value is not None}

    def located(self, base: Path) -> dict[str, tuple[str, ...]]:
        """Return its paths, by name, relative to the working directory."""
        lists = {"read": self.read, "beside": self.beside}
        return {name: tuple(said.located(path, base) for path in paths) for name, paths in lists.items() if paths}


class Batch(Way, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"beside": "with"}):
    """What `scrapdb run` is told. Paths are relative to the file."""

    notebook: Annotated[str, Meta(description="Path or URL of the notebook to run.")]
    output: Annotated[str | None, Meta(description="Directory or URL of the executed notebooks.")] = None
    parameters: Annotated[
        dict[str, Any],
        Meta(description="Values by name; a list has a run for each of its values, in all combinations."),
    ] = {}
    zip: Annotated[bool, Meta(description="Whether the first values belong together, the second, and so on.")] = False
    rows: Annotated[
        str | list[dict[str, Any]] | None,
        Meta(description="A run for each row: rows themselves, a file of them, or `sql:SELECT …` of the store."),
    ] = None
    for_each: Annotated[
        str | None, Meta(description="A run for each notebook of the store for which this expression holds.")
    ] = None
    db: Annotated[str | None, Meta(description="Path of the store.")] = None
    name: Annotated[str | None, Meta(description="How to name the outputs: `{symbol}.ipynb`.")] = None
    secrets: Annotated[
        tuple[str, ...], Meta(description="Names of parameters whose values come from the environment.")
    ] = ()
    allow: Annotated[_Texts, Meta(description="Names of parameters that look like secrets, and are none.")] = None
    resume: Annotated[bool | None, Meta(description="Whether to pass over what has ended well, unchanged.")] = None
    rerun: Annotated[str | list[str] | None, Meta(description="States of the only runs to run again.")] = None
    scheduler: Annotated[str | None, Meta(description="Address of a scheduler of dask.distributed.")] = None
    keep_files: Annotated[_Texts, Meta(description="Globs of the files that are kept beside the output.")] = None

    @property
    def values(self) -> dict[str, list[Any]]:
        """The values of each parameter, for `grid.rows`."""
        return {name: value if isinstance(value, list) else [value] for name, value in self.parameters.items()}

    @property
    def settings(self) -> dict[str, Any]:
        """Those of `running.settings.Settings` that it says, by name."""
        named = {name: getattr(self, name) for name in _SETTINGS}
        return super().settings | {name: value for name, value in named.items() if value is not None}

    def table(self, store: Path | None = None) -> list[dict[str, Any]] | None:
        """Return its rows, be they in a file or in the store; None if it has none.

        Raises:
            UsageError, StoreError: as `grid.read`.
        """
        return grid.read(self.rows, store) if isinstance(self.rows, str) else self.rows


_SETTINGS = ("name", "allow", "resume", "rerun", "scheduler", "keep_files")  # of a batch alone


def is_batch(path: str) -> bool:
    """Return whether what is to be run is a batch file and no notebook."""
    return path.lower().endswith(said.SUFFIXES)


def read(path: Path) -> Batch:
    """Read a batch file.

    Raises:
        UsageError: it cannot be read, or says something wrong; the sentence names the place.
    """
    batch = said.read(path, Batch, {"limits": BatchLimits}, "A batch")
    check_limits(path, batch.limits)
    if batch.rows is not None and batch.for_each is not None:
        raise UsageError(f"{path}: rows come from `rows` or from the store by `for_each`; name one.")
    return _resolved(batch, path.parent)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a batch file."""
    return said.schema(Batch, "A batch of scrapdb run")


def check_limits(path: Path, limits: BatchLimits) -> None:
    """Find out whether limits are times and sizes.

    Raises:
        UsageError: one is none; the sentence names the place.
    """
    for name, amount in asdict(limits).items():
        try:
            if amount is not None:
                (units.size if name in {"memory", "disk", "max_output"} else units.duration)(amount)
        except UsageError as error:
            raise UsageError(f"{path}, limits.{name}: {error}") from error


def _resolved(batch: Batch, base: Path) -> Batch:
    """Return a batch whose paths are relative to the working directory."""
    paths = {name: getattr(batch, name) for name in ("notebook", "output", "db", "rows")}
    located = {name: said.located(path, base) for name, path in paths.items() if isinstance(path, str)}
    return msgspec.structs.replace(batch, **located, **batch.located(base))
