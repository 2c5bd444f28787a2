"""What parameters a notebook takes and of which type, and rows of values made to fit. Nothing is executed.

papermill sets parameters in a cell of its own behind the one tagged `parameters`, whose annotations and defaults tell
what they are. In cells that begin with `#ENVIRONMENT`, values are put where `"$NAME"` stands.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import keyword
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.facts import Expression
from scrapdb.notebooks import ipynb
from scrapdb.notebooks.extract import PAPERMILL_MARK
from scrapdb.notebooks.extract import is_python
from scrapdb.notebooks.parameters import Declared
from scrapdb.notebooks.parameters import declared
from scrapdb.running.rows import hints
from scrapdb.running.rows import placeholders
from scrapdb.running.rows import values
from scrapdb.running.rows.placeholders import Placeholder
from scrapdb.running.rows.secrets import looks_secret
from scrapdb.text import composed

_TAG, _INJECTED_TAG = "parameters", "injected-parameters"  # papermill.parameterize.parameterize_notebook
_NO_CELL = "The notebook has no cell tagged `parameters`: any name is taken, and nothing tells its type."
_NOT_FILLED = "Cell {} begins with `#ENVIRONMENT` and is left as it is, since only Python is filled."


class Parameter(msgspec.Struct, frozen=True):
    """A parameter that a notebook takes.

    Args:
        name: its name.
        type: what it takes.
        default: a JSON value or an Expression; UNSET if it has to be given.
        annotation: the source of its annotation.
        binding: whether it takes only that type: an annotation says so, a default does not.
        place: where it takes the place of a `"$NAME"`, for sentences; empty if it does so nowhere.
        injected: whether papermill's cell sets it.
    """

    name: str
    type: values.Type
    default: Any
    annotation: str | None
    binding: bool
    place: str = ""
    injected: bool = True

    def typed(self, value: Any) -> Any:
        """Return a value as the notebook takes it.

        Raises:
            UsageError: it takes no such value.
        """
        try:
            made = values.plain(value)
        except (values.RefusedError, RecursionError) as refused:
            raise UsageError(f"The parameter {self.name} cannot be {values.shown(value)}: {refused}.") from refused
        if type(made) is str and not self.binding and self.type not in values.TIMES:
            return made
        try:
            return values.read(made, self.type)
        except values.RefusedError as refused:
            if self.binding or isinstance(made, values.Text):
                raise UsageError(self._wrong(value)) from refused
            return values.read(made, values.ANY)

    def _wrong(self, value: Any) -> str:
        why = "" if self.binding else f", as its default {values.shown(self.default)} is"
        return f"The parameter {self.name} cannot be {values.shown(value)}: it takes {values.wanted(self.type)}{why}."


class Signature(msgspec.Struct, frozen=True):
    """The parameters that a notebook takes.

    Args:
        parameters: by name, in the order in which the notebook names them.
        open: whether it takes any name.
        python: whether names have to be Python's.
        late: names that the notebook sets itself after a runner has, and in which cell.
        warnings: sentences on the notebook.
    """

    parameters: dict[str, Parameter] = {}
    open: bool = False
    python: bool = True
    late: dict[str, int] = {}
    warnings: tuple[str, ...] = ()

    @property
    def defaults(self) -> dict[str, Any]:
        """The JSON values of the parameters that have one by default."""
        return {
            name: each.default
            for name, each in self.parameters.items()
            if each.default is not UNSET and not isinstance(each.default, Expression)
        }

    def typed(
        self, row: Mapping[str, Any], secrets: Collection[str] = (), allow: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return a row's values as the notebook takes them: JSON values, dates and times.

        Args:
            row: values by name; those that somebody typed are `values.Text`.
            secrets: names of parameters that are given apart.
            allow: names that may be given although they look like secrets.

        Raises:
            UsageError: a value or a name is wrong, or one is missing.
        """
        named = {self.named(name): value for name, value in row.items()}
        apart = {self.named(name): name for name in secrets}
        for name in (*named, *apart):
            self._check_name(name)
        for name in [*apart.values(), *(name for name in named if self._parameter(name).injected)]:
            self._check_identifier(composed(name))
        if len(named) < len(row):
            raise UsageError(f"A parameter is given twice, as names that mean the same: {', '.join(row)}.")
        for name in named:
            if name in apart:
                raise UsageError(f"The parameter {name} is given twice: once as a secret.")
            if looks_secret(name) and name not in map(self.named, allow):
                written = self._parameter(name).place[1:].partition(" ")[0] or name
                raise UsageError(
                    f"The parameter {name} looks like a secret, which would be written into the notebook and the "
                    f"store: give it by `--secret {written}`, or say `--allow {name}` if it is none."
                )
        self._check_missing({*named, *apart})
        return {name: self._parameter(name).typed(value) for name, value in named.items()}

    def named(self, name: str) -> str:
        """Return how the notebook calls a parameter: that of a placeholder may be in another case."""
        name = composed(name)
        placed = (known for known, each in self.parameters.items() if each.place)
        return name if name in self.parameters else placeholders.named(name, placed) or name

    def _check_name(self, name: str) -> None:
        if name in self.late:
            raise UsageError(
                f"The parameter {name} cannot be given: cell {self.late[name]} sets it again, after the cell behind "
                "which papermill sets parameters."
            )
        if not self.open and name not in self.parameters:
            raise UsageError(f"The notebook takes no parameter {name}: {suggestion(name, self.parameters)}")

    def _check_identifier(self, name: str) -> None:
        if self.python and (not name.isidentifier() or keyword.iskeyword(name)):
            raise UsageError(f"{name!r} cannot be the name of a parameter in Python.")

    def _check_missing(self, given: Collection[str]) -> None:
        missing = [each for name, each in self.parameters.items() if each.default is UNSET and name not in given]
        if missing:
            told = [f"{each.name} ({values.wanted(each.type)}{each.place and f': {each.place}'})" for each in missing]
            raise UsageError(f"The notebook needs {', '.join(told)}: no value is given, and there is no default.")

    def _parameter(self, name: str) -> Parameter:
        return self.parameters.get(name) or Parameter(name, values.ANY, None, None, binding=False)


def of(content: bytes, kernel: str | None = None) -> Signature:
    """Find the parameters that a notebook takes.

    Args:
        content: the notebook.
        kernel: name of the kernel that it is run by, if it is not its own.

    Raises:
        ScrapdbError: it cannot be read.
    """
    try:
        notebook = ipynb.read(content)
    except ipynb.UnreadableError as error:
        raise ScrapdbError(f"The notebook cannot be run. {error.problem.message}") from error
    python = is_python({"kernelspec": {"name": kernel}} if kernel else notebook.metadata)
    real = [cell for cell in notebook.cells if PAPERMILL_MARK not in cell.metadata.tags]
    code = [(index, cell) for index, cell in enumerate(real) if cell.cell_type == "code"]
    sources = [(index, ipynb.text(cell.source), cell.metadata.tags) for index, cell in code]
    environment = {index: source for index, source, tags in sources if placeholders.takes(source, tags)}
    filled = environment if python else {}
    taken = [(index, each) for index, source in filled.items() for each in _placeholders(index, source)]
    found = [_unless_filled(each, taken) for each in declared(code)] if python else []
    has_cell = any(_TAG in cell.metadata.tags for _, cell in code) or bool(found)
    place = _place(code)
    aliases = {each.name: each.value.source for each in found if isinstance(each.value, Expression)}
    late = {each.name: each.cell for each in found if each.cell > place and each.value is not UNSET}
    known = {each.name: _parameter(each, aliases) for each in found if each.name not in late}
    return Signature(
        parameters=_placed(known, taken),
        open=not ((has_cell or environment) and python),
        python=python,
        late=late,
        warnings=(
            *(_NOT_FILLED.format(index) for index in environment if not python),
            *(() if has_cell or environment else (_NO_CELL,)),
        ),
    )


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return typed parameters as JSON values: dates and times are ISO 8601 texts."""
    return {name: _json(value) for name, value in parameters.items()}


def canonical(parameters: Mapping[str, Any]) -> str:
    """Write typed parameters as JSON, the same for the same values whatever they were read from; NaN is `NaN`."""
    return json.dumps(plain(parameters), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hashed(parameters: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(parameters).encode("utf-8", "surrogatepass")).hexdigest()


def _place(code: Iterable[tuple[int, ipynb.Cell]]) -> int:
    """Return the index of the cell that papermill replaces by its own, or behind which it puts that; -1 if first."""
    tagged = [(index, cell.metadata.tags) for index, cell in code]
    for tag in (_INJECTED_TAG, _TAG):
        for index, tags in tagged:
            if tag in tags:
                return index
    return -1


def _placeholders(index: int, source: str) -> list[Placeholder]:
    try:
        return placeholders.found(source)
    except placeholders.PlaceholderError as error:
        raise ScrapdbError(f"Cell {index} begins with `#ENVIRONMENT` and {error}.") from error


def _unless_filled(found: Declared, taken: Iterable[tuple[int, Placeholder]]) -> Declared:
    """Return what a cell declares, without a default if a placeholder of its name stands there."""
    names = [each.name for index, each in taken if index == found.cell]
    return found._replace(value=UNSET) if placeholders.named(found.name, names) else found


def _placed(known: Mapping[str, Parameter], taken: Iterable[tuple[int, Placeholder]]) -> dict[str, Parameter]:
    """Return parameters with those that placeholders take, which are texts unless somebody says otherwise."""
    made = dict(known)
    for index, (name, line, annotation) in taken:
        spelled = placeholders.named(name, made) or (name.lower() if name.isupper() else name)
        type_ = hints.of_annotation(annotation or "")
        new = Parameter(spelled, type_ or values.STR, UNSET, annotation, binding=type_ is not None, injected=False)
        each = made.get(spelled, new)
        made[spelled] = replace(each, place=each.place or f"${name} in line {line} of cell {index}")
    return made


def _parameter(found: Declared, aliases: Mapping[str, str]) -> Parameter:
    annotation = found.annotation or ""
    type_ = hints.of_annotation(aliases.get(annotation, annotation))
    if type_ == values.NONE:  # who says no more than what stands there
        type_ = None
    if type_ and found.value is None:
        type_ = values.union([type_, values.NONE])
    return Parameter(
        found.name,
        type_ or hints.of_default(found.value),
        found.value,
        found.annotation,
        binding=type_ is not None,
    )


def _json(value: Any) -> Any:
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list) else value
