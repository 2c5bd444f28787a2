"""A letter, of which each kind of address takes what it can show."""

from __future__ import annotations

from typing import Any

import msgspec


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or a picture that a letter shows by its name."""

    name: str
    mime: str
    content: bytes
    alt: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is told.

    Args:
        subject: in one line.
        text: for whoever shows no HTML.
        html: whose pictures are those here, by `cid:` and their name.
        pictures: that stand in the HTML.
        files: that come with it.
        link: to the report.
        about: the same for programs, as JSON values.
    """

    subject: str
    text: str
    html: str
    pictures: tuple[File, ...] = ()
    files: tuple[File, ...] = ()
    link: str | None = None
    about: dict[str, Any] = {}
