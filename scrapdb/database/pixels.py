"""Two pictures: how many of their pixels differ. Pictures are decoded by Pillow, where it is installed."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING
from typing import NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST = 50_000_000  # pixels: a file of a few bytes may say that it has billions


class Pixels(NamedTuple):
    """How many pixels differ, of pictures of one size; None with the reason why nobody can tell."""

    differ: int | None
    sizes: tuple[tuple[int, int], ...] = ()
    reason: str | None = None


def changed_pixels(first: bytes, second: bytes) -> Pixels:
    """Compare the pixels of two PNG files, transparency included."""
    try:
        from PIL import Image
    except ImportError:
        return Pixels(None, reason="pixels are compared where Pillow is installed")
    try:
        with warnings.catch_warnings(action="ignore"):  # of many pixels
            one, other = (Image.open(io.BytesIO(content), formats=["PNG"]) for content in (first, second))
        if one.size != other.size:
            return Pixels(None, (one.size, other.size), "their sizes differ")
        if one.width * one.height > _MOST:
            return Pixels(None, (one.size, other.size), "there are too many pixels")
        return Pixels(_count(one, other), (one.size, other.size))
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return Pixels(None, reason="a picture cannot be decoded")


def _count(one: Image, other: Image) -> int:
    import numpy as np

    first, second = (np.asarray(picture.convert("RGBA")) for picture in (one, other))
    return int((first != second).any(axis=2).sum())
