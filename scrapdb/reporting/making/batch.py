"""Reports that are asked for become orders, and a batch of runs makes them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import asdict
from msgspec.structs import replace

from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import bundle as bundles
from scrapdb.reporting.bundles import parameters
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.making import archive
from scrapdb.reporting.making import push
from scrapdb.reporting.making import record
from scrapdb.reporting.making.maker import Maker
from scrapdb.reporting.making.order import Order
from scrapdb.reporting.making.order import hashed
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.request import Request
from scrapdb.running.batches.request import Wanted
from scrapdb.running.batches.runs import Runs
from scrapdb.running.batches.settings import Settings
from scrapdb.running.events import Stop
from scrapdb.running.rows import names
from scrapdb.running.rows import parameters as signatures

_DEFAULT_NAME = "{bundle}-{lang}-{hash}"
_LANGUAGES = ("LANGUAGE", "language", "lang")  # names by which a notebook takes the language
_BROUGHT = frozenset({bundles.NOTEBOOK, "output.json"})  # which no run finds in its directory
_OF_RUN = ("timeout", "cell_timeout", "memory", "cpu", "disk")


def orders(
    bundle: Bundle,
    rows: Sequence[Mapping[str, Any]],
    reports: Path,
    *,
    languages: Sequence[str] = (),
    name: str | None = None,
    pages: Sequence[str] = (),
    to: str | None = None,
) -> list[Order]:
    """Make an order of each row in each language.

    Args:
        bundle: of which they are made.
        rows: parameters by name.
        reports: the directory of all reports.
        languages: by default the first that the bundle has.
        name: pattern of the names of their directories.
        pages: kinds of pages that are wanted beside those that the bundle makes.
        to: pattern of where the pages are pushed.

    Raises:
        UsageError: a parameter, a language or a pattern is wrong.
    """
    kinds = tuple(dict.fromkeys((*bundle.config.outputs, *pages)))
    asked = [
        (parameters.typed(bundle.config, row), language)
        for row in rows
        for language in languages or bundle.config.languages[:1]
    ]
    fields = [_fields(bundle, *each, kinds) for each in asked]
    ids = names.below(fields, name or _DEFAULT_NAME)
    fields = [{**each, "id": id_} for each, id_ in zip(fields, ids, strict=True)]
    places = push.targets(to, fields) if to else [""] * len(ids)
    return [
        Order(
            id=id_,
            directory=reports / id_,
            bundle=bundle,
            parameters=row,
            language=language,
            pages=kinds,
            push=(place,) if place else (),
        )
        for id_, (row, language), place in zip(ids, asked, places, strict=True)
    ]


def made(
    orders: Sequence[Order],
    reports: Path,
    store: Path,
    settings: Settings,
    *,
    overwrite: bool = False,
    audience: Audience | None = None,
    stop: Stop | None = None,
) -> Runs:
    """Make reports of one bundle."""
    bundle = orders[0].bundle
    archive.keep(bundle, reports)
    content = bundle.files[bundles.NOTEBOOK]
    signature = signatures.of(content, settings.kernel)
    outputs = {str(order.directory / record.NOTEBOOK): order for order in orders}
    request = Request(
        notebook=f"{bundle.where.rstrip('/')}/{bundles.NOTEBOOK}",
        content=content,
        directory=str(reports),
        store=store,
        wanted=tuple(Wanted(path, signature.typed(_given(order, signature))) for path, order in outputs.items()),
        files={path: each for path, each in bundle.files.items() if path not in _BROUGHT},
        **_with_limits(settings, bundle).for_request(),
    )
    return carry_out(request, audience, stop, execute=Maker(outputs, overwrite=overwrite))


def _given(order: Order, signature: signatures.Signature) -> dict[str, Any]:
    """Return the parameters of a run: those of the report, and the language if the notebook takes it."""
    language = {name: order.language for name in _LANGUAGES if name in signature.parameters}
    return {**language, **order.parameters}


def _with_limits(settings: Settings, bundle: Bundle) -> Settings:
    """Let the bundle say what the host has not said."""
    config = bundle.config
    if config.network and not settings.network:
        raise UsageError(f"{bundle.name} needs the network: grant it by --network, if you trust it.")
    said = {name: amount for name, amount in asdict(config.limits).items() if name in _OF_RUN}
    ours = {name: getattr(settings, name) for name in said}
    known = {name: amount for name, amount in ours.items() if amount is not None}
    return replace(settings, **{**said, **known}, kernel=settings.kernel or config.kernel)


def _fields(bundle: Bundle, row: Mapping[str, Any], language: str, pages: tuple[str, ...]) -> dict[str, Any]:
    """Return what the pattern of a name can use."""
    del pages
    digest = hashed(bundle, dict(row), language)[:8]
    ours = {"bundle": bundle.name, "version": bundle.config.version, "lang": language, "language": language}
    return {**ours, "hash": digest, **row}
