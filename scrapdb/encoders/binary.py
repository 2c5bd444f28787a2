"""Base64, in which notebooks hold pictures and parquet files."""

from __future__ import annotations


def from_base64(text: str) -> bytes:
    """Decode base64, broken into lines or not.

    Raises:
        ValueError: it is not base64.
    """
    import pybase64

    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        return pybase64.b64decode("".join(text.split()), validate=True)
