"""scrapdb report check: what is wrong with a bundle, and where."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings


def command(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", hidden=True)],
    *,
    json: Annotated[bool, typer.Option("--json", help="Write what is found as JSON.")] = False,
    settings: Settings,
) -> None:
    """Say what is wrong with BUNDLE, each with its file and line or cell, and exit with 1 if there is an error.

    Nothing is executed. What cannot be told from the source, such as names that only a run would give, is not judged.
    """
    import msgspec

    from scrapdb.formats.values import escaped
    from scrapdb.reporting.bundles.checks import checking

    found = checking.checked(bundle)
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        for each in found:
            typer.echo(escaped(f"{each.place}: {each.severity}: {each.message}"))
    errors = sum(each.severity == "error" for each in found)
    counts = {"error": errors, "warning": len(found) - errors}
    told = [f"{count:,} {word}{'s' * (count != 1)}" for word, count in counts.items() if count]
    settings.say(f"{', '.join(told)}." if told else "Nothing is wrong.")
    if errors:
        raise typer.Exit(1)
