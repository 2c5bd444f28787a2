"""The pictures of a page as a mail can show them: beside it, and never as SVG, which few mail programs show."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote_to_bytes

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.service.delivering.letters.letter import File

MOST = 6  # of a page that a letter shows, and 20 of a letter that a bundle writes itself
_MOST_OWN = 20
_WIDTH, _HEIGHT = 1_200, 2_400  # pixels, which is sharp on any screen
_LARGEST = 4_000_000  # bytes of a picture
_SHOWN = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}
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


def of_page(html: str) -> tuple[File, ...]:
    """Return the first pictures of a page. What cannot be shown is left out: the page itself has it."""
    found = [*_PICTURE.finditer(html)][:MOST]
    return tuple(file for file in _files(found) if file is not None)


def beside(html: str) -> tuple[str, tuple[File, ...]]:
    """Return a letter whose pictures are beside it, and them; it loads nothing else."""
    found = [*_PICTURE.finditer(html)][:_MOST_OWN]
    parts, files, end = [], [], 0
    for match, file in zip(found, _files(found), strict=True):
        parts.append(html[end : match.start()])
        end = match.end()
        if file is not None:
            files.append(file)
            style = "max-width:100%;height:auto"
            alt = file.alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
            parts.append(f'<img src="cid:{file.name}" alt="{alt}" style="{style}">')
    whole = "".join([*parts, html[end:]])
    whole = _ACTING.sub(r"<\1x-\2", _URL.sub("none(", _LOADED.sub(r"\1data-\2\3", whole)))
    return whole, tuple(files)


def _files(found: list[re.Match[str]]) -> list[File | None]:
    """Return a file for each picture that was found; None where there is none that can be shown."""
    contents = [_content(match) for match in found]
    drawings = [content for mime, content in contents if mime == _SVG]
    drawn = iter(_drawn(drawings))
    made = [("image/png", next(drawn, b"")) if mime == _SVG else (mime, content) for mime, content in contents]
    return [
        File(name=f"chart{number}@scrapdb", mime=mime, content=content, alt=_alt(match[0]))
        if mime in _SHOWN and 0 < len(content) <= _LARGEST
        else None
        for number, (match, (mime, content)) in enumerate(zip(found, made, strict=True), 1)
    ]


def _drawn(drawings: list[bytes]) -> Iterator[bytes]:
    try:
        yield from rendered.pictures(drawings, _WIDTH, _HEIGHT) if drawings else ()
    except ScrapdbError:  # they are in the page that comes with the letter, or to which it leads
        return


def _content(match: re.Match[str]) -> tuple[str, bytes]:
    if match["svg"]:
        return _SVG, _whole(match["svg"]).encode(errors="replace")
    data = unescape(match["data"])
    try:
        content = base64.b64decode(data) if ";base64" in match["how"].lower() else unquote_to_bytes(data)
    except ValueError:
        content = b""
    return match["mime"].lower(), content


def _whole(svg: str) -> str:
    """Return a drawing that stands by itself: within HTML its namespaces go without saying."""
    end = svg.find(">")
    names = {"xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink"}
    missing = "".join(f' {name}="{url}"' for name, url in names.items() if f"{name}=" not in svg[:end])
    return f"{svg[:4]}{missing}{svg[4:]}"


def _alt(tag: str) -> str:
    found = _ALT.search(tag[: tag.find(">") + 1] if tag[:4].lower() == "<svg" else tag)
    return unescape(found[1] or found[2] or "") if found else ""
