"""The options and arguments that commands share, each written once, and how they get into a command.

A command is a function. Its last parameters may be `Settings` and `Printing`, of which `joined` puts the options into
the signature that typer reads.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple
from typing import get_type_hints

import typer

if TYPE_CHECKING:
    from scrapdb.database import Database

Command = Callable[..., None]
_BY_NAME = inspect.Parameter.KEYWORD_ONLY


class Settings(NamedTuple):
    """What may stand before or after the name of any command: where the store is, and how much is said."""

    db: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="The store.  [default: $SCRAPDB_DB, else scraps.db here or above]"
        ),
    ] = None
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Name unreadable notebooks, show where errors come from.")
    ] = False

    def store_path(self, *, create: bool = False) -> Path:
        """Return the store's path: --db, else $SCRAPDB_DB, else scraps.db here, or, for reading only, here or above.

        Raises:
            StoreNotFoundError: there is none to read.
        """
        from scrapdb.store.connection import DEFAULT_NAME
        from scrapdb.store.connection import find

        if named := self.db or os.environ.get("SCRAPDB_DB"):
            return Path(os.path.expanduser(named))  # noqa: PTH111 - pathlib's fails where there is no such user
        return Path(DEFAULT_NAME) if create else find(Path.cwd())

    def database(self) -> Database:
        """Return the store, to be asked.

        Raises:
            StoreNotFoundError: there is none.
        """
        from scrapdb.database import Database

        return Database(self.store_path())

    def remark(
        self, database: Database, *expressions: str | None, columns: str | None = None, **of_groups: str | None
    ) -> None:
        """Tell of values that comparisons and aggregates leave out: of an expression, and of others than they take."""
        from scrapdb.query.remarks import remark

        if not self.quiet and (
            told := remark(database.path, *expressions, columns=columns, past=database.past, **of_groups)
        ):
            complain(told)

    def say(self, message: str) -> None:
        """Tell the person at the terminal something that is no data."""
        if not self.quiet:
            complain(message)


def complain(message: str) -> None:
    """Print on standard error, quiet or not; control characters from notebooks are escaped."""
    from scrapdb.formats.values import escaped

    typer.echo("\n".join(map(escaped, message.split("\n"))), err=True)


def joined(command: Command) -> Command:
    """Return a command with the options of its groups in its signature, and each group made of them when it is called.

    Args:
        command: takes options by keyword. A parameter whose type is a NamedTuple is a group of them.
    """
    own = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {
        parameter.name: parameter.annotation
        for parameter in own
        if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, tuple)
    }

    def run(context: typer.Context, **values: Any) -> None:
        settings = context.find_root().obj = _settings(context)
        for name, group in groups.items():
            options = {option: values.pop(option) for option in group._fields}
            values[name] = settings if group is Settings else group(**options)
        command(**values)

    parted = (_options(groups[each.name]) if each.name in groups else [each.replace(kind=_BY_NAME)] for each in own)
    context = inspect.Parameter("context", _BY_NAME, annotation=typer.Context)
    run.__doc__ = command.__doc__
    run.__annotations__ = {}  # typer would evaluate these too
    run.__signature__ = inspect.Signature([context, *chain(*parted)])  # type: ignore[attr-defined]
    return run


def _settings(context: typer.Context) -> Settings:
    """Return the settings before and after the names of commands; the last of each count."""
    places: list[dict[str, Any]] = []
    at: Any = context
    while at is not None:
        places, at = [*places, at.params], at.parent
    db, quiet, verbose = (next(filter(None, (given.get(name) for given in places)), None) for name in Settings._fields)
    return Settings(Path(db) if db else None, bool(quiet), bool(verbose))


def _options(group: Any) -> Iterator[inspect.Parameter]:
    for name, annotation in get_type_hints(group, include_extras=True).items():
        yield inspect.Parameter(name, _BY_NAME, default=group._field_defaults[name], annotation=annotation)


def field_names(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the last word of an expression or of a list of columns with names of fields.

    Only with plain words: a name like `$(command)` that somebody glued must not get into a shell's line.
    """
    import re

    from scrapdb.errors import ScrapdbError
    from scrapdb.text import composed

    match = re.search(r"[\w.\x80-\U0010ffff]*$", incomplete)  # accents may be marks, which are no \w
    word = match[0] if match else ""
    try:
        names = _settings(context).database().completions(word)
    except ScrapdbError:
        return []
    # What is offered begins with what was typed, in whichever spelling.
    typed = len(composed(word))
    return [incomplete + name[typed:] for name in names if re.fullmatch(r"[\w.]+", name)]


Expression = Annotated[str, typer.Argument(metavar="EXPR", hidden=True, autocompletion=field_names)]
NotebookName = Annotated[str, typer.Argument(metavar="NOTEBOOK", hidden=True)]
ScrapName = Annotated[str, typer.Argument(metavar="NAME", hidden=True)]
Where = Annotated[
    str | None, typer.Option(metavar="EXPR", help="Only notebooks for which EXPR holds.", autocompletion=field_names)
]
Columns = Annotated[
    str | None,
    typer.Option(
        "-c",
        "--columns",
        metavar="TEXT",
        help="What to show: names or expressions, `*` for all.",
        autocompletion=field_names,
    ),
]
Sort = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="Sort by a field, or by -field from the largest. Repeatable.", autocompletion=field_names
    ),
]
Limit = Annotated[int | None, typer.Option(min=0, metavar="N", help="Show no more than so many.")]
Pictures = Annotated[
    bool, typer.Option("--pictures", help="Place PNG and JPEG displays in the cells of an Excel file.")
]
Cell = Annotated[int | None, typer.Option(min=0, metavar="N", help="This cell only, as `show` counts.")]
