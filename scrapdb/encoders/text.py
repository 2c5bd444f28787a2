"""Text: the payload is the text itself."""

from __future__ import annotations

from typing import Any

NAME = "text"


def decode(data: Any) -> str:
    """Return the text back; another JSON value as Python prints it, as scrapbook does."""
    return data if isinstance(data, str) else str(data)


def encode(value: Any) -> str:
    """Write a text; another value as Python prints it, as scrapbook does."""
    return value if isinstance(value, str) else str(value)
