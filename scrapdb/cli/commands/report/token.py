"""scrapdb report token: a token for somebody who is to use a service of reports."""

from __future__ import annotations

import json
import secrets
from typing import Annotated

import typer

from scrapdb.cli.options import Settings


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", hidden=True)],
    *,
    settings: Settings,
) -> None:
    """Print a new token for NAME, once, and what to write into service.yaml, which has no more than its hash.

    NAME signs in with it, and programs send it as `Authorization: Bearer TOKEN`. Whoever takes the line out of
    service.yaml takes the token back.

    \b
    scrapdb report token anna
    """
    from scrapdb.errors import UsageError
    from scrapdb.reporting.service import access

    if not name.strip() or not name.isprintable() or name[0] in "@*":
        raise UsageError(f"{name!r} can be no name: take letters, and begin with neither `@` nor `*`.")
    token = secrets.token_urlsafe(32)
    typer.echo(token)
    settings.say("That is shown once. Write into service.yaml, and add `groups` and `address` as you like:")
    settings.say(f"askers:\n  {json.dumps(name, ensure_ascii=False)}:\n    tokens: [{access.digest(token)}]")
