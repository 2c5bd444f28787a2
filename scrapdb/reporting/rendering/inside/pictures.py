"""The process that makes pictures of drawings: it is told SVG, loads nothing, and answers with PNG."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import msgspec

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering.inside.wire import TooLongError
from scrapdb.reporting.rendering.inside.wire import Wire
from scrapdb.reporting.rendering.inside.wire import start_clock

_read: Callable[[bytes], frames.Drawings] = frames.decoder(frames.Drawings)
_SVG = re.compile(rb"<svg\b[^>]*>")
_BOX = re.compile(rb"""\bviewBox\s*=\s*["'][\d.+-]+[\s,]+[\d.+-]+[\s,]+([\d.]+)[\s,]+([\d.]+)""")
_SIZE = rb"""\s%s\s*=\s*["']([\d.]+)(?:px)?["']"""
_SMALLEST = 1.0  # pixels


def main() -> None:
    """Make the pictures; an empty one stands for a drawing of which none can be made."""
    wire = Wire()
    task = _read(wire.receive())
    start_clock(task.seconds)
    try:
        made = [_made(svg, task) for svg in task.svgs]
        answer: frames.Done | frames.Wrong = frames.Done(content=msgspec.msgpack.encode(made))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        late = isinstance(error, TooLongError)
        answer = frames.Wrong("Making pictures takes too long." if late else f"{type(error).__name__}: {error}")
    signal.setitimer(signal.ITIMER_REAL, 0)
    wire.send(answer)


def _made(svg: bytes, task: frames.Drawings) -> bytes:
    from vl_convert import svg_to_png

    width, height = _size(svg)
    scale = min(task.width / width, task.height / height)
    try:
        return bytes(svg_to_png(svg.decode(errors="replace"), scale=scale))
    except (RuntimeError, ValueError):
        return b""


def _size(svg: bytes) -> tuple[float, float]:
    """Return width and height of a drawing, as far as it says them."""
    head = found[0] if (found := _SVG.search(svg)) else b""
    if box := _BOX.search(head):
        sizes = [box[1], box[2]]
    else:
        sizes = [each[1] if (each := re.search(_SIZE % name, head)) else b"600" for name in (b"width", b"height")]
    try:
        width, height = (max(float(size), _SMALLEST) for size in sizes)
    except ValueError:
        return 600.0, 400.0
    return width, height
