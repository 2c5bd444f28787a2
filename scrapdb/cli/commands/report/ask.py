"""scrapdb report ask: a report that is asked for in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli import run_options
from scrapdb.cli.options import Settings
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    import datetime as dt

    from scrapdb.reporting.service.asking.asking import Meaning
    from scrapdb.reporting.service.catalogue import Catalogue


def command(
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", hidden=True)],
    *,
    bundles: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory or URL of the bundles, or of one.  [default: here]")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(metavar="LANG", help="Which language counts if the sentence is one of several.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of days in words.  [default: this machine's]")
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Directory of all reports.  [default: reports]")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="CMD", help="What issues the token of the report: a command, or a plugin.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is meant; start and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is meant, or made, as JSON.")] = False,
    limit: run_options.Limit,
    wall: run_options.Wall,
    settings: Settings,
) -> None:
    """Make the report that SENTENCE asks for, by the sentences that the bundles list below `asks` in config.json.

    What it means is shown first: which bundle, with which parameters, in which language. Days may be said in the words
    of the bundle's languages: yesterday, 1 February 2025, last month where a pattern takes a range. A sentence that
    means nothing, or two things, makes no report; the nearest patterns are listed.

    \b
    scrapdb report ask "voltage of north from 2026-02-02 to 2026-02-08" --bundles examples
    scrapdb report ask "voltage of north last week" --bundles examples --dry-run
    """
    from scrapdb.cli.reports import make
    from scrapdb.reporting.making import batch
    from scrapdb.reporting.service.catalogue import Catalogue
    from scrapdb.running.batches.settings import Settings as How

    catalogue = Catalogue(bundles or ".")
    meant = _meaning(catalogue, sentence, zone, lang)
    if dry_run:
        _show(meant, as_json=as_json)
        return
    settings.say(f"{meant.told}.")
    store = settings.store_path(create=True)
    host = batch.Host(batch.directory(output or "reports"), store, How(**run_options.given(limit, wall)), token=token)
    bundle = catalogue.get(meant.bundle).where
    entry = batch.Entry(bundle=bundle, rows=(meant.parameters,), languages=(meant.language,))
    for made in make([entry], host, settings, as_json=as_json):
        if made.path and made.path.exists() and not as_json:
            typer.echo(str(made.path))


def _show(meant: Meaning, *, as_json: bool) -> None:
    import msgspec

    from scrapdb.formats.values import escaped

    told = {name: value for name, value in meant._asdict().items() if name != "sentence"}
    typer.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode() if as_json else escaped(meant.told))


def _meaning(catalogue: Catalogue, sentence: str, zone: str | None, language: str | None) -> Meaning:
    """Return what is meant.

    Raises:
        UsageError: that cannot be told.
    """
    import datetime as dt

    from scrapdb.reporting.service.asking.asking import Unclear
    from scrapdb.reporting.service.asking.asking import meaning_of

    listed = catalogue.all()
    bundles = {each.name: each.bundle for each in listed if each.bundle is not None}
    found = meaning_of(bundles, sentence, now=dt.datetime.now(dt.UTC), zone=_zone(zone), language=language)
    if not isinstance(found, Unclear):
        return found
    near = [f"\n  {pattern}" for pattern in found.nearest]
    wrong = [f"\n{each.name} is left out: {each.wrong}" for each in listed if each.bundle is None and each.wrong]
    raise UsageError(f"{found.reason}{' What can be said:' if near else ''}{''.join(near)}{''.join(wrong)}")


def _zone(name: str | None) -> dt.tzinfo:
    import datetime as dt

    from scrapdb.reporting.service.asking import days

    if name:
        return days.zone(name)
    return dt.datetime.now().astimezone().tzinfo or dt.UTC
