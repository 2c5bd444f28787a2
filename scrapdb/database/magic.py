"""`%scrapdb` in Jupyter: a request to a store, answered with rows and with the pictures of their notebooks.

    %load_ext scrapdb
    %scrapdb distance < 0.1 -c symbol,distance --sort distance

Here a line becomes a request, and a request an answer; `scrapdb.formats.html` makes HTML of it.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb import errors
from scrapdb.database import Database
from scrapdb.database.table import Table
from scrapdb.formats import html
from scrapdb.formats import table
from scrapdb.formats.values import escaped
from scrapdb.query import groups
from scrapdb.query.remarks import remark
from scrapdb.store.connection import find
from scrapdb.store.connection import reading
from scrapdb.store.readers import displays
from scrapdb.text import composed

if TYPE_CHECKING:
    import sqlite3

    from IPython.core.interactiveshell import InteractiveShell

NAME = "scrapdb"
_NAMED = ("by", "having", "sort", "limit", "scrap", "db")
_OPTIONS = {"-c": "columns", "--columns": "columns"} | {f"--{name}": name for name in _NAMED}
# A quote may hold blanks; one that is not closed is for the parser of expressions to blame.
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|`[^`]*`|\S)+""")
_DRAWN = 12  # pictures, unless a limit says how many
_LOOKED_AT = 1000  # rows whose pictures are looked for, unless a limit says how many
_LARGEST = 4_000_000  # bytes of a display in a page
_PRINTED = 100  # rows


class Request(NamedTuple):
    """What a magic line or cell asks."""

    expression: str | None
    limit: int | None = None
    is_sql: bool = False
    columns: str | None = None
    sort: str = ""
    scrap: str | None = None
    db: str | None = None
    by: str | None = None
    having: str | None = None

    def is_of_groups(self, db: Database) -> bool:
        """Whether a row is a group of notebooks."""
        return groups.is_asked_of(db.path, self.by, self.columns, self.having)


class Answer(Table):
    """Rows as they were when they were asked for, and what their notebooks have shown, as HTML."""

    def __init__(self, asked: Table, shown: str = "") -> None:
        rows = [*asked.rows()]
        super().__init__(asked.columns, lambda: iter(rows), times=asked.times)
        self._number = len(rows)
        self._shown = shown

    def __len__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        text = io.StringIO()
        table.write(self.columns, islice(self.rows(), _PRINTED), text, 0)
        more = f"… {self._number - _PRINTED:,} more rows\n" if self._number > _PRINTED else ""
        return (text.getvalue() + more).rstrip("\n")

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self._shown


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magic; IPython calls this for `%load_ext scrapdb`."""
    from IPython.core.magic import no_var_expand

    # Braces and dollars belong to regular expressions.
    shell.magics_manager.register_function(no_var_expand(scrapdb), magic_kind="line_cell", magic_name=NAME)
    shell.set_hook("complete_command", _completions, str_key=f"%{NAME}")  # type: ignore[no-untyped-call]


def scrapdb(line: str, cell: str | None = None) -> Answer:
    """Ask a store of scraps: which notebooks, with which values, and what they have shown.

    %scrapdb distance < 0.1 and close_to_ath
    %scrapdb distance < 0.1 -c "symbol, distance * 100 as percent" --sort -distance --limit 5
    rows = %scrapdb symbol in ("AAA", "BCD") --scrap chart

    %%scrapdb --db ../scraps.db
    distance < 0.1
    and close_to_ath

    %%scrapdb sql
    select symbol, min(distance) from runs group by symbol

    Below the rows stand the pictures that the notebooks glued. Options:

    -c, --columns  what to show: names or expressions, * for all
    --by           show groups: the notebooks that share a field or an expression
    --having       only groups for which an expression holds
    --sort         a field to sort by, -field from the largest
    --limit        the most rows, and pictures, to show
    --scrap        show what was glued under this name, be it a picture or not
    --db           the store; by default $SCRAPDB_DB, else scraps.db here or above
    """
    from IPython.core.error import UsageError as MagicError

    try:
        return answer(read_request(line, cell))
    except errors.ScrapdbError as error:
        # IPython prints this error as a sentence, and stops the run like any other.
        raise MagicError("\n".join(map(escaped, str(error).split("\n")))) from None


def read_request(line: str, cell: str | None = None) -> Request:
    """Read what stands behind the magic's name, and in the lines below it.

    Raises:
        UsageError: an option is not known, lacks its value, or makes no sense.
    """
    options, rest = _split_options(line)
    limit = _limit(options.pop("limit")) if "limit" in options else None
    if cell is None:
        return Request(" ".join(rest) or None, limit, is_sql=False, **options)
    if rest not in ([], ["sql"]):
        raise errors.UsageError(
            f"`{' '.join(rest)}` belongs in the lines below; beside %%{NAME} stand `sql` and options."
        )
    if rest and (limit is not None or options.keys() - {"db"}):
        raise errors.UsageError("SQL takes no option but --db.")
    return Request(cell.strip() or None, limit, is_sql=bool(rest), **options)


def answer(request: Request) -> Answer:
    """Ask the store.

    Raises:
        ScrapdbError: as `Database.query` and `Database.sql` do; or nothing was shown under the name asked for.
    """
    db = Database(_store_path(request.db))
    if request.is_sql:
        return Answer(db.sql(request.expression or ""))
    if request.scrap and request.is_of_groups(db):
        raise errors.UsageError("--scrap shows what each notebook has glued; groups show it as `last(name)`.")
    of_groups: dict[str, Any] = {"by": request.by, "having": request.having}
    rows = db.query(request.expression, request.columns, request.sort, request.limit, differing=True, **of_groups)
    if told := remark(db.path, request.expression, columns=request.columns, sort=request.sort, **of_groups):
        sys.stderr.write("".join(f"{escaped(line)}\n" for line in told.split("\n")))
    return Answer(rows, "" if request.is_of_groups(db) else _pictures(db, request))


def _split_options(line: str) -> tuple[dict[str, str], list[str]]:
    """Take the options out of a line; a --sort or --by that is repeated adds to the first."""
    options: dict[str, str] = {}
    rest: list[str] = []
    words = iter(_WORD.findall(line))
    for word in words:
        option, equals, value = word.partition("=")
        if option in _OPTIONS:
            name = _OPTIONS[option]
            value = _option_value(option, value if equals else next(words, ""), words)
            options[name] = f"{options[name]}, {value}" if name in ("sort", "by") and name in options else value
        elif re.fullmatch(r"--[a-z]+", option):
            raise errors.UsageError(f"There is no option {option}; there are {', '.join(_OPTIONS)}.")
        else:
            rest.append(word)
    return options, rest


def _option_value(option: str, first: str, words: Iterator[str]) -> str:
    """Take an option's value: a word, or as many as commas join, without the quotes around it."""
    value = first
    while value.endswith(",") and (following := next(words, None)):
        value += f" {following}"
    if not value:
        raise errors.UsageError(f"{option} needs a value.")
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise errors.UsageError(f"--limit needs a number, not {text!r}.")
    return int(text)


def _store_path(named: str | None) -> Path:
    path = named or os.environ.get("SCRAPDB_DB")
    return Path(os.path.expanduser(path)) if path else find(Path.cwd())  # noqa: PTH111 - pathlib's may fail


def _pictures(db: Database, request: Request) -> str:
    """Return what the notebooks have shown, as HTML: pictures, or whatever there is of the scrap that was named."""
    looked_at = _LOOKED_AT if request.limit is None else request.limit
    paths = [row["notebook"] for row in db.query(request.expression, "notebook", request.sort, looked_at)]
    with reading(db.path) as connection:
        shown = displays.displays_of_notebooks(connection, paths, request.scrap, html.PICTURES)
        if request.scrap and not shown:
            _check_name(connection, request.scrap)
        drawn = _DRAWN if request.limit is None else len(shown)
        figures = [_figure(connection, *item) for item in islice(shown.items(), drawn)]
    missing = len(shown) - len(figures)
    more = f"<p>{missing:,} more; <code>--limit {len(paths)}</code> shows them.</p>" if missing else ""
    return html.gallery(figures) + more if figures else ""


def _check_name(connection: sqlite3.Connection, name: str) -> None:
    known = displays.displayed_names(connection)
    if composed(name) not in known:
        raise errors.ScrapNotFoundError(
            f"No notebook has shown anything for {name!r}; {errors.suggestion(name, known)}"
        )


def _figure(connection: sqlite3.Connection, of: tuple[str, str], shown: Mapping[str, displays.StoredDisplay]) -> str:
    caption = ": ".join(of)
    small = {mime: display for mime, display in shown.items() if display.size <= _LARGEST}
    if not small:
        return html.figure(f"{caption} is too large to be shown here.", "")
    content = {mime: displays.display_content(connection, display) for mime, display in small.items()}
    return html.figure(caption, html.element(content))


def _completions(_: InteractiveShell, event: Any) -> list[str]:
    """Complete a name of a field, or an option."""
    try:
        return [*_OPTIONS, *Database(_store_path(None)).completions(event.symbol)]
    except errors.ScrapdbError:
        return [*_OPTIONS]
