"""Letters: those of a bundle's own templates, and that a letter can do nothing to whoever reads it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.rendering.inside import letter as inside
from scrapdb.reporting.service.delivering import planning
from scrapdb.reporting.service.delivering.letters import ours
from scrapdb.reporting.service.delivering.letters import words
from scrapdb.reporting.service.delivering.letters import writing
from scrapdb.reporting.service.delivering.letters.letter import Letter
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger.requests import Request
from tests.reporting.service.delivering import desks

TO = "mail:anna@example.com"
HTML = """<title>{{ site }}: {{ share | percent }}</title><h1>{{ _("Voltage") }}</h1>
<p>{{ note }} {{ letter.files | join(", ") }} {{ letter.link }}</p><script src="x.js"></script>
<img src="https://evil.example/track.png"><div style="background:url(https://evil.example/b)"></div>
{{ rows | chart("x", "y", title="Rows") }}"""
TEXT = "{{ site }} & {{ note }}: {{ share | percent }}, {{ letter.kind }}"
SCRAPS = {"share": 0.5, "site": "north", "note": "<b>&", "rows": [{"x": 1, "y": 2}, {"x": 2, "y": 3}]}
CONFIG: dict[str, Any] = {"recipients": ["@example.com"], "url": "https://reports.example.com"}


def letter(desk: Desk, request: Request, template: str | None = "letter") -> Letter:
    delivery = planning.to_reader(desk, request, Target(to=TO, template=template))
    return writing.written(desk, [delivery], 10**7)


def test_a_letter_of_the_bundle(tmp_path: Path) -> None:
    files = {"letter.html": HTML, "letter.txt": TEXT}
    with desks.desk(tmp_path, files=files, **CONFIG) as desk:
        request = desks.over(desk, scraps=SCRAPS)
        made = letter(desk, request)
    assert made.subject == "north: 50%"
    assert made.text == "north & <b>&: 50%, report"
    assert "<p>&lt;b&gt;&amp; " in made.html
    assert f"{request.id}.html" in made.html
    (chart,) = made.pictures
    assert chart.content.startswith(b"\x89PNG")
    assert f'<img src="cid:{chart.name}"' in made.html
    for loaded in ("<svg", "<script", ' src="https', "url(https", "Content-Security-Policy"):
        assert loaded not in made.html


def test_of_one_template_the_other_part_is_made(tmp_path: Path) -> None:
    files = {"a.html": "<h1>A {{ site }}</h1><p>one<br>two</p>", "b.txt": "B <{{ site }}>"}
    with desks.desk(tmp_path, files=files, **CONFIG) as desk:
        request = desks.over(desk, scraps=SCRAPS)
        of_html, of_text = letter(desk, request, "a"), letter(desk, request, "b")
    assert of_html.text.split("\n") == ["A north", "one", "two", ""]
    assert (of_text.subject, of_text.text) == ("Voltage", "B <north>")
    assert "<pre>B &lt;north&gt;</pre>" in of_text.html


@pytest.mark.parametrize(
    ("files", "words_"),
    [
        ({"letter.html": "{{ nothing }}"}, "letter.html cannot be used"),
        ({"letter.txt": "{% for x in %}"}, "letter.txt cannot be used"),
        ({}, "The bundle has no letter.html and no letter.txt."),
    ],
)
def test_a_template_that_is_wrong_gives_way_to_ours_and_that_is_said(
    tmp_path: Path, files: dict[str, str], words_: str
) -> None:
    with desks.desk(tmp_path, files=files, **CONFIG) as desk:
        made = letter(desk, desks.over(desk))
    assert made.subject == "Voltage"
    assert words_ in made.text
    assert words_ in made.html


def test_failures_can_have_a_template_too(tmp_path: Path) -> None:
    files = {
        "letter-failure.txt": "Sorry, {{ parameters.name }}: {{ letter.reason }}",
        "letter-trace.txt": "{{ letter.title }}",
    }
    with desks.desk(tmp_path, files=files, author="mail:ops@example.com", **CONFIG) as desk:
        request = desks.over(desk, state="error", reason="it is broken", parameters={"name": "Anna"})
        trace = next(each for each in planning.planned(desk, request) if each.letter == "trace")
        assert writing.written(desk, [trace], 10**7).text == "Voltage: error"
        failure = trace.__class__(request=request.id, target="mail", address="a@example.com", letter="failure")
        assert writing.written(desk, [failure], 10**7).text == "Sorry, Anna: it is broken"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&{{ 7*7 }}"


def test_no_value_becomes_markup() -> None:
    told = ours.Told(
        title=EVIL,
        language="en",
        opening=EVIL,
        fault=EVIL,
        facts=((EVIL, EVIL),),
        figures=((EVIL, EVIL),),
        others=(EVIL,),
        parts=((EVIL, EVIL),),
        remarks=(EVIL,),
        link=f"https://reports.example.com/{EVIL}",
        foot=EVIL,
    )
    tags = _Tags()
    tags.feed(ours.html(told))
    assert not {"script", "img"} & {tag for tag, _ in tags.found}
    assert not [name for _, given in tags.found for name in given if name.startswith("on")]


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://evil.example/a.png">',
        "<img src=https://evil.example/a.png>",
        "<img src='//evil.example/a.png'>",
        '<img srcset="https://evil.example/a.png 2x">',
        '<img\nsrc\n=\n"https://evil.example/a.png">',
        '<img src="&#104;ttps://evil.example/a.png">',
        '<table background="https://evil.example/a.png">',
        '<video poster="https://evil.example/a.png">',
        '<object data="https://evil.example/a">',
        '<link rel="stylesheet" href="https://evil.example/a.css">',
        '<iframe src="https://evil.example/a">',
        "<script>fetch('https://evil.example')</script>",
        '<form action="https://evil.example"><input>',
        '<p style="background:URL( https://evil.example/a)">',
    ],
)
def test_a_letter_loads_nothing(html: str) -> None:
    made = inside.made(html, 20, whole=True).html
    tags = _Tags()
    tags.feed(made)
    for tag, given in tags.found:
        assert tag not in {"script", "iframe", "form", "object", "link"}
        assert not {"src", "srcset", "background", "poster", "data"} & given.keys()
        assert "url(" not in (given.get("style") or "").lower()


@pytest.mark.parametrize(
    "page", ["<svg " * 300_000, f"<svg>{'<g>' * 200_000}</svg>", '<img src="data:image/png,' * 100_000]
)
def test_a_page_that_nobody_can_look_through_is_sent_without_its_charts(
    tmp_path: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_SECONDS", 0.5)
    with desks.desk(tmp_path, **CONFIG) as desk:
        made = letter(desk, desks.over(desk, page=page), None)
    assert (made.pictures, [file.content.decode() for file in made.files]) == ((), [page])


def test_links_of_a_letter_stay() -> None:
    html = '<a href="https://example.com/?src=1&data=2">a</a>'
    assert inside.made(html, 20, whole=True).html == html


def test_every_language_says_all_of_it() -> None:
    english = {name: getattr(words, name) for name in vars(words) if name.isupper() and not name.startswith("_")}
    for language in ("ar", "ca", "de", "es", "fr", "it", "nl", "pl", "pt", "pt_BR", "en-GB", "tlh"):
        for sentence in english.values():
            fields = set(re.findall(r"%\(\w+\)s", sentence))
            said = words.said(sentence, language)
            assert set(re.findall(r"%\(\w+\)s", said)) == fields
            if language not in {"en-GB", "tlh"}:
                assert said != sentence
    assert (words.direction("ar"), words.direction("ca")) == ("rtl", "ltr")


def test_what_is_read_of_html() -> None:
    html = "<head><title>t</title><style>p{}</style></head><h1>A &amp; B</h1><ul><li>one<li>two</ul><script>x</script>"
    assert inside.as_text(html) == "A & B\none\ntwo\n"


def test_values_are_as_the_language_writes_them(tmp_path: Path) -> None:
    config: dict[str, Any] = {
        "parameters": {
            "site": {"type": "choice", "choices": ["north"], "label": "Site"},
            "share": {"type": "number"},
            "year": {"type": "integer"},
            "note": {},
        },
    }
    given = {"year": 2026, "note": "100 %(x)s {{ 1 }}", "site": "north", "share": 0.25}
    with desks.desk(tmp_path, config, **CONFIG) as desk:
        made = letter(desk, desks.over(desk, parameters=given, language="de"), None)
    assert "Site: north\nshare: 0,25\nyear: 2026\nnote: 100 %(x)s {{ 1 }}\n" in made.text
