"""The options of commands that look back: at the store as it was at a moment, or at all versions of its notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated
from typing import NamedTuple

import typer

from scrapdb.cli.options import Settings

if TYPE_CHECKING:
    from scrapdb.database import Database

_AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help="The store as it was: 2026-11-01 (at its midnight, UTC), 2026-11-01T12:00+01:00 or 'now() - days(7)'.",
    ),
]


class AsOf(NamedTuple):
    """At which moment the store is looked at."""

    as_of: _AsOf = None

    def database(self, settings: Settings) -> Database:
        """Return the store as it is, or as it was.

        Raises:
            StoreNotFoundError: there is none.
            UsageError: the moment is none.
        """
        return settings.database().looking_back(self.as_of)


class Versions(NamedTuple):
    """At which moment the store is looked at, or that all versions of its notebooks are."""

    as_of: _AsOf = None
    versions: Annotated[bool, typer.Option("--versions", help="Every version of each notebook, as its own.")] = False

    def database(self, settings: Settings) -> Database:
        """Return the store as it is, as it was, or with all versions; errors are those of `AsOf.database`."""
        return settings.database().looking_back(self.as_of, versions=self.versions)
