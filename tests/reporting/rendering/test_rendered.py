"""Pages as a whole: what comes through the wall, that it is the same each time, and what a hostile process sends."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering import process
from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Run
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.rendered import TemplateError
from scrapdb.reporting.rendering.rendered import rendered
from tests.reporting.rendering.pages import body
from tests.reporting.rendering.pages import page
from tests.reporting.rendering.pages import render

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
TABLE = Table(
    columns=(
        Column(name="day", type="date", is_index=True),
        Column(name="price", type="number"),
        Column(name="ok", type="boolean"),
        Column(name="took", type="duration"),
    ),
    rows=[["2025-01-31", 1.5, True, 61.0], ["2025-02-01", None, False, None], ["2025-02-02", 10**30, None, 0.5]],
    total=1000,
)


def test_a_table_is_accessible_and_in_the_language() -> None:
    html = body(
        "{{ t|table(_('Prices'), first=2, units={'price': 'EUR'}, labels={'price': _('Price')}) }}", None, "ca", t=TABLE
    )
    assert '<caption>Prices <span class="note">(primeres 2 de 1.000 files)</span></caption>' in html
    assert '<th scope="col" class="number">Price <span class="unit">(EUR)</span></th>' in html
    assert (
        '<tr><th scope="row">31 de gen. 2025</th><td class="number">1,5</td><td>sí</td>'
        '<td class="number">1 min i 1 s</td></tr>' in html
    )
    assert '<td class="number">–</td><td>no</td>' in html
    assert html.count("<tr>") == 3


def test_the_words_of_a_table_in_english_and_in_a_bundle() -> None:
    assert "(first 3 of 1,000 rows)" in body("{{ t }}", t=TABLE)
    po = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    po += 'msgid "first %(first)s of %(total)s rows"\nmsgstr "%(total)s, %(first)s"\n'
    assert "(1 000, 3)" in body("{{ t }}", {"languages/sv/LC_MESSAGES/messages.po": po}, "sv", t=TABLE).replace(
        "\xa0", " "
    )


def test_formats_of_columns() -> None:
    html = body(
        "{{ rows|table(formats={'a': 'percent:1', 'b': 2, 'c': 'money:EUR', 'd': 'date:short'}) }}",
        rows=[{"a": 0.5, "b": 1, "c": 2, "d": "2025-01-31"}],
    )
    for text in ("50.0%", "1.00", "€2.00", "1/31/25"):
        assert f">{text}</td>" in html


def test_tables_and_pictures_behave_in_templates() -> None:
    image = Image(mime="image/png", content=PNG, alt="A dot")
    template = (
        "{{ t|length }} {{ t.total }} {{ t.columns|join(',') }} {{ t['price'][0] }} {{ t.price[0] }} "
        "{{ t.rows[0][0] }} {% for row in t %}{{ row.ok }};{% endfor %} "
        "{{ image }} {{ image|image(alt='', width=40) }} {{ t.columns[0].type }}"
    )
    text = body(template, t=TABLE, image=image)
    assert text.startswith("3 1000 day,price,ok,took 1.5 1.5 2025-01-31 True;False;; <img src=")
    assert 'alt="A dot"> <img src="data:image/png;base64,iVBORw0KGgo' in text
    assert text.endswith('alt="" width="40"> date')


def test_pictures_of_every_kind_are_in_the_page() -> None:
    import base64

    text = base64.b64encode(PNG).decode()
    files: dict[str, bytes | str] = {"static/a b.png": PNG, "static/style.css": "p > a {}", "static/f.woff2": b"x"}
    for value in (text, f"data:image/png;base64,{text}", "a b.png", "static/a b.png", text[:8] + "\n" + text[8:]):
        assert f'<img src="data:image/png;base64,{text}" alt="x">' == body("{{ v|image(alt='x') }}", files, v=value)
    svg = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
    assert "data:image/svg+xml;base64," in body("{{ v|image }}", v=svg)
    assert body("{{ static('f.woff2') }}", files) == "data:font/woff2;base64,eA=="
    assert body("<style>{{ static_text('style.css') }}</style>", files) == "<style>p > a {}</style>"
    assert "no alternative text" in render("{{ v|image }}", v=text).warnings[0]


def test_values_of_any_kind_come_through() -> None:
    values: dict[str, Any] = {
        "nan": math.nan,
        "inf": -math.inf,
        "big": -(10**30),
        "null": None,
        "sur": "\ud800",
        "deep": [{"a": [1, (2, b"x")]}],
    }
    template = "{{ nan }} {{ inf }} {{ big }} [{{ null }}] {{ sur }} {{ deep[0].a[1][0] }}"
    html = rendered(page(template, **values)).html.decode()
    assert html.partition("</title>\n")[2] == "nan -inf -1000000000000000000000000000000 [] \\ud800 2"


def test_a_key_comes_before_a_method() -> None:
    assert body("{{ d.items }} {{ d['values'] }} {{ d.get('a') }}", d={"items": 1, "values": 2, "a": 3}) == "1 2 3"


def test_what_is_nested_too_deeply_is_a_sentence() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TemplateError, match="nested too deeply"):
        render("x", value=value)


def test_a_template_asks_by_name() -> None:
    asked: list[Any] = []

    def query(*args: Any, **kwargs: Any) -> Any:
        asked.append((args, kwargs))
        return [Run(notebook="a.ipynb", values={"price": 10**30}), TABLE]

    def value(notebook: str, name: str) -> Any:
        if name == "symbol":
            return f"{notebook}!"
        raise ScrapdbError(f"There is no field {name!r}.")

    template = (
        "{% set runs = query('x', limit=2, given=run, big=2 ** 70) %}"
        "{{ runs[0].price }} {{ runs[0].symbol }} {{ runs[0]['symbol'] }} "
        "{{ runs[0].nothing is defined }} {{ runs[1]|length }} {{ runs[0].items()|length }}"
    )
    answers = {"query": query, "value": value}
    given = page(template, run=Run(notebook="b.ipynb", values={}))
    html = rendered(given, answers=answers).html.decode()
    assert html.endswith(f"{10**30} a.ipynb! a.ipynb! False 3 1")
    assert asked == [(("x",), {"limit": 2, "given": "b.ipynb", "big": 2**70})]
    with pytest.raises(TemplateError, match=r"^template\.html, line 2: There is no field 'nothing'\.$"):
        rendered(page("\n{{ run.nothing }}", run=Run(notebook="b.ipynb", values={})), answers=answers)


def test_an_answer_that_fails_is_not_hidden() -> None:
    def answer() -> None:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        rendered(page("{{ ask() }}"), answers={"ask": answer})


@pytest.mark.parametrize("wall", ["bubblewrap", "landlock", "limits", "none"])
def test_a_page_is_rendered_behind_each_wall(wall: str) -> None:
    assert rendered(page("{{ 1.5 | number }}", language="ca"), wall=wall).html.endswith(b"1,5")


def test_an_unknown_wall_is_refused() -> None:
    with pytest.raises(UsageError, match="There is no wall 'paper'"):
        rendered(page("x"), wall="paper")


def test_the_page_sees_nothing_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    html = rendered(page("{% for key in scrapdb %}{{ key }}{% endfor %}")).html.decode()
    assert "PATH" not in html.partition("</title>")[2]


SCRIPT = """
import sys
from scrapdb.reporting.rendering.rendered import rendered
from tests.reporting.rendering.pages import page
rows = [{"a": 1.5, "b": "x", "c": "2025-01-31"}] * 30
template = "{% extends 'scrapdb/report.html' %}{% block content %}{{ rows|table('T') }}{{ rows|chart(y='a') }}{{ d }}"
template += "{{ rows|map(attribute='a')|unique|list }}{% endblock %}"
sys.stdout.buffer.write(rendered(page(template, None, "ca", rows=rows, d={"x": 1, "y": 2})).html)
"""


def test_the_same_page_has_the_same_bytes() -> None:
    def run(seed: str) -> bytes:
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"Etc/GMT+{seed}"}
        root = Path(__file__).parents[3]
        return subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=env,
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout

    first = run("1")
    assert first == run("2")
    assert b"<svg" in first


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"nonsense", "something else than a page"),
        (frames.encoded(frames.Answer(1)), "something else than a page"),
        (frames.encoded(frames.Done("no bytes")), "something else than a page"),  # type: ignore[arg-type]
        (b"\xc7\xff\x63" + b"x" * 255, "something else than a page"),
    ],
)
def test_what_a_hostile_process_sends_is_a_sentence(sent: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", _pretending(sent))
    with pytest.raises(TemplateError, match=said):
        rendered(page("x"))


def test_a_process_that_says_it_sends_too_much_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", _PRETENDING.format("struct.pack('>Q', 2 ** 40)"))
    with pytest.raises(TemplateError, match="becomes larger than"):
        rendered(page("x"))


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(3)", "1 / 0"])
def test_a_process_that_ends_is_a_sentence(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", f"import os  # {{0}}\n{end}")
    with pytest.raises(TemplateError, match=r"SIGKILL|ended with 3\.|ZeroDivisionError: division by zero\."):
        rendered(page("x"))


def test_a_process_that_is_silent_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", "import time  # {0}\ntime.sleep(99)")
    with pytest.raises(TemplateError, match=r"takes longer than 0.5 s"):
        rendered(page("x"), seconds=0.5)


def test_a_question_of_nobody_is_refused() -> None:
    with pytest.raises(TemplateError, match="There is no 'query'"):
        render("{{ query() }}")


_PRETENDING = "import os, struct, sys, time  # {{0}}\nos.write(int(sys.argv[1]), {})\ntime.sleep(9)"


def _pretending(sent: bytes) -> str:
    return (
        _PRETENDING.format(f"struct.pack('>Q', {len(sent)}) + {sent!r}")
        .replace("{", "{{")
        .replace("}", "}}")
        .replace("{{{{0}}}}", "{0}")
    )
