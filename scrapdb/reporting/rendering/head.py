"""The head of a page: what keeps it from loading or running anything, wherever its author has begun it. Pure."""

from __future__ import annotations

import re

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline' data:; font-src data:; media-src data:; "
    "form-action 'none'; base-uri 'none'"
)
# How a page begins, as far as nobody can read it in two ways: otherwise the policy stands before whatever there is.
_VALUE = rb"""(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+)"""
_ATTRIBUTES = rb"(?P<%s>(?:\s+[a-z][a-z:-]*(?:\s*=\s*" + _VALUE + rb")?)*)\s*"
_START = re.compile(
    rb"\s*(?P<doctype><!doctype[^>]*>)?\s*(?:<html"
    + _ATTRIBUTES % b"html"
    + rb">\s*(?:<head"
    + _ATTRIBUTES % b"head"
    + rb">)?)?",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"<meta\s+charset\s*=", re.IGNORECASE)


def completed(html: bytes, language: str, direction: str) -> bytes:
    """Return a page with the policy, and with its character set and language where they are missing."""
    start = _START.match(html)
    assert start  # noqa: S101 - it can be empty
    end = start.end()
    begin, rest = start[0], html[end:]
    charset = b"" if _CHARSET.search(rest[:1024]) else b'<meta charset="utf-8">'
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'.encode()
    return begin + charset + policy + rest
