"""The head of a page: what keeps it from loading or running anything, wherever its author has begun it. Pure."""

from __future__ import annotations

import re
from html import escape
from html import unescape

from scrapdb.reporting.rendering.errors import TemplateError

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline' data:; font-src data:; media-src data:; "
    "form-action 'none'; base-uri 'none'"
)
# How a page begins, as far as nobody can read it in two ways: otherwise the policy stands before whatever there is.
_VALUE = rb"""(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+)"""
_ATTRIBUTES = rb"((?:\s+[a-z][a-z:-]*(?:\s*=\s*" + _VALUE + rb")?)*)\s*"
_DOCTYPE = re.compile(rb"\s*(<!doctype[^>]*>)?\s*", re.IGNORECASE)
_HTML = re.compile(rb"<html" + _ATTRIBUTES + rb">\s*", re.IGNORECASE)
_HEAD = re.compile(rb"<head" + _ATTRIBUTES + rb">", re.IGNORECASE)
# Tags and attributes as https://html.spec.whatwg.org/multipage/parsing.html#tag-name-state and what follows read them.
# No part is read twice, so that none takes long.
_ONE = rb"""(=?[^\t\n\f\r />=]++)(?>[\t\n\f\r ]*+=[\t\n\f\r ]*+("[^"]*+"|'[^']*+'|[^\t\n\f\r >"'][^\t\n\f\r >]*+|))?+"""
_BEGIN = re.compile(rb"<(meta|link|base)(?=[\t\n\f\r />])", re.IGNORECASE)
_REST = re.compile(rb"((?>[\t\n\f\r /]++|" + _ONE + rb")*+)>")
_MOST, _LONGEST = 100, 2**17  # tags, and bytes of one
_ATTRIBUTE = re.compile(_ONE)
_CONNECTING = {"dns-prefetch", "preconnect", "prefetch", "preload", "modulepreload", "prerender"}
_SHOWN = 100  # characters of what is left out
_CHARSET = re.compile(rb"<meta\s+charset\s*=", re.IGNORECASE)
_NAME = re.compile(rb"\s([a-z][a-z:-]*)", re.IGNORECASE)
_NEAR = 1024  # bytes in which browsers look for a character set
_TITLE = re.compile(rb"<title\b", re.IGNORECASE)


def without_ways_out(html: bytes) -> tuple[bytes, list[str]]:
    """Return a page without tags by which it would lead elsewhere by itself, which no policy stops, and what they were.

    They become tags of no meaning. What looks like one is taken for one, since what is a tag depends on what is before.

    Raises:
        TemplateError: it has too many tags that could be such.
    """
    parts, left_out, end = [], [], 0
    for count, begin in enumerate(_BEGIN.finditer(html), 1):
        if count > _MOST:
            raise TemplateError(f"A page has at most {_MOST} tags <meta>, <link> and <base>.")
        if shown := _way_out(begin[1].lower(), html[begin.end() : begin.end() + _LONGEST]):
            left_out.append(f"<{begin[1].decode()}{shown}>")
            parts += [html[end : begin.start()], b"<x-"]
            end = begin.start() + 1
    return b"".join([*parts, html[end:]]), left_out


def _way_out(name: bytes, rest: bytes) -> str | None:
    """Return the attributes of a tag that leads elsewhere, of its name and what follows; None of any other."""
    attributes = _REST.match(rest)
    if attributes is None:
        return " …"
    given = {name.lower(): _value(value) for name, value in _ATTRIBUTE.findall(attributes[1])}
    is_way_out = (
        name == b"base"
        or (name == b"meta" and given.get(b"http-equiv", "").strip().lower() == "refresh")
        or (name == b"link" and bool(_CONNECTING & {*given.get(b"rel", "").lower().split()}))
    )
    return attributes[1].decode(errors="replace")[:_SHOWN] if is_way_out else None


def _value(value: bytes) -> str:
    text = value.decode(errors="replace")
    return unescape(text[1:-1] if text[:1] in {'"', "'"} else text)


def completed(html: bytes, language: str, direction: str, title: str) -> bytes:
    """Return a page with the policy, and with its character set, language and title where they are missing."""
    doctype = _DOCTYPE.match(html)
    assert doctype  # noqa: S101 - it can be empty
    begin = _HTML.match(html, doctype.end())
    head = _HEAD.match(html, begin.end() if begin else doctype.end())
    rest = html[(head or begin or doctype).end() :]
    parts = [
        doctype[1] or b"<!doctype html>",
        b"\n",
        _html(begin[1] if begin else b"", language, direction),
        b"<head%s>\n" % (head[1] if head else b""),
        b"" if _CHARSET.search(rest[:_NEAR]) else b'<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'.encode(),
        b"" if _TITLE.search(rest) or not title else b"\n<title>%s</title>" % escape(title).encode(),
        rest if rest.startswith(b"\n") else b"\n" + rest,
    ]
    return b"".join(parts)


def _html(attributes: bytes, language: str, direction: str) -> bytes:
    """Write the first tag of a page, with its language, and the side from which it is read if that is the right."""
    known = {name.lower() for name in _NAME.findall(attributes)}
    more = "" if b"lang" in known else f' lang="{escape(language.replace("_", "-"))}"'
    more += "" if b"dir" in known or direction != "rtl" else ' dir="rtl"'
    return b"<html%s%s>\n" % (attributes, more.encode())
