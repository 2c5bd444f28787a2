"""The head of a page: what keeps it from loading or running anything, wherever its author has begun it. Pure."""

from __future__ import annotations

import re
from html import escape

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
_CHARSET = re.compile(rb"<meta\s+charset\s*=", re.IGNORECASE)
_NAME = re.compile(rb"\s([a-z][a-z:-]*)", re.IGNORECASE)
_NEAR = 1024  # bytes in which browsers look for a character set
_TITLE = re.compile(rb"<title\b", re.IGNORECASE)


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
