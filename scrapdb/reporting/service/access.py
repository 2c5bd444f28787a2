"""Who somebody is, and what he may. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Literal
from typing import NamedTuple

from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import Rule

Right = Literal["ask", "read", "manage"]
LOCAL = "you"  # who asks where nobody is told apart


class Person(NamedTuple):
    """Whoever asks: a name, and the groups that he belongs to."""

    name: str
    groups: frozenset[str] = frozenset()


def person(host: Host, name: str) -> Person | None:
    """Return an asker by name; None if there is none any more."""
    if not host.askers:
        return Person(name)
    found = host.askers.get(name)
    return Person(name, frozenset(found.groups)) if found else None


def by_token(host: Host, token: str) -> Person | None:
    """Return whose a token is; None if it is nobody's."""
    given = digest(token)
    for name, asker in host.askers.items():
        if any(hmac.compare_digest(given, known.lower()) for known in asker.tokens):
            return person(host, name)
    return None


def digest(token: str) -> str:
    """Return what service.yaml has of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def may(host: Host, who: Person, right: Right, bundle: str) -> bool:
    """Tell whether somebody has a right to a bundle; who may manage may everything, and who may read reads all."""
    return not host.rules or any(
        fnmatchcase(bundle, rule.bundles) and _named(who, _of(rule, right)) for rule in host.rules
    )


def manages_all(host: Host, who: Person) -> bool:
    """Tell whether somebody may manage every bundle, also those to come."""
    return not host.rules or any(rule.bundles == "*" and _named(who, rule.manage) for rule in host.rules)


def may_read(host: Host, who: Person, bundle: str, asker: str) -> bool:
    """Tell whether somebody may read a report that an asker asked for."""
    return may(host, who, "read", bundle) or (who.name == asker and may(host, who, "ask", bundle))


def _of(rule: Rule, right: Right) -> Collection[str]:
    return rule.manage if right == "manage" else (*getattr(rule, right), *rule.manage)


def _named(who: Person, names: Collection[str]) -> bool:
    return "*" in names or who.name in names or any(f"@{group}" in names for group in who.groups)
