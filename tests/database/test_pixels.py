"""How many pixels of pictures differ; numpy counts too."""

from __future__ import annotations

import io
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scrapdb.database.pixels import Pixels
from scrapdb.database.pixels import changed_pixels


def png(pixels: Any, **settings: Any) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG", **settings)
    return written.getvalue()


def test_pixels_are_counted() -> None:
    random = np.random.default_rng(1)
    first, second = (random.integers(0, 2, (30, 20, 3), np.uint8) for _ in range(2))
    expected = sum(
        bool((one != other).any()) for one, other in zip(first.reshape(-1, 3), second.reshape(-1, 3), strict=True)
    )
    assert changed_pixels(png(first), png(second)) == Pixels(expected, ((20, 30), (20, 30)))


def test_bytes_may_differ_where_no_pixel_does() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    one, other = png(pixels, compress_level=0), png(pixels, compress_level=9)
    assert one != other
    assert changed_pixels(one, other).differ == 0


def test_transparency_counts() -> None:
    opaque, clear = np.full((2, 2, 4), 255, np.uint8), np.full((2, 2, 4), 255, np.uint8)
    clear[0, 0, 3] = 0
    assert changed_pixels(png(opaque), png(clear)).differ == 1


@pytest.mark.parametrize("content", [b"", b"no picture", png(np.zeros((9, 9), np.uint8))[:-30]])
def test_what_is_no_picture_is_told(content: bytes) -> None:
    found = changed_pixels(png(np.zeros((9, 9), np.uint8)), content)
    assert (found.differ, found.reason) == (None, "a picture cannot be decoded")


def test_pictures_of_other_sizes() -> None:
    found = changed_pixels(png(np.zeros((2, 3), np.uint8)), png(np.zeros((2, 4), np.uint8)))
    assert found == Pixels(None, ((3, 2), (4, 2)), "their sizes differ")


def test_a_file_that_says_it_is_huge_is_not_decoded() -> None:
    huge = [bytearray(png(np.full((1, 1), shade, np.uint8))) for shade in (0, 1)]
    for content in huge:
        content[16:24] = (10_000).to_bytes(4) * 2
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    assert changed_pixels(*map(bytes, huge)).reason == "there are too many pixels"


def test_without_pillow_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert changed_pixels(b"", b"") == Pixels(None, reason="pixels are compared where Pillow is installed")
