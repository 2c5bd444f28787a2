"""Reports that are asked for become orders, and batches of runs make them: one for each bundle."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict
from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.facts import Execution
from scrapdb.files.remote import is_url
from scrapdb.reporting.bundles import bundle as bundles
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import environments
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles import parameters
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import archive
from scrapdb.reporting.making import push
from scrapdb.reporting.making import record
from scrapdb.reporting.making import tokens
from scrapdb.reporting.making.maker import Maker
from scrapdb.reporting.making.order import Order
from scrapdb.reporting.making.order import fields as named
from scrapdb.reporting.making.order import hashed
from scrapdb.reporting.making.reports import Made
from scrapdb.reporting.making.reports import Reports
from scrapdb.reporting.making.tokens import Tokens
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.cluster import Cluster
from scrapdb.running.batches.request import Request
from scrapdb.running.batches.request import Wanted
from scrapdb.running.batches.runs import Run
from scrapdb.running.batches.settings import Settings
from scrapdb.running.events import Stop
from scrapdb.running.rows import names
from scrapdb.running.rows import parameters as signatures
from scrapdb.running.rows.parameters import Signature
from scrapdb.running.rows.parameters import canonical
from scrapdb.running.rows.parameters import plain
from scrapdb.text import composed

_DEFAULT_NAME = "{bundle}-{lang}-{hash}"
_LANGUAGES = ("language", "lang")  # names by which a notebook takes the language
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([_-][A-Za-z0-9]{1,8})*")
_TOKEN = "TOKEN"  # noqa: S105 - the name by which it takes its token
_BROUGHT = frozenset({bundles.NOTEBOOK, "output.json"})  # which no run finds in its directory
_QUEUED = Execution(state="running")
_OF_RUN = ("timeout", "cell_timeout", "memory", "cpu", "disk")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Reports of one bundle that are asked for.

    Args:
        bundle: path or URL.
        rows: parameters by name, a report each.
        languages: a report of each row in each; by default the first that the bundle has.
        name: pattern of the names of their directories.
        pages: kinds of pages that are wanted beside those that the bundle makes.
        push: pattern of where the pages go.
    """

    bundle: str
    rows: tuple[dict[str, Any], ...] = ({},)
    languages: tuple[str, ...] = ()
    name: str | None = None
    pages: tuple[str, ...] = ()
    push: str | None = None


class Host(NamedTuple):
    """Where reports are made, and what whoever answers for it says.

    Args:
        reports: the directory of all reports.
        store: where they are indexed.
        settings: how they run; what is None there the bundles say.
        resume: whether to pass over those that were made before of the same.
        overwrite: whether pages are pushed in the place of others.
        token: what issues the token of each report: a command, the name of a plugin, or the plugin.
        runner: the file that whoever makes them has locked, if not the directory; then no two ids may be the same.
        cluster: executes the notebooks, in place of the scheduler that the settings name.
    """

    reports: Path
    store: Path
    settings: Settings = Settings()
    resume: bool = False
    overwrite: bool = False
    token: str | Tokens | None = None
    runner: str | None = None
    cluster: Cluster | None = None


class Asked(NamedTuple):
    """Reports of one bundle: orders, a request of them all, and what gives each a token, as a secret of that name."""

    bundle: Bundle
    orders: list[Order]
    request: Request
    issuer: tuple[str, Tokens] | None

    def only(self, ids: Collection[str]) -> Asked:
        """Leave out other reports."""
        kept = [pair for pair in zip(self.orders, self.request.wanted, strict=True) if pair[0].id in ids]
        wanted = tuple(wanted for _, wanted in kept)
        return self._replace(orders=[order for order, _ in kept], request=replace(self.request, wanted=wanted))

    def and_those(self, other: Asked) -> Asked:
        """Add reports of the same bundle."""
        wanted = (*self.request.wanted, *other.request.wanted)
        return self._replace(orders=[*self.orders, *other.orders], request=replace(self.request, wanted=wanted))


class Choice(NamedTuple):
    """An order, or what was refused of an entry; whether it begins, and in a few words why or why not."""

    entry: Entry
    order: Order | None
    begins: bool
    why: str

    def row(self) -> tuple[Any, ...]:
        """Return what is told of it in rows: report, bundle, language, parameters, whether it begins, and why."""
        if self.order is None:
            return None, self.entry.bundle, None, None, self.begins, self.why
        given = plain(self.order.parameters)
        return self.order.id, self.entry.bundle, self.order.language, given, self.begins, self.why


class Plan(NamedTuple):
    """What is decided of each report that is asked for, and the batches that make those that begin."""

    choices: list[Choice]
    batches: list[Asked]


def directory(named: str | os.PathLike[str]) -> Path:
    """Return the directory of all reports.

    Raises:
        UsageError: it is at a URL.
    """
    if is_url(os.fspath(named)):
        raise UsageError(f"Reports are made in a directory, not at {named}: push their pages there by --push.")
    return Path(named)


def planned(entries: Sequence[Entry], host: Host) -> Plan:
    """Decide what is made. What is wrong with one of many entries keeps none of the others from being made.

    Raises:
        ScrapdbError: what is wrong with the only one.
    """
    choices: list[Choice] = []
    batches: dict[str, Asked] = {}
    seen: dict[str, Order] = {}
    for entry in entries:
        try:
            found = asked(entry, host)
            _check_known(found.orders, seen)
        except ScrapdbError as error:
            if len(entries) == 1:
                raise
            choices.append(Choice(entry, None, begins=False, why=str(error)))
            continue
        new = [order for order in found.orders if seen.setdefault(_folded(order.id), order) is order]
        chosen = [Choice(entry, order, *_begins(order, resume=host.resume)) for order in new]
        begin = found.only({choice.order.id for choice in chosen if choice.begins and choice.order})
        if begin.orders:
            earlier = batches.get(found.bundle.hash)
            batches[found.bundle.hash] = earlier.and_those(begin) if earlier else begin
        choices += chosen
    return Plan(choices, list(batches.values()))


def build(entries: Sequence[Entry], host: Host, audience: Audience | None = None, stop: Stop | None = None) -> Reports:
    """Make reports. How each ended is in what is returned, and in its record.

    Raises:
        UsageError: what is asked for is wrong, if it is one thing only; else that is told in its place.
        ScrapdbError: another runner writes to the directory, or the store cannot be written.
    """
    began = time.monotonic()
    audience, stop = audience or Audience(), stop or Stop()
    choices, batches = planned(entries, host)
    ended: dict[str, Made] = {}
    warnings: list[str] = []
    for each in batches:
        if stop.interrupted:
            ended |= {order.id: _never(order) for order in each.orders}
        else:
            ended |= _made(each, host, audience, stop, warnings)
    wanted = [each for each in choices if each.begins or not each.order]
    return Reports(
        [ended[each.order.id] if each.order else _refused(each) for each in wanted],
        passed=len(choices) - len(wanted),
        seconds=time.monotonic() - began,
        where=str(host.reports),
        warnings=warnings,
    )


def made(entry: Entry, bundle: Bundle, host: Host, audience: Audience, stop: Stop) -> Made:
    """Make one report, of a bundle that is open. How it ended is in what is returned, and in its record.

    Raises:
        UsageError: what is asked for is wrong.
        ScrapdbError: the store cannot be written.
    """
    found = asked(entry, host, bundle)
    (report,) = _made(found, host, audience, stop, []).values()
    return report


def asked(entry: Entry, host: Host, bundle: Bundle | None = None) -> Asked:
    """Make an order of each row in each language, and a request of them all.

    Args:
        entry: what is asked for.
        host: where they are made.
        bundle: of which, if it is open.

    Raises:
        UsageError: a parameter, a language or a pattern is wrong, or the bundle needs what the host does not grant.
        BundleError: the bundle cannot be read, or its environment is not there.
    """
    bundle = bundle or opening.opened(entry.bundle)
    if bundles.NOTEBOOK not in bundle.files:
        raise UsageError(f"{entry.bundle} has no {bundles.NOTEBOOK}: it is a template for reports over the store.")
    settings = _with_limits(host.settings, bundle)
    signature = signatures.of(bundle.files[bundles.NOTEBOOK], settings.kernel)
    issuer = _issuer(bundle, signature, host.token)
    secrets = [issuer[0]] if issuer else []
    typed = [
        (signature.typed({**_language(signature, language), **parameters.typed(bundle.config, row)}, secrets), language)
        for row in entry.rows
        for language in _languages(entry, bundle)
    ]
    rows = [*{(canonical(row), language): (row, language) for row, language in typed}.values()]
    ordered = _orders(entry, bundle, host.reports, rows, signature)
    wanted = [
        Wanted(_notebook(order), row, replace(record.of(record.begun(order, _QUEUED)), state="queued"))
        for order, (row, _) in zip(ordered, rows, strict=True)
    ]
    request = Request(
        notebook=f"{bundle.where.rstrip('/')}/{bundles.NOTEBOOK}",
        content=bundle.files[bundles.NOTEBOOK],
        directory=str(host.reports),
        store=host.store,
        watched=False,
        wanted=tuple(wanted),
        python=environments.python(bundle),
        files={path: each for path, each in bundle.files.items() if path not in _BROUGHT},
        runner=host.runner,
        **settings.for_request(),
    )
    return Asked(bundle, ordered, request, issuer)


def _orders(
    entry: Entry, bundle: Bundle, reports: Path, rows: Sequence[tuple[dict[str, Any], str]], signature: Signature
) -> list[Order]:
    version, taken = bundle.config.version, {signature.named(name) for name in _LANGUAGES}
    given = [({name: value for name, value in row.items() if name not in taken}, language) for row, language in rows]
    fields = [
        {"hash": hashed(bundle, row, language)[:8], **named(bundle.name, version, language, row if entry.name else {})}
        for row, language in given
    ]
    ids = names.below(fields, entry.name or _DEFAULT_NAME)
    fields = [{**each, **row} for each, (row, _) in zip(fields, given, strict=True)]
    fields = [{**each, "id": id_} for each, id_ in zip(fields, ids, strict=True)]
    places = [(place,) for place in push.targets(entry.push, fields)] if entry.push else [()] * len(ids)
    for id_ in ids:
        _check_place(reports / id_, reports)
    kinds = tuple(dict.fromkeys((*bundle.config.outputs, *entry.pages)))
    return [
        Order(
            id=id_,
            directory=reports / id_,
            bundle=bundle,
            parameters=row,
            language=language,
            pages=kinds,
            push=place,
        )
        for id_, (row, language), place in zip(ids, given, places, strict=True)
    ]


def _check_place(directory: Path, reports: Path) -> None:
    """Refuse a directory that holds something else than a report, which would be written over."""
    if not Path(os.path.realpath(directory)).is_relative_to(os.path.realpath(reports)):
        raise UsageError(f"{directory} is not below {reports}: a link leads out of it.")
    found = (
        {path.name for path in directory.iterdir()} if directory.is_dir() else {*([""] if directory.exists() else [])}
    )
    if found and (config.FILE in found or not found & {record.RECORD, record.LOG}):
        raise UsageError(f"{directory} is there, and is no report. Name another by --name, or another directory.")


def _languages(entry: Entry, bundle: Bundle) -> Sequence[str]:
    for name in entry.languages:
        if not _LANGUAGE.fullmatch(name):
            raise UsageError(f"{name!r} is no language; write it as ca or pt_BR.")
    return entry.languages or bundle.config.languages[:1]


def _language(signature: Signature, language: str) -> dict[str, str]:
    """Return the language as a parameter, if the notebook takes it."""
    taken = (signature.named(name) for name in _LANGUAGES)
    return {name: language for name in taken if name in signature.parameters}


def _issuer(bundle: Bundle, signature: Signature, token: str | Tokens | None) -> tuple[str, Tokens] | None:
    """Return what issues tokens, if the notebook takes one, and the name under which it does."""
    taken = signature.parameters.get(signature.named(_TOKEN))
    if taken is None:
        return None
    if token is not None:
        return _TOKEN if taken.place else taken.name, tokens.hook(token)
    if taken.default is UNSET:
        raise UsageError(f"{bundle.name} asks for a token: name the command or plugin that issues it by --token.")
    return None


def _made(asked: Asked, host: Host, audience: Audience, stop: Stop, warnings: list[str]) -> dict[str, Made]:
    """Make reports of one bundle, and return what became of each, by id."""
    archive.keep(asked.bundle, host.reports)
    by_notebook = {_notebook(order): order for order in asked.orders}
    maker = Maker(by_notebook, overwrite=host.overwrite, issuer=asked.issuer)
    runs = carry_out(asked.request, audience, stop, around=maker, cluster=host.cluster)
    warnings += runs.warnings
    _remark_change(asked.bundle, audience, warnings)
    return {by_notebook[run.path].id: _ended(by_notebook[run.path], run) for run in runs}


def _ended(order: Order, run: Run) -> Made:
    """Return what became of a report: what its record says, if it is that of this run."""
    try:
        found = record.read(order.directory)
    except ScrapdbError:
        found = None
    if found is None or found.run != run.id:
        state = record.called(run.state)
        return replace(_never(order), state=state, reason=run.reason)
    return Made(
        id=order.id,
        state=found.state,
        reason=found.reason,
        directory=order.directory,
        language=found.language,
        seconds=found.seconds,
        bundle=order.bundle.where,
        parameters=found.parameters,
        warnings=found.warnings,
        pushed=tuple(each.url for each in found.pushed),
        push_errors=found.push_errors,
    )


def _never(order: Order) -> Made:
    return Made(
        id=order.id,
        state="cancelled",
        reason="it had not begun when the batch was stopped",
        language=order.language,
        bundle=order.bundle.where,
        parameters=plain(order.parameters),
    )


def _refused(choice: Choice) -> Made:
    return Made(id="", state="error", reason=choice.why, bundle=choice.entry.bundle)


def _begins(order: Order, *, resume: bool) -> tuple[bool, str]:
    """Decide whether a report is made, and say why or why not."""
    if not (order.directory / record.RECORD).exists():
        return True, "new"
    if not resume:
        return True, "replaces what is there"
    try:
        found = record.read(order.directory)
    except ScrapdbError:
        return True, "its record cannot be read"
    if found.state not in record.WELL:
        return True, f"it is {found.state}"
    if found.key != order.key:
        return True, "its bundle, parameters, language or pages have changed"
    if any(not (order.directory / page.name).exists() for page in found.pages):
        return True, "a page is missing"
    return False, f"{found.state}, and nothing has changed"


def _check_known(ordered: Sequence[Order], seen: Mapping[str, Order]) -> None:
    """Refuse reports that would take the place of others that are asked for."""
    for order in ordered:
        other = seen.get(_folded(order.id))
        if other and other.key != order.key:
            raise UsageError(f"Two reports would be {order.id}. Let their `name` tell them apart.")


def _folded(id_: str) -> str:
    return composed(id_.casefold())


def _remark_change(bundle: Bundle, audience: Audience, warnings: list[str]) -> None:
    """Say that a bundle is not what it was when its reports were asked for."""
    try:
        same = opening.opened(bundle.where).hash == bundle.hash
    except ScrapdbError:
        same = False
    if not same:
        told = f"{bundle.where} was changed meanwhile; all reports are made of it as it was at the beginning."
        warnings.append(told)
        audience.warned(told)


def _notebook(order: Order) -> str:
    return str(order.directory / record.NOTEBOOK)


def _with_limits(settings: Settings, bundle: Bundle) -> Settings:
    """Let the bundle say what the host has not said.

    Raises:
        UsageError: it needs what the host does not grant.
    """
    wanted = bundle.config
    if wanted.network and not settings.network:
        raise UsageError(f"{bundle.name} needs the network: grant it by --network, if you trust it.")
    said = {name: amount for name, amount in asdict(wanted.limits).items() if name in _OF_RUN}
    ours = {name: amount for name in said if (amount := getattr(settings, name)) is not None}
    return replace(settings, **{**said, **ours}, kernel=settings.kernel or wanted.kernel)
