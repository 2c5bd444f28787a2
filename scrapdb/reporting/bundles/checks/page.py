"""What a template's HTML says by itself: that it loads nothing from elsewhere, and that everybody can read it."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple

from scrapdb.reporting.bundles.bundle import TEMPLATE
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks import code
from scrapdb.reporting.bundles.checks import template
from scrapdb.reporting.bundles.checks.finding import Finding

# What is never closed goes on to the end, so that each of these reads a text once.
_COMMENT = re.compile(r"\{#.*?(?:#\}|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_JINJA = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)", re.DOTALL)
_HOLE = "\x01"  # where Jinja puts something
_TAG = re.compile(r"""<([a-zA-Z][\w-]*)((?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|[^"'>]+)*)(?:>|\Z)""")
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_URL = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)
_LOADED = {"a": (), "area": ()}  # links that a reader follows; whatever else has an address is loaded with the page
_ADDRESSES = ("src", "href", "srcset", "poster", "data", "background", "xlink:href")
_SELF_CONTAINED = ("data:", "#", _HOLE, "about:", "mailto:", "tel:")
_EXTENDS = re.compile(r"\{%-?\+?\s*extends\b")


class _Tag(NamedTuple):
    name: str
    attributes: dict[str, str]
    line: int


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what a page would load, and what keeps somebody from reading it."""
    for name in template.templates(bundle):
        source = bundle.files[name][: template.MOST].decode("utf-8", "replace")
        text = _blanked(source)
        ends = [match.start() for match in re.finditer("\n", text)]
        tags = [_tag(match, ends) for match in _TAG.finditer(text)]
        yield from _loads(name, tags)
        yield from _styles(name, text, ends)
        yield from _pictures(name, tags)
        if name == TEMPLATE and not _EXTENDS.search(source):
            yield from _alone(name, tags)


def _blanked(source: str) -> str:
    """Take away comments, and what Jinja does; lines keep their numbers."""
    without = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), source)
    return _JINJA.sub(lambda match: _HOLE + "\n" * match[0].count("\n"), without)


def _tag(match: re.Match[str], ends: list[int]) -> _Tag:
    found = {each[1].lower(): each[2] or each[3] or each[4] or "" for each in _ATTRIBUTE.finditer(match[2])}
    bare = re.sub(_ATTRIBUTE, "", match[2]).lower().split()
    return _Tag(match[1].lower(), {**dict.fromkeys(bare, ""), **found}, bisect(ends, match.start()) + 1)


def _loads(name: str, tags: list[_Tag]) -> Iterator[Finding]:
    for tag in tags:
        for attribute in _ADDRESSES:
            address = tag.attributes.get(attribute, "").strip()
            if code.is_path(address):
                yield Finding(file=name, line=tag.line, message=f"{address!r:.60} is a path of one machine. {_INSTEAD}")
            elif tag.name not in _LOADED and address and not address.lower().startswith(_SELF_CONTAINED):
                message = f"<{tag.name} {attribute}> loads {address!r:.60}, but a page loads nothing. {_INSTEAD}"
                yield Finding(file=name, line=tag.line, message=message)


def _styles(name: str, text: str, ends: list[int]) -> Iterator[Finding]:
    for match in _URL.finditer(text):
        address = (match[1] or match[2]).strip()
        if not address.lower().startswith(_SELF_CONTAINED):
            message = f"A style loads {address!r:.60}, but a page loads nothing. {_INSTEAD}"
            yield Finding(file=name, line=bisect(ends, match.start()) + 1, message=message)


_INSTEAD = 'Put the file into static/, and write {{ static("NAME") }}.'


def _pictures(name: str, tags: list[_Tag]) -> Iterator[Finding]:
    for tag in tags:
        if tag.name == "img" and "alt" not in tag.attributes:
            message = (
                '<img> has no alt, so that who cannot see it does not know what it shows. Say it, or write alt="".'
            )
            yield Finding(severity="warning", file=name, line=tag.line, message=message)


def _alone(name: str, tags: list[_Tag]) -> Iterator[Finding]:
    """Say what a whole page lacks that ours would have."""
    instead = f'or begin with {{% extends "{template.OURS}report.html" %}}'
    html = next((tag for tag in tags if tag.name == "html"), None)
    if html is None or "lang" not in html.attributes:
        line = html.line if html else 1
        message = f'The page does not say its language. Write <html lang="{{{{ report.language }}}}">, {instead}.'
        yield Finding(severity="warning", file=name, line=line, message=message)
    if not any(tag.name == "title" for tag in tags):
        message = f"The page has no title. Write <title>{{{{ report.title }}}}</title>, {instead}."
        yield Finding(severity="warning", file=name, line=1, message=message)
