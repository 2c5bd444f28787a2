"""service.yaml: what whoever answers for a service says of it. Secrets are never in it, but in the environment.

`Host` is the one table of what can stand there: it reads files, and `schema` publishes it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.target import place
from scrapdb.running.batches import said
from scrapdb.running.batches.batch_file import Way
from scrapdb.running.batches.batch_file import check_limits
from scrapdb.running.rows import units

_DIGEST = re.compile("[0-9a-f]{64}")
_Names = tuple[str, ...]
_Variable = Annotated[str | None, Meta(description="Name of the variable of the environment in which it is.")]


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How mail is sent."""

    host: Annotated[str, Meta(description="Name of the SMTP server.")]
    sender: Annotated[str, Meta(description="Address from which it comes.")]
    port: Annotated[int, Meta(description="Its port.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="How the connection is kept from others.")
    ] = "starttls"
    user: Annotated[str | None, Meta(description="Who signs in there; by default nobody.")] = None
    password: _Variable = None
    largest: Annotated[str | int, Meta(description="Size of a message; what is larger brings a link.")] = "10MB"


class Slack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How Slack asks, and is answered."""

    signing_secret: _Variable = "SLACK_SIGNING_SECRET"  # noqa: S105 - the name of a variable
    token: _Variable = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable
    askers: Annotated[
        dict[str, str], Meta(description="Which asker a user of Slack is, by the user's id; `*` is everybody else.")
    ] = {}
    url: Annotated[str, Meta(description="Address of its API.")] = "https://slack.com/api/"


class Webhooks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How webhooks are signed, and where they may go."""

    secret: _Variable = "SCRAPDB_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
    allow: Annotated[
        _Names, Meta(description="Names or addresses of hosts, also of private networks; by default any public one.")
    ] = ()


class Asker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody, or a program, who may use the service."""

    tokens: Annotated[
        _Names, Meta(description="SHA-256 of each token, as `scrapdb report token NAME` prints it beside the token.")
    ] = ()
    groups: Annotated[_Names, Meta(description="To which it belongs.")] = ()
    address: Annotated[str | None, Meta(description="Where failures go: mail:anna@example.com.")] = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may do what with some bundles. Names of askers, of groups as `@sales`, or `*`; nobody by default."""

    bundles: Annotated[str, Meta(description="Pattern of their names: `sales-*`.")] = "*"
    ask: Annotated[_Names, Meta(description="Who may ask for reports, and read those they asked for.")] = ()
    read: Annotated[_Names, Meta(description="Who may read reports of others, too.")] = ()
    manage: Annotated[_Names, Meta(description="Who may also cancel, see logs and traces, and change schedules.")] = ()


class Keep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which old reports stay."""

    last: Annotated[int | None, Meta(description="So many of each bundle.")] = None
    younger: Annotated[str | None, Meta(description="All of this time: 30d.")] = None


class Host(Way, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"beside": "with"}):
    """What is said of a service. What is left out is as it is for one person on this machine."""

    url: Annotated[
        str | None, Meta(description="Its address from outside, for links: https://reports.example.com.")
    ] = None
    askers: Annotated[dict[str, Asker], Meta(description="Who may use it; without any, whoever reaches it.")] = {}  # noqa: RUF012 - msgspec copies it
    rules: Annotated[tuple[Rule, ...], Meta(description="Who may do what; without any, every asker everything.")] = ()
    each: Annotated[int, Meta(ge=1, description="How many reports of one asker are made at the same time.")] = 2
    rate: Annotated[int, Meta(ge=1, description="How many reports one asker may ask for in a minute.")] = 60
    waiting: Annotated[int, Meta(ge=1, description="How many reports may wait.")] = 1000
    author: Annotated[
        str | None, Meta(description="Where traces go of bundles that name no author: mail:ops@example.com.")
    ] = None
    traces: Annotated[bool, Meta(description="Whether readers see traces, too.")] = False
    recipients: Annotated[
        _Names, Meta(description="Where reports may go: addresses, `@example.com`, `slack:#sales`, `s3://bucket/`.")
    ] = ()
    token: Annotated[str | None, Meta(description="What issues the token of each report: a command, a plugin.")] = None
    links: Annotated[str, Meta(description="How long the links are good that are sent out.")] = "30d"
    zone: Annotated[str, Meta(description="Time zone of days in words, and of schedules that name none.")] = "UTC"
    mail: Annotated[Mail | None, Meta(description="How mail is sent.")] = None
    slack: Annotated[Slack | None, Meta(description="How Slack asks, and is answered.")] = None
    webhooks: Annotated[Webhooks, Meta(description="How webhooks are signed, and where they may go.")] = Webhooks()
    keep: Annotated[Keep, Meta(description="Which old reports stay; by default all.")] = Keep()


# By what stands where, so that a misspelt name finds its neighbours.
_BELOW: dict[str, type[msgspec.Struct]] = {
    "askers": Asker,
    "mail": Mail,
    "slack": Slack,
    "webhooks": Webhooks,
    "rules": Rule,
    "keep": Keep,
}


def read(path: Path | None) -> Host:
    """Read what is said of a service; without a file, nothing is.

    Raises:
        UsageError: it cannot be read, or says something wrong; the sentence names the place.
    """
    if path is None:
        return Host()
    host = said.read(path, Host, _BELOW, "What is said of a service")
    check_limits(path, host.limits)
    _check_values(path, host)
    _check_tokens(path, host)
    return msgspec.structs.replace(host, **host.located(path.parent))


def _check_values(path: Path, host: Host) -> None:
    """Refuse addresses, times, sizes and zones that are none, of which nobody would hear before they are needed."""
    checks: list[tuple[str, Any, Callable[[Any], object]]] = [
        ("author", host.author, place),
        *((f"askers.{name}.address", each.address, place) for name, each in host.askers.items()),
        ("url", host.url, _check_url),
        ("zone", host.zone, _check_zone),
        ("links", host.links, units.duration),
        ("keep.younger", host.keep.younger, units.duration),
        ("mail.largest", host.mail and host.mail.largest, units.size),
    ]
    for where, value, check in checks:
        try:
            if value is not None:
                check(value)
        except UsageError as error:
            raise UsageError(f"{path}: {where}: {error}") from error


def _check_url(url: str) -> None:
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return
    raise UsageError(f"{url!r} is no address of a server; write one, as https://reports.example.com.")


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"There is no time zone {name!r}; write one, as Europe/Madrid.") from error


def _check_tokens(path: Path, host: Host) -> None:
    """Refuse what is no hash, most of all a token itself, by which nobody would ever be let in."""
    for name, each in host.askers.items():
        if not all(map(_DIGEST.fullmatch, each.tokens)):
            raise UsageError(
                f"{path}: askers.{name}.tokens: a hash has 64 characters from 0 to 9 and a to f; "
                f"`scrapdb report token {name}` prints it below the token."
            )


def schema() -> dict[str, Any]:
    """Return the JSON schema of service.yaml."""
    return said.schema(Host, "service.yaml of scrapdb report serve")


def secret(variable: str | None, what: str) -> str:
    """Return a secret of the environment.

    Raises:
        UsageError: nothing names the variable, or it is empty.
    """
    if not variable or not (value := os.environ.get(variable)):
        raise UsageError(f"{what} is not known: set the variable {variable or 'of the environment and name it'}.")
    return value
