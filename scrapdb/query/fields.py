"""The one table of fields: what a name in an expression means.

`ATTRIBUTES` are the fields that every notebook has. Scraps and parameters come from the dictionary of the store, which
is asked for the names that an expression uses; all names are read only to suggest one or to show all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from os.path import commonprefix
from typing import Literal

from scrapdb.errors import ExpressionError
from scrapdb.query.frozen import Frozen
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Role
from scrapdb.store import values
from scrapdb.text import composed

Kind = values.Kind | Literal["time"]

_REPORT: Role = "report"
_TABLES = {"nb": "notebooks", "exec": "records", _REPORT: "reports"}  # by the prefix of the attributes in them
_OF_VERSIONS = frozenset({"nb.version", "nb.since", "nb.until", "nb.commit", "nb.branch", "nb.authored_at"})
# With more names than this only those that begin alike are compared for a suggestion.
_MANY = 2000
_TELLING: frozenset[Kind] = frozenset({"number", "text", "json"})
_PLAIN = frozenset({"null", "integer", "float", "text"})


# The columns of `runs` that show a name, by what they show: number, text or expression.
Columns = tuple[tuple[str, str], ...]


class Attribute(Frozen):
    """A field that is always there, from a column of `notebooks`, `versions`, `records` or `reports`.

    One without a prefix gives way to what was glued.
    """

    name: str
    column: str
    kind: Kind
    description: str

    @functools.cached_property
    def table(self) -> str:
        """The table that has the column."""
        return "versions" if self.is_of_version else _TABLES.get(self.name.partition(".")[0], "notebooks")

    @property
    def is_of_version(self) -> bool:
        """Whether it tells of a version, and only where versions are kept."""
        return self.name in _OF_VERSIONS

    @functools.cached_property
    def kinds(self) -> frozenset[Kind]:
        """The kind, as a set."""
        return frozenset({self.kind})


ATTRIBUTES = (
    Attribute("nb.path", "path", "text", "where the notebook is, relative to the store"),
    Attribute("notebook", "path", "text", "the same as `nb.path`, unless something was glued under this name"),
    Attribute(
        "nb.status",
        "status",
        "text",
        "completed, failed, skipped, timed out, killed, lost, cancelled, running, partial, …",
    ),
    Attribute("nb.started_at", "started_at", "time", "start of the run"),
    Attribute("nb.ended_at", "ended_at", "time", "end of the run"),
    Attribute("nb.seconds", "seconds", "number", "duration of the run"),
    Attribute("nb.error_name", "error_name", "text", "class of the error that ended the run"),
    Attribute("nb.error_value", "error_value", "text", "message of that error"),
    Attribute("nb.error_cell", "error_cell", "number", "cell that raised it, from 0"),
    Attribute("nb.error_traceback", "error_traceback", "text", "traceback of that error"),
    Attribute("nb.kernel", "kernel", "text", "name of the kernel"),
    Attribute("nb.language", "language", "text", "language of the kernel"),
    Attribute("nb.source", "source", "text", "the notebook that was executed"),
    Attribute("nb.size", "size", "number", "bytes of the file"),
    Attribute("nb.mtime", "mtime", "time", "time of the file's last change"),
    Attribute("nb.content_hash", "content_hash", "text", "SHA-256 of the file"),
    Attribute("nb.code_hash", "code_hash", "text", "SHA-256 of the code: equal for runs of the same code"),
    Attribute("nb.nbformat", "nbformat", "text", "version of the notebook format"),
    Attribute("nb.cells", "cells", "number", "number of cells"),
    Attribute("nb.metadata", "metadata", "json", "metadata of the notebook: `nb.metadata.kernelspec.name`"),
    Attribute("nb.version", "version", "number", "which version of the notebook it is, from 1, if they are kept"),
    Attribute("nb.since", "since", "time", "from when the notebook was so"),
    Attribute("nb.until", "until", "time", "until when; missing of what still is"),
    Attribute("nb.commit", "commit_hash", "text", "the commit that made it so, in hexadecimal digits"),
    Attribute("nb.branch", "branch", "text", "the branch on which that commit was found"),
    Attribute("nb.authored_at", "authored_at", "time", "the author's time of that commit"),
    Attribute("exec.state", "state", "text", "how its runner says that it ended"),
    Attribute("exec.reason", "reason", "text", "why it was skipped, killed, timed out, …"),
    Attribute("exec.cell", "cell", "number", "cell in which it ended, from 0"),
    Attribute("exec.wall", "wall", "text", "the wall around it: bubblewrap, landlock, limits or none"),
    Attribute("exec.limits", "limits", "json", "what it might use: `exec.limits.memory`"),
    Attribute("exec.peak_memory", "peak_memory", "number", "bytes of memory that it had at once, at most"),
    Attribute("exec.cpu_seconds", "cpu_seconds", "number", "processor time that it took"),
    Attribute("exec.signal", "signal", "text", "signal that ended its kernel: SIGKILL"),
    Attribute("exec.exit_code", "exit_code", "number", "what its kernel returned"),
    Attribute("exec.attempt", "attempt", "number", "which attempt it was, from 1"),
    Attribute("exec.host", "host", "text", "machine on which it ran"),
    Attribute("exec.batch", "batch", "text", "shared by the runs of one command"),
    Attribute("exec.warm", "warm", "number", "1 if its imports were done before it began"),
    Attribute("exec.files", "files", "json", "files kept of it: path, bytes and sha256 of each"),
    Attribute("exec.warnings", "warnings", "json", "what its runner remarked"),
    Attribute("report.id", "id", "text", "the report that was made of it, in hexadecimal digits"),
    Attribute("report.state", "state", "text", "how the report ended: completed, error, timed out, …"),
    Attribute("report.title", "title", "text", "its title, in its language"),
    Attribute("report.bundle", "bundle", "text", "name of its bundle"),
    Attribute("report.bundle_version", "bundle_version", "text", "version of the bundle"),
    Attribute("report.bundle_hash", "bundle_hash", "text", "SHA-256 of the bundle's files"),
    Attribute("report.language", "language", "text", "language of its page"),
    Attribute("report.reason", "reason", "text", "why it ended so"),
    Attribute("report.pages", "pages", "json", "files that were made: report.html, report.pdf"),
    Attribute("report.pushed", "pushed", "json", "where it was pushed"),
    Attribute("report.made_at", "made_at", "time", "when its page was made"),
)
_ATTRIBUTES = {attribute.name: attribute for attribute in ATTRIBUTES}


class NameRow(Frozen):
    """A row of the dictionary: in how many notebooks a name has values of a type, in one of its roles.

    The last two are those of a `Field` that has both roles.
    """

    name_id: int
    name: str
    role: str
    type: str
    notebooks: int
    columns: Columns = ()
    whole: bool = False


class Field(Frozen):
    """A scrap, a parameter or, by a bare name, a scrap and else a parameter.

    Args:
        name_id: the name's id in the store.
        name: the name.
        scraps: types of the scraps that the field can mean, each with its number of notebooks.
        parameters: the same for parameters.
        columns: the columns of `runs` that show the field; none if they show another one, or a reader may not know them
            when they move.
        whole: whether these tell all of each value but its type: none is cut, NaN, or too large for SQLite.
    """

    name_id: int
    name: str
    scraps: tuple[tuple[str, int], ...]
    parameters: tuple[tuple[str, int], ...]
    columns: Columns = ()
    whole: bool = False

    @functools.cached_property
    def types(self) -> frozenset[str]:
        """The stored types of its values."""
        return frozenset(type_ for type_, _ in self.scraps + self.parameters)

    @functools.cached_property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of its values; empty if all are null."""
        return frozenset(values.KINDS[type_] for type_ in self.types if type_ in values.KINDS)

    def column(self, kind: Kind) -> str | None:
        """The column of `runs` that has just the numbers of the field, or its texts, or its lists and dicts."""
        if kind == "number":
            return dict(self.columns).get("number")
        beside = (self.kinds - {"number", kind}) if self.whole else {kind}
        return None if beside else dict(self.columns).get("text")

    @functools.cached_property
    def type(self) -> str | None:
        """The stored type of all values that are not null, if their number, text or JSON tells all of each."""
        types = self.types - {"null"}
        return min(types) if self.whole and len(types) == 1 and self.kinds & _TELLING else None

    @property
    def is_plain(self) -> bool:
        """Whether all values are numbers and texts as SQLite gives them."""
        return self.whole and self.types <= _PLAIN

    @property
    def notebooks(self) -> int:
        """In how many notebooks it can be found, at most."""
        return sum(count for _, count in self.scraps + self.parameters)


class Meaning(Frozen):
    """What a name in an expression stands for: a field and the path into its value."""

    field: Field | Attribute
    path: tuple[str | int, ...]


class Fields:
    """The fields of a store.

    Args:
        lookup: gives the rows of the dictionary for one name.
        all_names: gives every name.
        version: the state of the store that they tell of.
        columns: gives the columns of the DataFrames of a name, by its id, and what is in each.
        telling: the attributes that tell the versions of a notebook apart, if each of them is a row.
        versions: gives the fields that versions of notebooks had; None if none are kept.
        of: what has the fields: notebooks or versions.
    """

    def __init__(
        self,
        lookup: Callable[[str], Iterable[NameRow]],
        all_names: Callable[[], Iterable[str]],
        version: int = 0,
        columns: Callable[[int], Mapping[str, frozenset[Kind]]] = lambda _: {},
        telling: tuple[str, ...] = (),
        *,
        versions: Callable[[], Fields | None] = lambda: None,
        of: Literal["notebook", "version"] = "notebook",
    ) -> None:
        self.telling = telling
        self.version = version
        self.columns = functools.cache(columns)
        self._versions = versions
        self._of = of
        self._is_lasting = False
        self._are_all_asked = False
        self._lookup = lookup
        self._all_names = all_names
        self._found: dict[str, Field | None] = {}
        self._meanings: dict[Name, Meaning] = {}

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str, str, int]]) -> Fields:
        """Hold a dictionary that is there as rows `(name_id, name, role, type, notebooks)`."""
        by_name: dict[str, list[NameRow]] = {}
        for row in rows:
            if row[-1] > 0:
                by_name.setdefault(row[1], []).append(NameRow(*row))
        return cls(lambda name: by_name.get(name, ()), lambda: by_name)

    def lasting(self) -> Fields:
        """The same fields for what is asked later: columns of `runs` are called otherwise when names are added."""
        fields = Fields(
            self._lookup, self._all_names, self.version, self.columns, self.telling, versions=self._versions
        )
        fields._is_lasting = True
        return fields

    @functools.cached_property
    def then(self) -> Fields | None:
        """The fields that versions of notebooks had, as these are those of versions; None if none are kept."""
        return self if self._of == "version" else self._versions()

    def _wide(self, row: NameRow) -> tuple[Columns, bool]:
        return ((), False) if self._is_lasting else (row.columns, row.whole)

    def find(self, name: str) -> Field | None:
        """The field of a bare name, or None if no notebook has it."""
        name = composed(name)
        if name not in self._found:
            rows = [row for row in self._lookup(name) if row.notebooks > 0]
            scraps, parameters = (
                tuple((row.type, row.notebooks) for row in rows if row.role == role) for role in ("scrap", "parameter")
            )
            self._found[name] = Field(rows[0].name_id, name, scraps, parameters, *self._wide(rows[0])) if rows else None
        return self._found[name]

    def names(self) -> list[str]:
        """Every name that a notebook has, in the order of the dictionary."""
        self._are_all_asked = True
        return list(self._all_names())

    @property
    def asked(self) -> tuple[tuple[str, bool], ...] | None:
        """The names that were looked up, and whether as those of versions; None if all were asked for."""
        then = vars(self).get("then")  # which is not asked for here
        of_versions = then.asked if then and then is not self else ()
        if self._are_all_asked or of_versions is None:
            return None
        return (*((name, self._of == "version") for name in self._found), *of_versions)

    def meaning(self, node: Name) -> Meaning:
        """Find the field that a name stands for.

        Raises:
            ExpressionError: there is none, and the nearest names are told; or there are two.
        """
        if node not in self._meanings:
            find = self._of_report if node.role == _REPORT else _attribute if node.role in _TABLES else self._glued
            self._meanings[node] = find(node)
        return self._meanings[node]

    def _of_report(self, node: Name) -> Meaning:
        """Find what `report.state` stands for: people glue dicts as `report`, too."""
        glued = Name("", _REPORT, (node.name, *node.dotted), node.path, span=node.span)
        known = [(self.find(literal), rest) for literal, rest in _readings(glued)]
        if not any(field and ("json" in field.kinds or not rest) for field, rest in known):
            return _attribute(node)
        if f"{_REPORT}.{node.name}" in _ATTRIBUTES:
            raise node.span.error(
                f"`{node}` is known of reports, and something was glued as `report` too: "
                f"write nb.{node} for the one, `report`{str(node).removeprefix(_REPORT)} with backticks for the other"
            )
        return self._glued(glued)

    def _glued(self, node: Name) -> Meaning:
        readings = ((self._in_role(node, literal), rest) for literal, rest in _readings(node))
        known = [Meaning(field, rest + node.path) for field, rest in readings if field]
        if not known and str(node) in _ATTRIBUTES:
            return Meaning(_ATTRIBUTES[f"nb.{_ATTRIBUTES[str(node)].column}"], ())
        if not known:
            raise self._unknown(node)
        if len(known) > 1:
            raise _ambiguous(node, known[0], known[-1])
        return known[0]

    def _in_role(self, node: Name, literal: str) -> Field | None:
        field = self.find(literal)
        if field is None or not node.role:
            return field
        if node.role == "scrap":
            columns = () if field.parameters else field.columns
            return Field(field.name_id, field.name, field.scraps, (), columns, field.whole) if field.scraps else None
        columns = () if field.scraps else field.columns
        return (
            Field(field.name_id, field.name, (), field.parameters, columns, field.whole) if field.parameters else None
        )

    def _unknown(self, node: Name) -> ExpressionError:
        name = ".".join((node.name, *node.dotted))
        other = self.find(name) or self.find(node.name)
        if other:
            there, right = ("scrap", "param") if node.role == "scrap" else ("parameter", "scrap")
            return node.span.error(f"`{other.name}` is no {there}; did you mean `{right}.{other.name}`?")
        if self.then and self.then is not self and self.then.find(name):
            return node.span.error(f"No notebook has `{name}` any more, but versions had: ask for `previous({node})`")
        near = [f"{prefix}.{name}" for prefix in _TABLES if f"{prefix}.{name}" in _ATTRIBUTES]
        near = near or _nearest(name, self.names()) or _nearest(node.name, self.names())
        return node.span.error(f"No {self._of} has a field `{name}`{_question(near)}")


def _ambiguous(node: Name, shorter: Meaning, longer: Meaning) -> ExpressionError:
    prefix = f"{node.role}." if node.role else ""
    keys = "".join(f'["{key}"]' if isinstance(key, str) else f"[{key}]" for key in shorter.path)
    return node.span.error(
        f"`{longer.field.name}` is a name, and also a path into `{shorter.field.name}`: "
        f"write {prefix}`{longer.field.name}` with backticks for the name, "
        f"{prefix}{shorter.field.name}{keys} for the path"
    )


def _attribute(node: Name) -> Meaning:
    if node.role == "nb" and node.name == _REPORT and node.dotted:
        node = Name(_REPORT, node.dotted[0], node.dotted[1:], node.path, span=node.span)
    prefix = f"{node.role}."
    attribute = _ATTRIBUTES.get(f"{prefix}{node.name}")
    if attribute is None:
        known = [name.removeprefix(prefix) for name in _ATTRIBUTES if name.startswith(prefix)]
        near = [f"{prefix}{name}" for name in _nearest(node.name, known) or known]
        raise node.span.error(f"There is no `{prefix}{node.name}`{_question(near)}")
    path = node.dotted + node.path
    if path and attribute.kind != "json":
        raise node.span.error(f"`{attribute.name}` is no dict or list: nothing can be looked up in it")
    return Meaning(attribute, path)


def _readings(node: Name) -> list[tuple[str, tuple[str, ...]]]:
    """The names that words with dots can mean, each with the path that is left over: the shortest name first."""
    words = (node.name, *node.dotted)
    return [(".".join(words[:count]), words[count:]) for count in range(1, len(words) + 1)]


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    folded: dict[str, str] = {}
    for known in names:
        folded.setdefault(known.casefold(), known)
    wanted = name.casefold()
    candidates: Iterable[str] = folded
    if len(folded) > _MANY:
        import heapq

        candidates = heapq.nlargest(
            _MANY // 10,
            folded,
            key=lambda known: len(commonprefix((known, wanted))),  # noqa: RUF071 - they are no paths
        )
    import difflib

    near = difflib.get_close_matches(wanted, candidates, n=3)
    longer = sorted(known for known in folded if known.startswith(wanted) and len(wanted) > 1)[:3]
    return [folded[found] for found in dict.fromkeys([*near, *longer])][:3]


def _question(near: list[str]) -> str:
    if not near:
        return "; `scrapdb fields` lists what there is"
    return f"; did you mean {' or '.join(f'`{name}`' for name in near)}?"
