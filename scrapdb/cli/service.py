"""What the commands of the service have in common: their options, and the desk that these lay."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import NamedTuple

import typer

from scrapdb.cli.options import Settings

if TYPE_CHECKING:
    from scrapdb.database.table import Table
    from scrapdb.reporting.service.desk import Desk
    from scrapdb.reporting.service.ledger.ledger import Ledger

_DEFAULT = "reports"
_MINUTE = len("2026-11-30T07:00")


Bundles = Annotated[
    str, typer.Argument(metavar="BUNDLES", show_default=False, help="Directory or URL of bundles, or one bundle.")
]


class Service(NamedTuple):
    """Where reports go, and what is said of the service."""

    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Directory of all reports; by default reports.")
    ] = None
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="What is said of the service: service.yaml.")
    ] = None

    @contextmanager
    def desk(self, bundles: str, settings: Settings) -> Iterator[Desk]:
        """Lay the desk, and open its ledger as long as somebody sits there.

        Raises:
            UsageError: there is no such directory of bundles, or what is said of the service is wrong.
        """
        from scrapdb.reporting.making.batch import directory
        from scrapdb.reporting.service import host
        from scrapdb.reporting.service.catalogue import Catalogue
        from scrapdb.reporting.service.desk import Desk
        from scrapdb.reporting.service.ledger.ledger import Ledger

        said, catalogue = host.read(self.config), Catalogue(bundles)
        reports = directory(self.output or _DEFAULT)
        with Ledger(reports) as ledger:
            yield Desk(said, catalogue, ledger, reports, settings.store_path(create=True))

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger of a service that has been there.

        Raises:
            UsageError: there is none.
        """
        from scrapdb.errors import UsageError
        from scrapdb.reporting.service.ledger import ledger

        reports = Path(self.output or _DEFAULT)
        if not (reports / ledger.NAME).exists():
            raise UsageError(f"{reports} has no ledger of a service: name its directory of reports by -o.")
        with ledger.Ledger(reports) as opened:
            yield opened

    def words(self, bundles: str, settings: Settings) -> list[str]:
        """Return the arguments by which another command lays the same desk."""
        words = [bundles, "-o", self.output or _DEFAULT, "--db", str(settings.store_path(create=True))]
        return words + (["--config", str(self.config)] if self.config else [])


def for_people(table: Table, times: Sequence[str]) -> Table:
    """Leave out columns in which nothing stands, and the seconds of times: a terminal has no room for all of it."""
    from scrapdb.database.table import Table

    told = [
        [_minute(cell) if name in times else cell for name, cell in zip(table.columns, row, strict=True)]
        for row in table.rows()
    ]
    kept = [place for place in range(len(table.columns)) if not told or any(row[place] is not None for row in told)]
    return Table([table.columns[place] for place in kept], lambda: ([row[place] for place in kept] for row in told))


def _minute(moment: str | None) -> str | None:
    return f"{moment[:_MINUTE].replace('T', ' ')} UTC" if moment else None


def log(*, as_json: bool = False) -> None:
    """Write what the service tells to standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if as_json else _Plain("%(asctime)s %(message)s"))
    logger = logging.getLogger("scrapdb.service")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)


class _Plain(logging.Formatter):
    """A line for each, in which nothing of a stranger moves a terminal's cursor, nor looks like a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it so
        from scrapdb.formats.values import escaped

        return escaped(super().formatMessage(record))


class _Json(logging.Formatter):
    """A line of JSON for each; `fields` are those that whoever logs has given apart from the message."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        told = {"at": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        told |= getattr(record, "fields", {})
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)
