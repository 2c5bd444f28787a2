"""A store in Python: what the command line does, and what a notebook needs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.database.table import Table
from scrapdb.database.table import asked
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import UsageError
from scrapdb.query import groups
from scrapdb.query import remarks
from scrapdb.query import select
from scrapdb.store.connection import check
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.past import Past
from scrapdb.text import valid_text

if TYPE_CHECKING:
    from datetime import date
    from datetime import timedelta

    import pandas as pd
    import pyarrow as pa

    from scrapdb.charts.drawn import Plot
    from scrapdb.charts.plot import PlotKind
    from scrapdb.database.export import Exported
    from scrapdb.database.history import History
    from scrapdb.database.notebook import StoredNotebook
    from scrapdb.database.report import StoredReport
    from scrapdb.database.sides import Compared
    from scrapdb.database.table import Answer
    from scrapdb.indexing.changes import Summary
    from scrapdb.indexing.loop import Progress
    from scrapdb.store.readers.executions import Attempt
    from scrapdb.store.readers.sizes import OfVersions
    from scrapdb.store.upkeep import Collected

_COMPLETIONS = 200
_SIZED = ("scrap", "notebook", "encoder")


class Verdict(NamedTuple):
    """What a check found: whether it holds, how many notebooks were looked at and failed, and which.

    Of an expression that asks for the version before, `new` is how many of those that failed have none.
    """

    holds: bool
    looked_at: int
    failed: int
    offenders: Table
    new: int = 0


def open(path: str | os.PathLike[str]) -> Database:  # noqa: A001 - named as what it does, like sqlite3's and gzip's
    """Open a store. The file is made by the first `index`; until then, questions raise StoreNotFoundError.

    Args:
        path: the database file.
    """
    return Database(path)


class Database:
    """A store: one SQLite file, and the frames beside it.

    Nothing stays open between calls, so it can be shared by threads and processes.

    Args:
        path: the database file.
        past: what every question looks back at, as `at` and `versions` make it; by default it is the present.
    """

    def __init__(self, path: str | os.PathLike[str], past: Past | None = None) -> None:
        self.path = Path(path)
        self.past = past

    def __repr__(self) -> str:
        looking = "" if self.past is None else f".at({self.past.moment!r})" if self.past.moment else ".versions()"
        return f"Database({str(self.path)!r}){looking}"

    def at(self, moment: str | date) -> Database:
        """Return the store as it was at a moment: every question to it is answered by the versions that were there.

        Args:
            moment: a date or a datetime, ISO 8601, or what an expression may say, such as `now() - days(7)`. Without an
                offset it is UTC; a date is its midnight.

        Raises:
            UsageError: it is no moment.
        """
        from scrapdb.query import moments

        return Database(self.path, moments.at(moment))

    def versions(self) -> Database:
        """Return the store with every version of each notebook as a notebook of its own."""
        return Database(self.path, EVERY_VERSION)

    def looking_back(self, as_of: str | date | None = None, *, versions: bool = False) -> Database:
        """Return the store as of a moment, with all versions, or as it is.

        Raises:
            UsageError: both are asked for, or it is no moment.
        """
        if as_of is not None and versions:
            raise UsageError("Look back at one moment, or at all versions: these have `nb.since` and `nb.until`.")
        return self.versions() if versions else self if as_of is None else self.at(as_of)

    def index(
        self,
        *paths: str | os.PathLike[str],
        exclude: Sequence[str] = (),
        prune: bool = True,
        force: bool = False,
        workers: int | None = None,
        scheduler: str | None = None,
        keep: bool | int | timedelta | None = None,
        git: str | os.PathLike[str] | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Summary:
        """Bring the store up to date with the notebooks below some paths, or with those committed to a repository.

        Args:
            paths: directories, notebooks, globs and URLs.
            exclude: globs of names or relative paths to pass over.
            prune: whether to remove notebooks that are gone from below a named directory.
            force: whether to read unchanged notebooks too.
            workers: how many processes read; by default one per processor.
            scheduler: address of a scheduler of dask.distributed whose workers read instead.
            keep: which versions of notebooks are kept from now on: all, none, the last so many, or those that ended
                less than so long ago. It is a setting of the store.
            git: a repository, `"REPO"` or `"REPO@REV"`, of which every committed version is read: of all branches, or
                up to a revision.
            progress: is told how far it is.

        Raises:
            UsageError: a path, the repository or its revision does not exist, or `keep` is negative.
            StoreError: the store cannot be written.
        """
        from scrapdb.indexing import commits
        from scrapdb.indexing.loop import index
        from scrapdb.store.versions import Retention

        repository = commits.opened(os.fspath(git)) if git is not None else None
        summary = index(
            self._present(),
            [os.fspath(path) for path in paths],
            exclude=exclude,
            prune=prune,
            force=force,
            workers=workers,
            scheduler=scheduler,
            keep=None if keep is None else Retention.of(keep),
            progress=progress,
        )
        if repository is None:
            return summary
        versions = commits.index(
            self.path, *repository, exclude=exclude, prune=prune, force=force, workers=workers, progress=progress
        )
        return summary.beside(versions)

    def query(
        self,
        expression: str | None = None,
        columns: str | Sequence[str] | None = None,
        sort: str | Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
        *,
        by: str | Sequence[str] | None = None,
        having: str | None = None,
        differing: bool = False,
        as_of: str | date | None = None,
        versions: bool = False,
    ) -> Table:
        """Ask for the notebooks for which an expression holds, or for groups of them.

        Args:
            expression: in the query language; None for all notebooks.
            columns: what to show, `"symbol, distance * 100 as percent"` or a list of such; `*` for all fields.
                By default the path, the fields that the expression names, and of the parameters that the rows have
                those that vary in the store.
            sort: fields to sort by, `-` in front for the largest first. Missing values come last.
            limit: the most rows.
            offset: how many of the first rows to leave out.
            by: what the notebooks of a group share, `"symbol, day(nb.started_at) as day"` or a list of such. A row is a
                group then, as it is, without keys, if a column has an aggregate: columns and keys to sort by are of
                keys and aggregates. By default it is the keys and `count()`; keys that are not named come first.
            having: what holds for the groups.
            differing: whether, by default, only those parameters are shown that differ in the rows, as on the command
                line.
            as_of: a moment: ask the store as it was then, as `at` does.
            versions: whether every version of a notebook is a row, as of `versions()`.

        Raises:
            ExpressionError: the expression, a column or a sort key is wrong, or names an unknown field.
            UsageError: two columns are called the same, `having` is asked of notebooks, or `as_of` is no moment.
            StoreError: there is no store, it cannot be read, or it keeps no versions.
        """
        if as_of is not None or versions:
            then = self.looking_back(as_of, versions=versions)
            return then.query(expression, columns, sort, limit, offset, by=by, having=having, differing=differing)
        shown, keys, shared = _joined(columns), _joined(sort or None), _joined(by or None)

        def ask(connection: sqlite3.Connection) -> Answer:
            fields = select.fields_of(connection)
            if groups.is_asked(shared, shown, having, fields):
                answer = groups.select_groups(
                    connection,
                    fields,
                    expression,
                    by=shared,
                    columns=shown,
                    having=having,
                    sort=keys,
                    limit=limit,
                    offset=offset,
                )
                _refuse_doubles(answer.labels)
                return answer
            answer = select.select(
                connection,
                fields,
                expression,
                columns=shown,
                differing=differing,
                sort=keys,
                limit=limit,
                offset=offset,
            )
            _refuse_doubles(answer.labels)
            return answer

        return asked(self.path, ask, self.past)

    def count(self, expression: str | None = None) -> int:
        """Count the notebooks for which an expression holds.

        Raises:
            ExpressionError: the expression is wrong.
            StoreError: there is no store, or it cannot be read.
        """
        with reading(self.path, self.past) as connection:
            return select.count(connection, select.fields_of(connection), expression)

    def explain(
        self,
        expression: str | None = None,
        columns: str | Sequence[str] | None = None,
        sort: str | Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
        *,
        by: str | Sequence[str] | None = None,
        having: str | None = None,
    ) -> str:
        """Print every stage of a query: tokens, canonical form, and each statement with bound values and SQLite's plan.

        Arguments and errors are those of `query` with `differing`.
        """
        from scrapdb.query.explain import explain

        with reading(self.path, self.past) as connection:
            explanation = explain(
                connection,
                select.fields_of(connection),
                expression,
                columns=_joined(columns),
                sort=_joined(sort or None),
                limit=limit,
                offset=offset,
                by=_joined(by or None),
                having=having,
            )
        return str(explanation)

    def check(self, expression: str, where: str | None = None, *, any_: bool = False) -> Verdict:
        """Find out whether an expression holds for every notebook, or for any.

        Args:
            expression: what should hold. A notebook that misses a value offends, be it that of the version before.
            where: an expression that chooses the notebooks to look at.
            any_: whether one notebook is enough.

        Raises:
            ExpressionError: an expression is wrong.
            StoreError: there is no store, or it cannot be read.
        """

        def ask(connection: sqlite3.Connection) -> Answer:
            return select.select(connection, select.fields_of(connection), where, unless=expression, differing=True)

        with reading(self.path, self.past) as connection:
            fields = select.fields_of(connection)
            looked_at = select.count(connection, fields, where)
            failed = select.count(connection, fields, where, unless=expression)
            first = [*([where] if where else []), remarks.NEW]
            asks_new = failed and remarks.asks_before(expression)
            new = select.count(connection, fields, first, unless=expression) if asks_new else 0
        holds = looked_at > failed if any_ else looked_at > 0 and not failed
        return Verdict(holds, looked_at, failed, asked(self.path, ask, self.past), new)

    def sql(self, sql: str, parameters: Mapping[str, Any] | None = None, seconds: float = 60) -> Table:
        """Run one SQL statement that only reads.

        Args:
            sql: the statement.
            parameters: values of its `:named` parameters.
            seconds: after which it is stopped.

        Raises:
            UsageError: the statement is wrong, or does anything but read.
            StoreError: it took too long, or there is no store.
        """
        from scrapdb.store import users_sql

        return asked(self.path, lambda connection: users_sql.execute(connection, sql, parameters, seconds), self.past)

    def plot(
        self,
        expression: str | None = None,
        x: str | None = None,
        y: str | None = None,
        color: str | None = None,
        kind: PlotKind | None = None,
        *,
        most: int | None = None,
    ) -> Plot:
        """Plot one field or expression against another, over the notebooks for which an expression holds.

        Args:
            expression: in the query language; None for all notebooks.
            x: what lies on the horizontal axis; without it, and y, two numbers that many notebooks have.
            y: what lies on the other; without it, notebooks are counted by x.
            color: what the colour of a point tells.
            kind: `scatter`, `line` or `histogram`, if it is another than what the axes say.
            most: of more notebooks than so many so many are drawn, chosen at even distances; by default 5,000, or
                20,000 for a histogram.

        Raises:
            ExpressionError: an axis or the expression is wrong, or names an unknown field.
            UsageError: the axes do not make such a plot, or there is nothing to draw for one of them.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.charts.asked import Asked
        from scrapdb.charts.drawn import read
        from scrapdb.charts.points import Axes

        asked_for = Asked(Axes(x or "", y or "", color or "", expression or ""), kind)
        with reading(self.path, self.past) as connection:
            return read(connection, asked_for, most)

    def duckdb(self, sql: str, parameters: Mapping[str, Any] | None = None, seconds: float = 60) -> Table:
        """Run one statement of DuckDB's SQL that only reads; each name of DataFrames is a view, as `frame_prices`.

        Args:
            sql: the statement.
            parameters: values of its `$named` parameters.
            seconds: after which it is stopped.

        Raises:
            UsageError: the statement is wrong, or does anything but read what is in the store.
            StoreError: it took too long, or needs too much memory, or there is no store.
            ScrapdbError: DuckDB is not installed, or a DataFrame is damaged.
        """
        from scrapdb.database import duck

        return duck.answer(self._present(), sql, parameters, seconds)

    def frame(
        self, name: str, where: str | None = None, columns: str | Sequence[Hashable] | None = None
    ) -> pd.DataFrame:
        """Read one DataFrame across notebooks: the rows of all, the column `notebook` in front.

        Args:
            name: the name it was glued under.
            where: an expression that chooses notebooks.
            columns: columns of the DataFrame to read, `"price, ATH"` or a list; by default all. Its index is columns
                too, named as `reset_index` names them. One with levels is `("price", "mean")` or `"price.mean"`.

        Raises:
            ScrapNotFoundError: no notebook glued a DataFrame under that name.
            UsageError: none of the DataFrames has one of the columns.
            ExpressionError: the expression is wrong.
            StoreError: there is no store, or a sidecar is missing.
        """
        from scrapdb.formats import dataframe

        return dataframe.to_pandas(self._frame(name, where, columns))

    def frame_table(
        self, name: str, where: str | None = None, columns: str | Sequence[Hashable] | None = None
    ) -> Table:
        """Read one DataFrame across notebooks as rows. Arguments and errors are those of `frame`."""
        from scrapdb.database import frames

        return frames.Rows(self._frame(name, where, columns))

    def notebook(self, name: str | os.PathLike[str]) -> StoredNotebook:
        """Find a notebook by its path, or by as much of its end as tells it from others (`BCD`).

        With `@3`, `@previous` or `@COMMIT` behind it, it is that version of the notebook.

        Raises:
            NotebookNotFoundError: there is none, or more than one, or no such version.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.database.history import version_of
        from scrapdb.database.notebook import StoredNotebook
        from scrapdb.database.notebook import find

        with reading(self.path, self.past) as connection:
            try:
                return StoredNotebook(self.path, find(connection, self.path, os.fspath(name)), self.past)
            except NotebookNotFoundError:
                version = version_of(connection, self.path, os.fspath(name))
                if version is None or self.past is not None:
                    raise
        return StoredNotebook(self.path, version.id, EVERY_VERSION)

    def history(
        self,
        notebook: str | os.PathLike[str],
        names: str | Sequence[str] = (),
        *,
        changes: bool = False,
        limit: int | None = None,
        branches: bool = False,
    ) -> History:
        """Read the versions of a notebook, the newest last, and what some values were in each.

        Args:
            notebook: its path, or as much of its end as tells it from others; one that is gone has its versions still.
            names: fields or expressions, a list of such or `"distance, last / first as growth"`; by default the numbers
                and texts that changed.
            changes: whether to read only the versions in which one of them changed.
            limit: the most versions, which are the last.
            branches: whether to read those of commits, too, which never were on the branch asked for.

        Raises:
            NotebookNotFoundError: there is no such notebook, or more than one, or no version of it.
            ExpressionError: a name is wrong, or unknown in every version of any notebook.
            UsageError: two columns are called the same.
            StoreError: there is no store, it cannot be read, or it keeps no versions.
        """
        from scrapdb.database.history import history

        asked_for = [names] if isinstance(names, str) else names
        return history(self.path, os.fspath(notebook), asked_for, changes=changes, limit=limit, branches=branches)

    def diff(
        self,
        *names: str | os.PathLike[str],
        tolerance: float = 0.0,
        only: Sequence[str] = (),
        ignore: Sequence[str] = (),
    ) -> Compared:
        """Find what differs between notebooks of the store, or files: all are compared with the first.

        Args:
            names: two or more paths, or as much of their ends as tells them from others.
            tolerance: numbers are equal that differ by no more than so many times the larger, as `math.isclose` says.
            only: globs of the names to compare, `loss`, `param.*` or `model.depth`.
            ignore: globs of the names to leave out.

        Raises:
            UsageError: it is one notebook only, or one that cannot be read, or nothing is called as in `only`.
            NotebookNotFoundError: there is no such notebook, or more than one.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.database.differences import Choice
        from scrapdb.database.sides import compared

        choice = Choice(tuple(only), tuple(ignore))
        return compared(self._present(), [os.fspath(name) for name in names], tolerance=tolerance, choice=choice)

    def attempt(self, name: str | os.PathLike[str]) -> Attempt | None:
        """Find the last attempt at a run that `scrapdb run` has queued, by the path of the notebook that it writes.

        The path may be as much of its end as tells it from others; None if there is none, or more than one.

        Raises:
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.store.readers.executions import called

        with reading(self.path, self.past) as connection:
            found = called(connection, valid_text(os.fspath(name)))
        return found[0] if len(found) == 1 else None

    def reports(
        self, where: str | None = None, *, state: str | None = None, bundle: str | None = None, limit: int | None = None
    ) -> Table:
        """List reports, the newest first: also those that are queued or under way, unless an expression chooses.

        Args:
            where: an expression that holds for their notebooks.
            state: how they ended, or `queued` or `running`.
            bundle: the name of their bundle.
            limit: the most rows.

        Raises:
            ExpressionError: the expression is wrong.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.store.readers import reports

        with reading(self.path, self.past) as connection:
            chosen = self._chosen(connection, where)
            found = reports.reports(connection, reports.Filters(state, bundle), notebooks=chosen, limit=limit)
        others = ("reason", "bundle", "bundle_version", "batch", "notebook")
        columns = ("state", "id", "title", "language", "when", *others)
        of = attrgetter("state", "name", "title", "language", "at", *others)
        return Table(columns, lambda: map(of, found), times=("when",))

    def report(self, name: str) -> StoredReport:
        """Find a report by the name of its directory, by a part of it, or by the id of its run.

        Raises:
            ReportNotFoundError: there is none, or more than one.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.database.report import StoredReport

        return StoredReport(self._present(), valid_text(name))

    def fields(self, *, attributes: bool = False) -> Table:
        """List every scrap and parameter: type, number of notebooks, range or examples; on request attributes too."""
        from scrapdb.query.fields import ATTRIBUTES
        from scrapdb.store.readers.names import name_summaries

        def rows() -> Iterator[tuple[Any, ...]]:
            with reading(self.path, self.past) as connection:
                yield from name_summaries(connection)
            for attribute in ATTRIBUTES if attributes else ():
                yield attribute.name, "notebook", attribute.kind, None, None, None, attribute.description

        check(self.path)
        return Table(("name", "role", "type", "notebooks", "min", "max", "examples"), rows)

    def completions(self, start: str) -> list[str]:
        """List the names of fields that begin so."""
        from scrapdb.query.fields import ATTRIBUTES
        from scrapdb.store.readers.names import names_starting_with

        with reading(self.path, self.past) as connection:
            names = names_starting_with(connection, start, _COMPLETIONS)
        names += [attribute.name for attribute in ATTRIBUTES if attribute.name.startswith(start)]
        return list(dict.fromkeys(names))

    def problems(self, notebook: str | None = None) -> Table:
        """List what could not be read, of one notebook or of all; of all versions also the version and its commit.

        Raises:
            NotebookNotFoundError: there is no such notebook, or more than one.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.database.history import path_of
        from scrapdb.database.notebook import find
        from scrapdb.store.readers.problems import problems_of_notebook
        from scrapdb.store.readers.problems import problems_of_versions

        def ask_all(connection: sqlite3.Connection) -> Answer:
            path = path_of(connection, self.path, notebook) if notebook else None
            names = ("notebook", "nb.version", "nb.commit", "cell", "output", "name", "kind", "message")
            return names, problems_of_versions(connection, path)

        def ask(connection: sqlite3.Connection) -> Answer:
            notebook_id = find(connection, self.path, notebook) if notebook else None
            names = ("notebook", "cell", "output", "name", "kind", "message")
            return names, problems_of_notebook(connection, notebook_id)

        return asked(self.path, ask_all) if self.past == EVERY_VERSION else asked(self.path, ask, self.past)

    def sizes(self, by: str = "scrap") -> Table:
        """List bytes by `scrap`, `notebook` or `encoder`, largest first.

        Raises:
            UsageError: `by` is none of these.
            StoreError: there is no store, or it cannot be read.
        """
        from scrapdb.store.readers.sizes import sizes_by

        if by not in _SIZED:
            raise UsageError(f"Bytes are added up by {', '.join(_SIZED[:-1])} or {_SIZED[-1]}, not by {by!r}.")
        return asked(self.path, lambda connection: sizes_by(connection, by), self.past)

    def totals(self) -> dict[str, int]:
        """Count notebooks, and the bytes of their files, their scraps, the store and its sidecars."""
        from scrapdb.store.readers.sizes import totals

        with reading(self.path, self.past) as connection:
            return totals(connection)

    def sizes_of_versions(self) -> OfVersions | None:
        """Count the versions that are kept, and the bytes that the store has for nothing else; None if none."""
        from scrapdb.store.readers.sizes import of_versions

        with reading(self.path) as connection:
            return of_versions(connection)

    def export(
        self,
        target: str | os.PathLike[str],
        where: str | None = None,
        *,
        force: bool = False,
        versions: bool = True,
    ) -> Exported:
        """Write the store as a parquet data set: the tables, and the DataFrames of each name.

        Args:
            target: a directory that is new or empty, or a URL below which nothing is.
            where: an expression that chooses notebooks.
            force: whether to replace an earlier export.
            versions: whether to write the versions of these notebooks, too, if there are any; not as of a moment.

        Raises:
            ExpressionError: the expression is wrong.
            UsageError: the target has other files, or an export already; or it is asked of `versions()`.
            ScrapdbError: it cannot be written.
        """
        from scrapdb.database.export import export

        if self.past == EVERY_VERSION:
            raise UsageError("An export has the versions in tables of their own: ask the store for it as it is.")
        with reading(self.path, self.past) as connection:
            chosen = self._chosen(connection, where)
            with_versions = versions and self.past is None
            return export(connection, os.fspath(target), chosen, force=force, versions=with_versions)

    def optimize(self) -> int:
        """Choose the columns of `runs` anew, gather statistics and compact the file; return the number of columns."""
        from scrapdb.store.upkeep import optimize
        from scrapdb.store.write import Writer

        check(self._present())
        with Writer(self.path) as writer:
            return optimize(writer)

    def gc(self) -> Collected:
        """Remove what nothing names any more: blobs, names, and sidecars after an hour."""
        from scrapdb.store.upkeep import collect
        from scrapdb.store.write import Writer

        check(self._present())
        with Writer(self.path) as writer:
            return collect(writer)

    def _present(self) -> Path:
        """Return the database file, for what cannot look back.

        Raises:
            UsageError: the past is looked at.
        """
        if self.past is not None:
            raise UsageError(f"{self!r} looks back, which only questions can: ask Database({str(self.path)!r}).")
        return self.path

    def _frame(self, name: str, where: str | None, columns: str | Sequence[Hashable] | None) -> pa.Table:
        from scrapdb.database import frames

        wanted = None if columns is None else frames.asked(columns)
        with reading(self.path, self.past) as connection:
            return frames.across(connection, name, self._chosen(connection, where), wanted)

    def _chosen(self, connection: sqlite3.Connection, where: str | None) -> list[int] | None:
        return None if where is None else select.notebook_ids(connection, select.fields_of(connection), where)


def _joined(texts: str | Sequence[str] | None) -> str | None:
    return texts if texts is None or isinstance(texts, str) else ", ".join(texts)


def _refuse_doubles(labels: Sequence[str]) -> None:
    for place, label in enumerate(labels):
        if label in labels[:place]:
            raise UsageError(f"Two columns are called `{label}`; call one of them something else with `as`.")
