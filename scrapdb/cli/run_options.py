"""The options of `scrapdb run`, by what they are about."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from typing import Any
from typing import NamedTuple

import typer

from scrapdb.cli.options import field_names
from scrapdb.errors import UsageError

_rows = partial(typer.Option, rich_help_panel="What runs, and where to")
_choice = partial(typer.Option, rich_help_panel="Which of them")
_way = partial(typer.Option, rich_help_panel="How they run")
_limit = partial(typer.Option, rich_help_panel="Limits of a run")
_NONE = "none"  # the wall that is none
_wall = partial(typer.Option, rich_help_panel="Wall around a run")


class Rows(NamedTuple):
    """What the notebook is run with, a row of parameters a run, and where the outputs go."""

    output: Annotated[
        str | None, _rows("-o", "--output", metavar="DIR", help="Directory of the executed notebooks.")
    ] = None
    parameter: Annotated[
        list[str] | None,
        _rows(
            "-p",
            "--parameter",
            metavar="NAME=VALUE,...",
            help="Values of a parameter; every combination of them is a run. Repeatable.",
        ),
    ] = None
    zipped: Annotated[bool, _rows("--zip", help="Combine the first values of all -p, the second ones, and so on.")] = (
        False
    )
    file: Annotated[
        str | None,
        _rows(
            "-f",
            "--file",
            metavar="FILE",
            help="A run for each row: of a .csv, .json, .jsonl, .yaml or .parquet, of `-`, or of sql:SELECT ….",
        ),
    ] = None
    for_each: Annotated[
        str | None,
        _rows(
            "--for-each",
            metavar="EXPR",
            help="A run for each notebook of the store for which EXPR holds.",
            autocompletion=field_names,
        ),
    ] = None
    name: Annotated[
        str | None,
        _rows(metavar="PATTERN", help="How to name the outputs: {symbol}.ipynb.  [default: all that differs]"),
    ] = None
    secret: Annotated[
        list[str] | None,
        _rows(metavar="NAME", help="A parameter from the environment variable NAME, written nowhere. Repeatable."),
    ] = None
    allow: Annotated[
        list[str] | None,
        _rows(metavar="NAME", help="Give it openly, although its name looks like a secret's. Repeatable."),
    ] = None


class Choice(NamedTuple):
    """Which of the runs that are asked for begin."""

    resume: Annotated[
        bool | None,
        _choice("--resume", help="Pass over what has ended well, of the same code with the same parameters."),
    ] = None
    rerun: Annotated[
        str | None,
        _choice(
            metavar="STATE,...",
            help="Only what is lost, timed-out, killed or cancelled; failed is all that did not end well.",
        ),
    ] = None
    dry_run: Annotated[
        bool, _choice("--dry-run", help="List what would run, and why or why not; start and write nothing.")
    ] = False


class Way(NamedTuple):
    """How they are executed."""

    jobs: Annotated[
        int | None, _way("-j", "--jobs", min=1, metavar="N", help="Runs at once.  [default: two more than processors]")
    ] = None
    kernel: Annotated[str | None, _way(metavar="NAME", help="Kernel to run with.  [default: the notebook's]")] = None
    fresh: Annotated[
        bool | None, _way("--fresh", help="Start each kernel anew, and import in it what is imported.")
    ] = None
    retries: Annotated[
        int | None, _way(min=0, metavar="N", help="Try again so often, after 1 s, 2 s, 4 s, …  [default: 0]")
    ] = None
    retry_on: Annotated[
        str | None,
        _way(
            metavar="STATE,...",
            help="Ends after which to try again.  [default: lost,timed-out,not-ready; or: failed,killed]",
        ),
    ] = None
    fail_fast: Annotated[bool | None, _way("--fail-fast", help="Begin none after one that did not end well.")] = None


class Cluster(NamedTuple):
    """Where they are executed, if not here."""

    scheduler: Annotated[
        str | None, _way(metavar="ADDRESS", help="Run on a cluster of dask.distributed: tcp://host:8786.")
    ] = None


class Limit(NamedTuple):
    """What a run may use; times are seconds or `5m`, sizes bytes or `2GB`."""

    timeout: Annotated[str | None, _limit(metavar="TIME", help="Of the run: 90, 5m, 1h30m.")] = None
    cell_timeout: Annotated[str | None, _limit(metavar="TIME", help="Of a cell.")] = None
    start_timeout: Annotated[
        str | None, _limit(metavar="TIME", help="In which the kernel has to answer first.  [default: 60]")
    ] = None
    grace: Annotated[
        str | None, _limit(metavar="TIME", help="Between interrupt and end, for `finally`.  [default: 5]")
    ] = None
    memory: Annotated[str | None, _limit(metavar="SIZE", help="Of all its processes together: 512M, 2GB.")] = None
    cpu: Annotated[str | None, _limit(metavar="TIME", help="Of a processor, for all processes together.")] = None
    disk: Annotated[str | None, _limit(metavar="SIZE", help="Of a file, and of all that it writes.")] = None
    max_output: Annotated[
        str | None, _limit(metavar="SIZE", help="Output that is kept; the middle is cut out.  [default: 64MiB]")
    ] = None


def given(*groups: Any) -> dict[str, Any]:
    """Return of the options that were typed those that settings are made of, by name.

    Raises:
        UsageError: two of them contradict each other.
    """
    from scrapdb.running.batches.settings import Settings

    values = {name: value for group in groups for name, value in group._asdict().items() if value is not None}
    if values.pop("no_wall") and values.setdefault("wall", _NONE) != _NONE:
        raise UsageError("--wall demands a wall, and --no-wall wants none. Name one.")
    known = ((name, value) for name, value in values.items() if name in Settings.__struct_fields__)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known}


class Wall(NamedTuple):
    """What is around a run, and what gets through."""

    wall: Annotated[
        str | None,
        _wall(metavar="NAME", help="bubblewrap, landlock or limits, and no other.  [default: the best there is]"),
    ] = None
    no_wall: Annotated[bool, _wall("--no-wall", help="None, for your own notebooks on your own machine.")] = False
    network: Annotated[bool | None, _wall("--network/--no-network", help="Whether it reaches the network.  [no]")] = (
        None
    )
    read: Annotated[
        list[str] | None, _wall(metavar="PATH", help="What it can read beside the system and Python. Repeatable.")
    ] = None
    beside: Annotated[
        list[str] | None,
        _wall("--with", metavar="PATH", help="A file or directory that it finds in its own directory. Repeatable."),
    ] = None
    env: Annotated[
        list[str] | None, _wall(metavar="NAME", help="A variable of your environment that it sees. Repeatable.")
    ] = None
    keep_files: Annotated[
        list[str] | None,
        _wall(metavar="GLOB", help="Files that it wrote, to be kept in NAME.files/. Repeatable."),
    ] = None
