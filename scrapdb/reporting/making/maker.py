"""One report, from an order to its directory: it runs, its page is rendered and pushed, and the record is written."""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any
from typing import NamedTuple

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.facts import Facts
from scrapdb.files.whole import whole_file
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.times import iso
from scrapdb.notebooks.times import parsed
from scrapdb.reporting.bundles import bundle as bundles
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import failure
from scrapdb.reporting.making import output
from scrapdb.reporting.making import push
from scrapdb.reporting.making import record
from scrapdb.reporting.making import tokens
from scrapdb.reporting.making.log import Log
from scrapdb.reporting.making.order import Order
from scrapdb.reporting.making.record import Record
from scrapdb.reporting.making.record import Trace
from scrapdb.reporting.making.tokens import Tokens
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Rendered
from scrapdb.running.batches.executors import Execute
from scrapdb.running.batches.previous import WELL
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.kernels import outputs
from scrapdb.running.kernels import redaction
from scrapdb.running.rows.parameters import plain
from scrapdb.running.rows.units import size
from scrapdb.running.task import Task

_LARGE = 2**24  # bytes
_APART = frozenset({bundles.NOTEBOOK, bundles.REQUIREMENTS, config.FILE})  # what no template needs


class Ran(NamedTuple):
    """A run that is over.

    Args:
        execution: its record.
        facts: what its notebook holds.
        log: how its log ends.
        wall: that was demanded.
        hidden: texts that may stand in no page and no file.
    """

    execution: Execution
    facts: Facts
    log: str = ""
    wall: str | None = None
    hidden: tuple[str, ...] = ()


class Maker:
    """Makes the reports of one batch, by what is done around its runs.

    Args:
        orders: by the path of the notebook.
        overwrite: whether pages are pushed in the place of others.
        issuer: gives each run a token, as a secret of that name; None if the notebook takes none.
    """

    def __init__(
        self,
        orders: Mapping[str, Order],
        *,
        overwrite: bool = False,
        issuer: tuple[str, Tokens] | None = None,
    ) -> None:
        self._orders = orders
        self._overwrite = overwrite
        self._issuer = issuer

    def __call__(self, task: Task, watch: Callable[[Event], None], stop: Stop, execute: Execute) -> Execution:
        """Make a report, whose notebook that executes; what goes wrong with it is told in its record."""
        order = self._orders[task.output]
        order.directory.mkdir(parents=True, exist_ok=True)
        _clear(order.directory)
        warnings: list[str] = []
        try:
            with self.secrets(order, task, warnings) as secrets:
                ran = run(order, replace(task, secrets=secrets), watch, stop, execute)
        except tokens.TokenError as error:
            ran = _not_run(order, task, str(error))
        made = _swept(order, finished(order, ran, stop), ran.hidden)
        made = pushed(order.directory, replace(made, warnings=(*made.warnings, *warnings)), overwrite=self._overwrite)
        made = record.without(made, ran.hidden)
        _log(order.directory, made, ran.execution.warnings)
        record.write(order.directory, made, ran.execution.files)
        if made.state == record.called(ran.execution.state):
            return replace(ran.execution, warnings=made.warnings)
        state = "cancelled" if made.state == "cancelled" else "failed"
        return replace(ran.execution, state=state, reason=made.reason, warnings=made.warnings)

    @contextmanager
    def secrets(self, order: Order, task: Task, warnings: list[str]) -> Iterator[dict[str, str]]:
        """Yield the secrets of a run, with a token among them that is revoked when it is over."""
        if self._issuer is None:
            yield task.secrets
            return
        name, issuer = self._issuer
        wish = tokens.Wish(
            report=order.id,
            bundle=order.bundle.name,
            parameters=plain(order.parameters),
            language=order.language,
            lifetime=tokens.lifetime(task.limits),
        )
        with tokens.issued(issuer, wish, warnings.append, redaction.forms(task.secrets.values())) as token:
            yield {**task.secrets, name: token}


def run(order: Order, task: Task, watch: Callable[[Event], None], stop: Stop, execute: Execute) -> Ran:
    """Have the notebook of a report executed, and put what it left for its page where it belongs."""
    notebook = Path(task.output)
    kept = (*task.keep_files, output.NAME, output.STATIC)
    task = replace(task, content=_noted(order, task), keep_files=kept)
    given = ", ".join(f"{name}={value}" for name, value in plain(order.parameters).items()) or "no parameters"
    head = f"{order.id}: {order.bundle.name} {order.bundle.config.version} in {order.language} with {given}"
    with Log(order.directory / record.LOG, head) as log:

        def heard(event: Event) -> None:
            log.heard(event)
            watch(event)

        execution = execute(task, heard, stop)
        for warning in execution.warnings:
            log.say(f"Warning: {warning}")
        log.say(f"The run is {execution.state}{f': {execution.reason}' if execution.reason else ''}")
        if not notebook.exists():  # it is none that could be executed
            notebook.write_bytes(task.content)
        execution = _placed(order, execution)
        return Ran(execution, read_facts(notebook.read_bytes()), log.last, task.confines.wall, _hidden(task))


def _not_run(order: Order, task: Task, why: str) -> Ran:
    """Leave what there is of a report that could not be run."""
    now = iso(datetime.now(UTC))
    content = _noted(order, task)
    Path(task.output).write_bytes(content)
    execution = Execution(state="failed", reason=why, id=task.id, started_at=now, ended_at=now)
    return Ran(execution, read_facts(content), hidden=_hidden(task))


def _hidden(task: Task) -> tuple[str, ...]:
    return tuple(redaction.forms(task.secrets.values()))


def _noted(order: Order, task: Task) -> bytes:
    """Return the notebook of a run with the record of its report, which is under way."""
    return record.noted(task.content, record.of(record.begun(order, Execution(state="running", id=task.id))))


def finished(order: Order, ran: Ran, stop: Stop | None = None) -> Record:
    """Make the pages of a run that is over, or the one that says what went wrong, and return the record.

    Args:
        order: what was asked for.
        ran: the run.
        stop: ends it early, if all is to end at once.
    """
    if ran.execution.state != "completed":
        return _failed(order, replace(record.begun(order, ran.execution), trace=_trace(ran)))
    try:
        return with_pages(order, ran, stop)
    except Exception as error:  # noqa: BLE001 - a notebook may leave anything
        if stop and stop.killed:
            told = "it was stopped when its page was made"
            return _failed(order, replace(record.begun(order, ran.execution), state="cancelled", reason=told))
        reason = str(error) if isinstance(error, ScrapdbError) else f"{type(error).__name__}: {error}"
        if isinstance(error, OSError) and error.strerror:
            reason = f"The page could not be written to {order.directory}: {error.strerror}."
        made = replace(record.begun(order, ran.execution), state="error", reason=reason)
        return _failed(order, replace(made, trace=_of_template(error, ran)))


def with_pages(order: Order, ran: Ran, stop: Stop | None = None) -> Record:
    """Make the pages of a run that completed, and return the record. If one cannot be made, none is written.

    Raises:
        ScrapdbError: what the notebook left cannot be used, or the template is wrong.
        OSError: the pages cannot be written.
    """
    bounds = order.bundle.config.limits
    if refused := [warning for warning in ran.execution.warnings if warning.startswith(output.NAME)]:
        raise output.OutputError(f"{refused[0]} The notebook has to write another one.")
    found = output.read(order.directory, ran.facts.scraps, size(bounds.output), size(bounds.page))
    page = page_made(page_of(order, found, ran), ran, size(bounds.page), stop)
    contents = {"html": page.html}
    if "pdf" in order.pages:
        contents["pdf"] = rendered.pdf(
            page.html, _static(order.bundle) | found.files, size=size(bounds.page), wall=ran.wall, stop=stop
        )
    made = record.begun(order, ran.execution)
    return _timed(
        replace(
            made,
            title=page.title or made.title,
            warnings=(*made.warnings, *found.warnings, *_untranslated(order), *page.warnings),
            pages=tuple(_written(order.directory / record.PAGES[kind], content) for kind, content in contents.items()),
        )
    )


def page_made(page: Page, ran: Ran, most: int, stop: Stop | None = None) -> Rendered:
    """Render the page of a run, of at most so many bytes, and refuse one that holds what is to be hidden.

    Raises:
        ScrapdbError: the template is wrong, or shows a secret.
    """
    made = rendered.rendered(page, size=most, wall=ran.wall, stop=stop)
    if redaction.holds(made.html, ran.hidden):
        raise ScrapdbError("The page would hold the token of this report, or another secret; it was not written.")
    return made


def pushed(directory: Path, made: Record, *, overwrite: bool = False) -> Record:
    """Push the pages of a report to where they are to go; what cannot be done is told in the record."""
    if made.state != "completed":
        return made
    done, errors = [], []
    for to in made.push:
        for page in made.pages:
            try:
                done.append(push.push(directory / page.name, to, overwrite=overwrite))
            except ScrapdbError as error:
                errors.append(str(error))
    return replace(made, pushed=tuple(done), push_errors=tuple(errors))


def page_of(order: Order, found: output.Output, ran: Ran) -> Page:
    """Return what the page of a report is made of."""
    bundle = order.bundle
    about = {
        "id": order.id,
        "bundle": bundle.name,
        "version": bundle.config.version,
        "made_at": ran.execution.ended_at,
    }
    return Page(
        template=bundles.TEMPLATE,
        files={path: content for path, content in bundle.files.items() if path not in _APART} | found.files,
        language=order.language,
        context={"parameters": plain(order.parameters), "report": about, **found.context},
        title=bundle.config.title,
    )


def _placed(order: Order, execution: Execution) -> Execution:
    """Put output.json and static/ into the directory of the report."""
    files, ours = outputs.files_of(str(order.directory / record.NOTEBOOK)), (output.NAME, output.STATIC)
    for name in ours:
        if (files / name).exists():
            (files / name).rename(order.directory / name)
    for path, content in order.bundle.files.items():
        own = order.directory / path
        if path.startswith(f"{output.STATIC}/") and own.is_file() and own.read_bytes() == content:
            own.unlink()  # it is as the bundle has it
    for left in (order.directory / output.STATIC, files):
        with suppress(OSError):
            left.rmdir()  # if nothing is in it
    rest = tuple(file for file in execution.files if file.path.partition("/")[0] not in ours)
    return replace(execution, files=rest)


def _clear(directory: Path) -> None:
    """Remove what an earlier report has left, whose page must not be taken for that of the next one."""
    for name in (record.RECORD, record.NOTEBOOK, record.LOG, *record.PAGES.values(), output.NAME, output.STATIC):
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _untranslated(order: Order) -> Iterator[str]:
    """Say that a bundle has not got a language, nor one that this falls back to."""
    bundle, language = order.bundle, order.language.replace("-", "_")
    known = [name.replace("-", "_") for name in bundle.config.languages]
    if not any(language == name or language.startswith(f"{name}_") for name in known):
        told = ", ".join(bundle.config.languages)
        yield (
            f"{bundle.name} is not translated into {order.language}, but there is {told}: "
            f"`scrapdb report translate update {bundle.where} --lang {order.language}` begins it."
        )


def _static(bundle: Bundle) -> dict[str, bytes]:
    return {path: content for path, content in bundle.files.items() if path.startswith(f"{bundles.STATIC}/")}


def _written(path: Path, content: bytes) -> record.File:
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return record.file(path)


def _log(directory: Path, made: Record, told: Collection[str]) -> None:
    """Write into the log what became of a run that is over."""
    with Log(directory / record.LOG) as log:
        for warning in (warning for warning in made.warnings if warning not in told):
            log.say(f"Warning: {warning}")
        for page in made.pages:
            log.say(f"{page.name}: {page.size:,} bytes")
        for pushed in made.pushed:
            log.say(f"{pushed.page} was pushed to {pushed.url}")
        for error in made.push_errors:
            log.say(f"Not pushed: {error}")
        log.say(f"The report is {made.state}{f': {made.reason}' if made.reason else ''}")


def _swept(order: Order, made: Record, hidden: Sequence[str]) -> Record:
    """Look once more into every file of a report, and remove those that hold a secret, which none should."""
    files = [path for path in order.directory.rglob("*") if path.is_file() and path.stat().st_size] if hidden else []
    if not (found := [path for path in files if _holds(path, hidden)]):
        return made
    for path in found:
        path.unlink()
    names = ", ".join(str(path.relative_to(order.directory)) for path in found)
    return _failed(order, replace(made, state="error", reason=f"{names} held a token or another secret, and is gone."))


def _holds(path: Path, hidden: Sequence[str]) -> bool:
    """Return whether a file holds one of some texts; a large one is not looked through for what is compressed in it."""
    if path.stat().st_size < _LARGE:
        return redaction.holds(path.read_bytes(), hidden)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(form.encode()) >= 0 for form in hidden)


def _failed(order: Order, made: Record) -> Record:
    """Make the page that says what went wrong."""
    made = _timed(made)
    return replace(made, pages=(_written(order.directory / record.PAGES["html"], failure.page(made)),))


def _timed(made: Record) -> Record:
    now = datetime.now(UTC)
    started = parsed(made.started_at)
    return replace(made, made_at=iso(now), seconds=(now - started).total_seconds() if started else None)


def _trace(ran: Ran) -> Trace | None:
    error, cell = ran.facts.error, ran.execution.cell
    if ran.execution.state in WELL:
        return None
    source = next((each.source for each in ran.facts.code if each.cell == cell), None)
    name, value = (error.name, error.value) if error else (ran.execution.state, ran.execution.reason or "")
    return Trace(
        name=name,
        value=value,
        cell=cell,
        source=source,
        traceback=error.traceback if error else None,
        log=ran.log,
    )


def _of_template(error: Exception, ran: Ran) -> Trace:
    known: dict[str, Any] = {name: getattr(error, name, None) for name in ("file", "line", "source")}
    return Trace(name=type(error).__name__, value=str(error), **known, log=ran.log)
