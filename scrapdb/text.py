"""Text that neither UTF-8 nor SQLite can hold: lone surrogates, from JSON escapes and from names of files."""

from __future__ import annotations

import re

_SURROGATE = "[\ud800-\udfff]"  # compiled when a text is not ASCII: most commands see none


def has_surrogates(text: str) -> bool:
    """Return whether a text holds lone surrogates, which neither UTF-8 nor SQLite can."""
    return not text.isascii() and re.search(_SURROGATE, text) is not None


def valid_text(text: str) -> str:
    r"""Replace lone surrogates by the way JSON writes them: \ud800."""
    if text.isascii():
        return text
    return re.sub(_SURROGATE, lambda match: f"\\u{ord(match[0]):04x}", text)
