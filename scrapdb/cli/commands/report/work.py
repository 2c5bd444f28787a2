"""scrapdb report work: a worker of a service of reports."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Bundles
from scrapdb.cli.service import Service


def command(
    bundles: Bundles,
    *,
    service: Service,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, metavar="N", help="Reports made at once; by default 2.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="URL", help="Have notebooks executed by workers of dask.distributed."),
    ] = None,
    until_end_of_input: Annotated[
        bool, typer.Option("--until-end-of-input", help="End when standard input does, as a child of a service.")
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Tell what happens as lines of JSON.")] = False,
    settings: Settings,
) -> None:
    """Make the reports that are asked for, deliver them, and ask for those that are scheduled, until a signal comes.

    `scrapdb report serve` has one such worker; further ones on the same machine share its queue.

    \b
    scrapdb report work bundles/ -o reports -j 4
    """
    from scrapdb.cli.service import log
    from scrapdb.reporting.service.work import worker

    log(as_json=log_json)
    with service.desk(bundles, settings) as desk:
        at_once = jobs or desk.host.jobs or worker.JOBS
        worker.work(desk, jobs=at_once, scheduler=scheduler, parent=sys.stdin.buffer if until_end_of_input else None)
