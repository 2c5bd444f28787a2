"""A list of reports in a file: `scrapdb report build -f reports.yaml` makes all of it.

`List` is the one table of what can stand there: it reads files, and `schema` publishes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from typing import Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from scrapdb.reporting.making.batch import Entry
from scrapdb.running.batches import said
from scrapdb.running.batches.batch_file import BatchLimits
from scrapdb.running.batches.batch_file import Way
from scrapdb.running.batches.batch_file import check_limits
from scrapdb.running.rows import grid

_Languages = tuple[str, ...] | None


class Listed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reports of one bundle. What is not said here is as the whole list says."""

    bundle: Annotated[str, Meta(description="Path or URL of the bundle.")]
    parameters: Annotated[
        dict[str, Any],
        Meta(description="Values by name; a list has a report for each of its values, in all combinations."),
    ] = {}
    zip: Annotated[bool, Meta(description="Whether the first values belong together, the second, and so on.")] = False
    rows: Annotated[
        str | list[dict[str, Any]] | None,
        Meta(description="A report for each row: rows themselves, a file of them, or `sql:SELECT …` of the store."),
    ] = None
    languages: Annotated[_Languages, Meta(description="A report of each row in each language.")] = None
    name: Annotated[str | None, Meta(description="How to name the directory of each: `{site}-{lang}`.")] = None
    push: Annotated[str | None, Meta(description="Where pages are pushed: `s3://bucket/{bundle}/{site}.html`.")] = None
    pdf: Annotated[bool | None, Meta(description="Whether report.pdf is made as well.")] = None


class List(Way, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"beside": "with"}):
    """What `scrapdb report build -f` is told. Paths are relative to the file."""

    reports: Annotated[tuple[Listed, ...], Meta(description="What is made.")]
    output: Annotated[str | None, Meta(description="Directory of all reports.")] = None
    db: Annotated[str | None, Meta(description="Path of the store.")] = None
    languages: Annotated[_Languages, Meta(description="A report of each row in each language.")] = None
    name: Annotated[str | None, Meta(description="How to name the directory of each: `{site}-{lang}`.")] = None
    push: Annotated[str | None, Meta(description="Where pages are pushed: `s3://bucket/{bundle}/{site}.html`.")] = None
    pdf: Annotated[bool | None, Meta(description="Whether report.pdf is made as well.")] = None
    overwrite: Annotated[
        bool | None, Meta(description="Whether pages are pushed in the place of others, if their content differs.")
    ] = None
    token: Annotated[str | None, Meta(description="What issues the token of each report: a command, a plugin.")] = None
    resume: Annotated[bool | None, Meta(description="Whether to pass over what is completed, unchanged.")] = None

    def entries(self, store: Path, typed: Mapping[str, Any]) -> list[Entry]:
        """Return what is listed.

        Args:
            store: of which rows may be asked.
            typed: what of an entry was typed, which counts.

        Raises:
            UsageError, StoreError: as `grid.read`.
        """
        ours = {name: value for name, value in typed.items() if value is not None}
        return [replace(self._entry(each, store), **ours) for each in self.reports]

    def _entry(self, listed: Listed, store: Path) -> Entry:
        values = {name: value if isinstance(value, list) else [value] for name, value in listed.parameters.items()}
        table = grid.read(listed.rows, store) if isinstance(listed.rows, str) else listed.rows
        return Entry(
            bundle=str(listed.bundle),
            rows=tuple(grid.rows(values, table, zipped=listed.zip)),
            languages=tuple(map(str, (self.languages if listed.languages is None else listed.languages) or ())),
            name=listed.name or self.name,
            pages=("pdf",) if (self.pdf if listed.pdf is None else listed.pdf) else (),
            push=listed.push or self.push,
        )


def read(path: Path) -> List:
    """Read a list of reports.

    Raises:
        UsageError: it cannot be read, or says something wrong; the sentence names the place.
    """
    found = said.read(path, List, {"reports": Listed, "limits": BatchLimits}, "A list of reports")
    check_limits(path, found.limits)
    return _resolved(found, path.parent)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a list of reports."""
    return said.schema(List, "A list of reports of scrapdb report build")


def _resolved(found: List, base: Path) -> List:
    """Return a list whose paths are relative to the working directory; where pages are pushed is one of them."""

    def below(struct: List | Listed, names: Sequence[str]) -> dict[str, str]:
        known = {name: value for name in names if isinstance(value := getattr(struct, name), str)}
        return {name: said.located(value, base) for name, value in known.items()}

    return replace(
        found,
        reports=tuple(replace(each, **below(each, ("bundle", "rows", "push"))) for each in found.reports),
        **below(found, ("output", "db", "push")),
        **found.located(base),
    )
