from __future__ import annotations

import base64
from html.parser import HTMLParser

import pytest

from scrapdb.formats.sandbox import picture
from scrapdb.formats.sandbox import sandboxed

SCRIPT = "<script>parent.document.title = 'owned'</script>"
BREAKOUTS = [
    SCRIPT,
    f'"></iframe>{SCRIPT}',
    f"'></iframe>{SCRIPT}",
    f"</iframe>{SCRIPT}",
    f"&quot;&gt;&lt;/iframe&gt;{SCRIPT}",
    f'" onload="alert(1)" x="{SCRIPT}',
    '" sandbox="allow-scripts" x="',
    '" src="https://example.org" x="',
    f"--></iframe>{SCRIPT}<!--",
    f"<!-- {SCRIPT}",
    f"]]></iframe>{SCRIPT}",
    f"</html></iframe>{SCRIPT}",
    f"<head></head><body>{SCRIPT}</body>",
    f"</head><meta http-equiv='Content-Security-Policy' content='script-src *'>{SCRIPT}",
    f"<!doctype html><html><head>{SCRIPT}",
    f"<title>{SCRIPT}",
    f"<textarea>{SCRIPT}</textarea>",
    f"\x00</iframe>{SCRIPT}",
    f"\ufeff</iframe>{SCRIPT}",
    f"</IFRAME\n>{SCRIPT}",
    f"</iframe/>{SCRIPT}",
    "<base href='https://example.org'>",
    "<svg onload=alert(1)>",
    "&#34;&#62;<img src=x onerror=alert(1)>",
    "",
]


class Elements(HTMLParser):
    """Collects the elements of a document, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs)), "the first of two attributes counts"

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("document", BREAKOUTS)
def test_a_document_stays_in_its_frame(document: str) -> None:
    elements = Elements(sandboxed(document))
    ((tag, attributes),) = elements.found
    assert (tag, elements.text) == ("iframe", "")
    assert attributes.keys() == {"sandbox", "style", "srcdoc"}
    assert attributes["sandbox"] == ""


@pytest.mark.parametrize("document", BREAKOUTS)
def test_the_policy_comes_before_all_of_the_document(document: str) -> None:
    ((_, attributes),) = Elements(sandboxed(document)).found
    inner = attributes["srcdoc"]
    assert inner is not None
    assert inner.endswith(document)
    tag, policy = Elements(inner).found[0]
    assert tag == "meta"
    assert policy["http-equiv"] == "Content-Security-Policy"
    directives = dict(directive.strip().split(" ", 1) for directive in (policy["content"] or "").split(";"))
    assert directives == {
        "default-src": "'none'",
        "img-src": "data: blob:",
        "style-src": "'unsafe-inline'",
        "font-src": "data:",
    }


@pytest.mark.parametrize("mime", ["image/svg+xml", '"><script>', "x onerror=alert(1)"])
def test_a_picture_is_one_element_with_its_bytes_inside(mime: str) -> None:
    content = f'<svg onload="alert(1)">{SCRIPT}</svg>"'.encode()
    elements = Elements(picture(mime, content))
    ((tag, attributes),) = elements.found
    assert (tag, {*attributes}, elements.text) == ("img", {"alt", "src"}, "")
    head, encoded = (attributes["src"] or "").rsplit(",", 1)
    assert head == f"data:{mime};base64"
    assert base64.b64decode(encoded) == content
