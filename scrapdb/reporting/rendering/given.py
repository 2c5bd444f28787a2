"""What a page is made of. All of it can be sent to the process that renders."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import msgspec


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table: its name, and `number`, `integer`, `boolean`, `date`, `time`, `duration` or `text`."""

    name: str
    type: str = "text"
    is_index: bool = False

    def __str__(self) -> str:
        """Write its name, which is what a template shows."""
        return self.name


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """A DataFrame, or the first rows of one.

    Args:
        columns: in order, those of the index first.
        rows: a list of JSON values a row; dates and times as ISO 8601, durations as seconds.
        total: how many rows there are, of which `rows` may be the first.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    total: int

    def __len__(self) -> int:
        """Return how many rows are here."""
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the rows, each with its values by column."""
        names = [column.name for column in self.columns]
        return (dict(zip(names, row, strict=False)) for row in self.rows)

    def __getitem__(self, name: str) -> list[Any]:
        """Return the values of a column.

        Raises:
            KeyError: there is no such column.
        """
        place = next((place for place, column in enumerate(self.columns) if column.name == name), None)
        if place is None:
            raise KeyError(name)
        return [row[place] for row in self.rows]


class Image(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """A picture: its MIME type and bytes; `alt` if whoever made it said what it shows."""

    mime: str
    content: bytes
    alt: str = ""


class Run(dict[str, Any]):
    """A row of the store: its columns by label, and its notebook, of which a template may ask for every other field."""

    def __init__(self, notebook: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.notebook = notebook


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page to be rendered.

    Args:
        template: name of the file that is rendered, one of `files`.
        files: contents of templates, of `static/` and of `languages/`, by path.
        language: in which it is to be, as `ca` or `pt_BR`.
        context: by name; dicts, lists, JSON values, `Table`, `Image` and `Run`.
        title: of the report, untranslated.
    """

    template: str
    files: dict[str, bytes]
    language: str
    context: dict[str, Any]
    title: str = ""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A page: HTML in UTF-8, its title in its language, and what is to be remarked, in sentences."""

    html: bytes
    title: str = ""
    warnings: tuple[str, ...] = ()


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What of a page goes into a letter: HTML that shows its pictures by `cid:chart1@scrapdb`, title, text, these."""

    html: str = ""
    title: str = ""
    text: str = ""
    pictures: tuple[Image, ...] = ()
