"""Base64, in which notebooks hold pictures and parquet files; by pybase64, at the speed of memory."""

from __future__ import annotations


def decode(text: str) -> bytes:
    """Decode base64, broken into lines or not.

    Raises:
        ValueError: it is not base64.
    """
    import pybase64

    try:
        return pybase64.b64decode(text.rstrip(), validate=True)
    except ValueError:
        return pybase64.b64decode("".join(text.split()), validate=True)


def encode(content: bytes) -> str:
    """Write base64 in one line."""
    import pybase64

    return pybase64.b64encode(content).decode()
