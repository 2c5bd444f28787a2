"""The process that makes a letter of a page: its pictures stand beside it, and it loads nothing.

What a stranger wrote is looked through here, where it can take no longer and no more memory than it may.
"""

from __future__ import annotations

import base64
import re
import signal
from collections.abc import Callable
from collections.abc import Iterator
from html import escape
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import msgspec

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Letter
from scrapdb.reporting.rendering.inside.wire import TooLongError
from scrapdb.reporting.rendering.inside.wire import Wire
from scrapdb.reporting.rendering.inside.wire import start_clock

_read: Callable[[bytes], frames.Sheet] = frames.decoder(frames.Sheet)
_WIDTH, _HEIGHT = 1_200, 2_400  # pixels, which is sharp on any screen
_LARGEST = 4_000_000  # bytes of a picture
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif"})  # few mail programs show SVG
_SVG = "image/svg+xml"
# A drawing, or a picture that is written out in an address.
_PICTURE = re.compile(
    r"""(?P<svg><svg\b.*?</svg\s*>)|<img\b(?:[^>"']|"[^"]*"|'[^']*')*?\ssrc\s*=\s*(?P<quote>["'])\s*data:(?P<mime>[\w/+.-]+)"""
    r"""(?P<how>[^,"'>]*),(?P<data>[^"'>]*)(?P=quote)(?:[^>"']|"[^"]*"|'[^']*')*>""",
    re.DOTALL | re.IGNORECASE,
)
_ALT = re.compile(r"""\s(?:alt|aria-label)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
# What would be loaded from somewhere when a letter is read, which tells that it is.
_LOADED = re.compile(r"""(\s)(src|srcset|poster|background|data)(\s*=\s*["']?\s*)(?!["']?\s*cid:)""", re.IGNORECASE)
_URL = re.compile(r"\burl\s*\(", re.IGNORECASE)
_ACTING = re.compile(r"<\s*(/?)\s*(script|iframe|object|embed|form|link)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_POLICY = re.compile(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>")  # which would hide what is beside it
_BLOCKS = frozenset({"p", "div", "h1", "h2", "h3", "h4", "table", "tr", "ul", "ol", "li", "br", "section", "dl", "dt"})
_UNSEEN = frozenset({"style", "script", "title", "svg"})
_BOX = re.compile(r"""\bviewBox\s*=\s*["'][\d.+-]+[\s,]+[\d.+-]+[\s,]+([\d.]+)[\s,]+([\d.]+)""")
_SIZE = r"""\s%s\s*=\s*["']([\d.]+)(?:px)?["']"""
_DEFAULT, _SMALLEST = (600.0, 400.0), 1.0  # pixels of a drawing that does not say its size


def main() -> None:
    """Make one letter."""
    wire = Wire()
    task = _read(wire.receive())
    start_clock(task.seconds)
    try:
        letter = made(task.html.decode(errors="replace"), task.most, whole=task.whole)
        answer: frames.Done | frames.Wrong = frames.Done(content=msgspec.msgpack.encode(letter))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        late = isinstance(error, TooLongError)
        answer = frames.Wrong("Making a letter of it takes too long." if late else f"{type(error).__name__}: {error}")
    signal.setitimer(signal.ITIMER_REAL, 0)
    wire.send(answer)


def made(html: str, most: int, *, whole: bool) -> Letter:
    """Return the first pictures of a page, and if wished all of it as a letter that shows them by `cid:`."""
    pictures: list[Image] = []
    parts, end = [], 0
    for match in _found(html, most):
        picture = _picture(match)
        parts.append(html[end : match.start()])
        end = match.end()
        if picture is not None:
            pictures.append(picture)
            style = "max-width:100%;height:auto"
            parts.append(f'<img src="cid:chart{len(pictures)}@scrapdb" alt="{escape(picture.alt)}" style="{style}">')
    if not whole:
        return Letter(pictures=tuple(pictures))
    title = _TITLE.search(html)
    letter = _POLICY.sub("", "".join([*parts, html[end:]]))
    letter = _ACTING.sub(r"<\1x-\2", _URL.sub("none(", _LOADED.sub(r"\1data-\2\3", letter)))
    told = unescape(title[1]).strip() if title else ""
    return Letter(html=letter, title=told, text=as_text(letter), pictures=tuple(pictures))


def as_text(html: str) -> str:
    """Return what can be read of HTML."""
    reader = _Reader()
    reader.feed(html)
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line) + "\n"


class _Reader(HTMLParser):
    """Collects the text of HTML, a block a line."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def _found(html: str, most: int) -> Iterator[re.Match[str]]:
    for number, match in enumerate(_PICTURE.finditer(html)):
        if number == most:
            return
        yield match


def _picture(match: re.Match[str]) -> Image | None:
    """Return a picture as mail programs show it; None if none can be made of it."""
    if match["svg"]:
        mime, content = _SVG, _alone(match["svg"]).encode(errors="replace")
    else:
        mime, content = match["mime"].lower(), _data(match)
    if mime == _SVG:
        mime, content = "image/png", _drawn(content.decode(errors="replace"))
    if mime not in _SHOWN or not 0 < len(content) <= _LARGEST:
        return None
    return Image(mime=mime, content=content, alt=_alt(match[0]))


def _data(match: re.Match[str]) -> bytes:
    data = unescape(match["data"])
    try:
        return base64.b64decode(data) if ";base64" in match["how"].lower() else unquote_to_bytes(data)
    except ValueError:
        return b""


def _drawn(svg: str) -> bytes:
    from vl_convert import svg_to_png

    width, height = _size(svg[: svg.find(">") + 1])
    try:
        return bytes(svg_to_png(svg, scale=min(_WIDTH / width, _HEIGHT / height)))
    except (RuntimeError, ValueError):
        return b""


def _size(head: str) -> tuple[float, float]:
    """Return width and height of a drawing by its first tag, as far as it says them."""
    box = _BOX.search(head)
    given = [re.search(_SIZE % name, head) for name in ("width", "height")]
    sizes = [box[1], box[2]] if box else [each[1] for each in given if each]
    try:
        width, height = (max(float(size), _SMALLEST) for size in sizes)
    except ValueError:
        return _DEFAULT
    return width, height


def _alone(svg: str) -> str:
    """Return a drawing that stands by itself: within HTML its namespaces go without saying."""
    end = svg.find(">")
    names = {"xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink"}
    missing = "".join(f' {name}="{url}"' for name, url in names.items() if f"{name}=" not in svg[:end])
    return f"{svg[:4]}{missing}{svg[4:]}"


def _alt(tag: str) -> str:
    found = _ALT.search(tag[: tag.find(">") + 1] if tag[:4].lower() == "<svg" else tag)
    return unescape(found[1] or found[2] or "") if found else ""
