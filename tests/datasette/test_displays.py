"""What a page shows of a display, by what there is of it and how long that is."""

from __future__ import annotations

import pytest

from scrapdb.datasette.displays import Shown
from scrapdb.datasette.displays import picture
from scrapdb.datasette.displays import show

LONG_HTML = b"<p>" + b"x" * 2_000_000
LONG_JSON = b'"%s"' % (b"x" * 200_000)
HASHES = {
    "application/json": "j",
    "application/pdf": "d",
    "image/png": "p",
    "image/svg+xml": "s",
    "text/html": "h",
    "text/plain": "t",
}


def shown(**content: bytes | None) -> Shown:
    """Show content by the first letter of its MIME type's name; None for what is there and was not read."""
    mimes = {hash_: mime for mime, hash_ in HASHES.items()}
    return show(
        {mimes[hash_]: hash_ for hash_ in content},
        {mimes[hash_]: data for hash_, data in content.items() if data is not None},
    )


def test_a_picture_need_not_be_read() -> None:
    display = shown(p=None, s=None, h=b"<b>", t=b"x")
    assert (display.picture, display.frame, display.text) == ("p", None, None)
    assert display.others == (("image/svg+xml", "s"), ("text/html", "h"), ("text/plain", "t"))


def test_html_that_is_too_long_leaves_room_for_what_is_not() -> None:
    display = shown(h=LONG_HTML, t=b"short")
    assert (display.frame, display.text) == (None, "short")
    assert display.sentence == "The HTML is too long to be shown here: 2,000,003 bytes."
    assert shown(h=LONG_HTML).sentence == display.sentence


def test_json_that_is_too_long_is_a_download() -> None:
    assert shown(j=b'{"a": 1}', t=b"text").data == {"a": 1}
    assert shown(j=LONG_JSON, t=b"text").text == "text"
    assert shown(j=LONG_JSON) == Shown(
        sentence="It cannot be shown here, only downloaded.", others=(("application/json", "j"),)
    )


def test_text_is_cut() -> None:
    assert shown(t=b"x" * 20_001).text == "x" * 20_000 + "…"


@pytest.mark.parametrize("content", [{"h": None}, {"d": b"%PDF"}, {}])
def test_what_was_not_read_or_has_no_way_to_be_shown_is_a_download(content: dict[str, bytes | None]) -> None:
    assert shown(**content).sentence == "It cannot be shown here, only downloaded."


def test_the_picture_of_a_display_is_the_best_one() -> None:
    assert (picture(HASHES), picture({"text/html": "h", "image/svg+xml": "s"})) == ("p", "s")
    assert picture({"text/html": "h"}) is None
