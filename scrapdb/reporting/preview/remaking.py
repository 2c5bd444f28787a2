"""A bundle's report made again and again: its notebook is run only if what runs has changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.notebooks import ipynb
from scrapdb.reporting.bundles import bundle as bundles
from scrapdb.reporting.bundles import config as configs
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import batch
from scrapdb.reporting.making import maker
from scrapdb.reporting.making import output
from scrapdb.reporting.making import record
from scrapdb.reporting.making.order import Order
from scrapdb.reporting.preview import pages
from scrapdb.reporting.preview.shown import Choice
from scrapdb.reporting.preview.shown import Field
from scrapdb.reporting.preview.shown import Problem
from scrapdb.reporting.preview.shown import Shown
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.executors import Execute
from scrapdb.running.batches.previous import WELL
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.kernels import cells
from scrapdb.running.rows.parameters import canonical
from scrapdb.running.rows.units import size
from scrapdb.running.rows.values import Text
from scrapdb.running.task import Task

_MOST_LOG = 2**16  # characters, of the end
_NAME = "preview"


class Remaking:
    """Makes the report of a bundle as it is now.

    Args:
        where: the bundle, a directory or a zip.
        first: what is chosen at the beginning; without a language the first of the bundle.
        host: where it runs; its directory is of this object alone.
    """

    def __init__(self, where: str, first: Choice, host: batch.Host) -> None:
        self._where, self._choice, self._host = where, first, host
        self._ran: tuple[str, maker.Ran] | None = None
        self._running = ""
        self._stop = Stop()
        self._closed = False

    def __call__(self, choice: Choice | None, tell: Callable[..., None]) -> Shown:
        """Make it, or say what is wrong."""
        began = time.monotonic()
        self._choice = choice or self._choice
        tell(step="reading", told="Reading …")
        try:
            bundle = opening.opened(self._where)
            tell(**_known(bundle, self._choice))
            made = self._made(tell)
        except TemplateError as error:
            made = Shown(problem=pages.problem(error, bundle.files))
        except ScrapdbError as error:
            made = Shown(problem=Problem(what="The bundle", message=str(error)))
        except Exception as error:  # noqa: BLE001 - a notebook may leave anything, and the next save is waited for
            made = Shown(problem=Problem(what="The report", message=f"{type(error).__name__}: {error}"))
        seconds = time.monotonic() - began
        told = "Not made" if made.problem else f"{'Run and rendered' if made.ran else 'Rendered'} in {seconds:.1f} s"
        return replace(made, step="done", told=told, seconds=seconds)

    def changed(self) -> None:
        """End a run whose result nobody will want any more."""
        if self._running:
            with suppress(ScrapdbError):
                if self._running != _key(self._asked()):
                    self._stop.kill()

    def chosen(self) -> None:
        """End a run, since something else is wanted."""
        self._stop.kill()

    def close(self) -> None:
        """End a run, and begin none any more."""
        self._closed = True
        self._stop.kill()

    def _asked(self) -> batch.Asked:
        """Return what is to be run of the bundle as it is now."""
        entry = batch.Entry(
            bundle=self._where,
            rows=(_typed(self._choice.parameters),),
            languages=(self._choice.language,) if self._choice.language else (),
            name=_NAME,
        )
        return batch.asked(entry, self._host)

    def _made(self, tell: Callable[..., None]) -> Shown:
        """Run the notebook if need be, and render its page."""
        asked = self._asked()
        (order,), key = asked.orders, _key(asked)
        known = self._ran
        if is_new := known is None or known[0] != key:
            tell(step="running", told="Running …")
            ran = self._run(asked, tell)
            self._ran = None if self._stop.killed else (key, ran)
        else:
            ran = known[1]
        log = _log(order)
        if ran.execution.state not in WELL:
            return Shown(problem=_of_run(ran, log), ran=is_new, log=log)
        tell(step="rendering", told="Rendering …")
        bounds = asked.bundle.config.limits
        found = output.read(order.directory, ran.facts.scraps, size(bounds.output), size(bounds.page))
        page = pages.as_written(maker.page_of(order, found, ran))
        made = maker.page_made(page, ran, size(bounds.page))
        return Shown(html=made.html.decode(), warnings=(*found.warnings, *made.warnings), ran=is_new, log=log)

    def _run(self, asked: batch.Asked, tell: Callable[..., None]) -> maker.Ran:
        """Run the notebook, and return what came of it."""
        (order,) = asked.orders
        made = maker.Maker({}, issuer=asked.issuer)
        found: list[maker.Ran] = []

        def around(task: Task, watch: Callable[[Event], None], stop: Stop, execute: Execute) -> Execution:
            def heard(event: Event) -> None:
                watch(event)
                if event.kind == "cell":
                    tell(told=f"Running cell {event.cell} of {event.cells} …")

            shutil.rmtree(order.directory, ignore_errors=True)  # what an earlier run has left
            order.directory.mkdir(parents=True)
            with made.secrets(order, task, []) as secrets:
                found.append(maker.run(order, replace(task, secrets=secrets), heard, stop, execute))
            return found[-1].execution

        self._running, self._stop = _key(asked), Stop()
        if self._closed:
            self._stop.kill()
        try:
            (run,) = carry_out(asked.request, stop=self._stop, around=around)
        finally:
            self._running = ""
        if not found:
            raise ScrapdbError(run.reason or f"The notebook did not run: it is {run.state}.")
        return found[-1]


def _known(bundle: Bundle, choice: Choice) -> dict[str, Any]:
    """Return what is known of a bundle before anything is made."""
    config = bundle.config
    return {
        "title": config.title,
        "languages": config.languages,
        "choice": replace(choice, language=choice.language or config.languages[0]),
        "fields": tuple(
            Field(
                name=name,
                type=each.type,
                label=each.label or name,
                required=each.is_required,
                choices=tuple(map(str, each.choices)),
                least=_written(each.range[0]) if each.range else None,
                greatest=_written(each.range[1]) if each.range else None,
                value=_written(choice.parameters.get(name, each.default)),
            )
            for name, each in config.parameters.items()
        ),
    }


def _written(value: Any) -> str | None:
    """Write a value as a form has it."""
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take texts for what somebody has typed."""
    return {name: Text(value) if isinstance(value, str) else value for name, value in values.items()}


def _key(asked: batch.Asked) -> str:
    """Return what is the same as long as the notebook need not run again.

    Pages and translations are no part of it, nor is what is shown, unless the notebook has a word of it.
    """
    request = asked.request
    sources = list(cells.executed(request.content))
    unseen = tuple(
        f"{name}/" for name in (bundles.STATIC, bundles.LANGUAGES) if not any(name in source for source in sources)
    )
    files = {
        path: hashlib.sha256(content).hexdigest()
        for path, content in request.files.items()
        if not path.startswith(unseen) and path not in {bundles.TEMPLATE, configs.FILE}
    }
    values = canonical(request.wanted[0].parameters)
    how = repr((request.limits, request.kernel, request.python, request.confines))
    return json.dumps([sources, files, values, ipynb.metadata(request.content).get("kernelspec"), how])


def _log(order: Order) -> str:
    try:
        return (order.directory / record.LOG).read_text("utf-8")[-_MOST_LOG:]
    except OSError:
        return ""


def _of_run(ran: maker.Ran, log: str) -> Problem:
    error, cell = ran.facts.error, ran.execution.cell
    source = next((each.source for each in ran.facts.code if each.cell == cell and each.source), "")
    said = f"{error.name}: {error.value}" if error else ran.execution.reason or ""
    return Problem(
        what=f"The notebook {ran.execution.state}{'' if cell is None else f' in cell {cell}'}",
        message=said,
        source=tuple(enumerate(source.splitlines(), 1)),
        trace=error.traceback if error else "",
        log=log,
    )
