from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import scrapbook as sb
from babel.dates import format_date
from babel.numbers import format_decimal
from babel.numbers import format_percent

import scrapdb
from scrapdb import errors
from scrapdb.reporting import report
from scrapdb.reporting.rendering.errors import TemplateError
from tests import notebook_builder as nb
from tests.executed import EXAMPLE

NEAR_HIGH = EXAMPLE / "near-high"
NEAR = "distance < 0.1"
LANGUAGES = ("en", "ca")


def made(directory: Path, template: str, store: Path, **asked: Any) -> str:
    """Make a page of a template."""
    (directory / "template.html").write_text(template)
    (page,) = report.over_store(directory / "template.html", output=directory / "out.html", db=store, **asked)
    return page.path.read_text()


def body(page: str) -> str:
    """Return what a template without a head has written."""
    return html.unescape(
        re.sub(r"<meta [^>]*>|<!doctype html>|<title>[^<]*</title>|</?(html|head|body)\b[^>]*>", "", page)
    ).strip()


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scrapdb", "report", "build", *words]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def glued(ticker_store: Path) -> dict[str, Any]:
    """Everything that scrapbook itself reads of the notebooks, by symbol."""
    read = sb.read_notebooks(str(ticker_store.parent / "tickers")).notebooks
    return {each.scraps["symbol"].data: each.scraps for each in read}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_of_tickers_near_their_high(
    language: str, glued: dict[str, Any], ticker_store: Path, tmp_path: Path
) -> None:
    words = ["--where", NEAR, "--sort", "distance", "--lang", language, "-o", "near.html", "--db", str(ticker_store)]
    ran = run(tmp_path, str(NEAR_HIGH), *words)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "Wrote near.html.\n", 0)
    page = (tmp_path / "near.html").read_text()
    near = sorted((each["distance"].data, symbol) for symbol, each in glued.items() if each["distance"].data < 0.1)
    wanted = []
    for distance, symbol in near:
        prices = glued[symbol]["prices"].data
        numbers = (
            format_decimal(round(prices[name].iloc[-1], 2), "#,##0.00", locale=language) for name in ("price", "ATH")
        )
        percent = format_percent(distance, "#,##0.0%" if language == "en" else "#,##0.0\xa0%", locale=language)
        wanted.append([symbol, percent, *numbers])
        assert format_date(prices.index[-1], "long", locale=language) in html.unescape(page)
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page, re.DOTALL)
    found = [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.split(r"</t[hd]>", row)[:-1]]
        for row in rows
    ]
    assert found == wanted
    pictures = [base64.b64decode(each) for each in re.findall(r'src="data:image/png;base64,([^"]*)"', page)]
    assert pictures == [base64.b64decode(glued[symbol]["chart"].display["data"]["image/png"]) for _, symbol in near]
    assert f'<html lang="{language}" dir="ltr">' in page
    counted = {"en": "2 of 12 tickers are close to their", "ca": "2 de 12 valors són a prop del seu"}
    assert counted[language] in page


def test_the_tickers_are_counted_beside_other_notebooks(ticker_store: Path, tmp_path: Path) -> None:
    shutil.copytree(ticker_store.parent, tmp_path, dirs_exist_ok=True)
    nb.write(tmp_path / "others" / "other.ipynb", nb.notebook(nb.code("glue()", nb.scrap("compliance", 93.2))))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path / "others")
    run(tmp_path, str(NEAR_HIGH), "--where", NEAR, "-o", "near.html")
    assert "2 of 12 tickers" in (tmp_path / "near.html").read_text()


def test_the_example_is_translated_whole(ticker_store: Path, tmp_path: Path) -> None:
    for where in (NEAR, "distance < 0.001", "distance < 0.01"):
        (page,) = report.over_store(NEAR_HIGH, where, tmp_path / "x.html", languages="ca", db=ticker_store)
        assert page.warnings == ()


def test_the_same_bytes_are_made_again(ticker_store: Path, tmp_path: Path) -> None:
    pages = [
        report.over_store(NEAR_HIGH, NEAR, tmp_path / name, sort="distance", db=ticker_store)[0].path.read_bytes()
        for name in ("one.html", "two.html")
    ]
    assert pages[0] == pages[1]


def test_runs_are_the_rows_of_a_query(glued: dict[str, Any], ticker_store: Path, tmp_path: Path) -> None:
    template = '{% for run in runs %}{{ run.symbol }} {{ run["scrap.distance"] }} {{ run.notebook }};{% endfor %}'
    page = body(made(tmp_path, template, ticker_store, where=NEAR, sort="-distance"))
    near = sorted(
        ((each["distance"].data, s) for s, each in glued.items() if each["distance"].data < 0.1), reverse=True
    )
    assert page == "".join(f"{symbol} {distance} tickers/{symbol}.ipynb;" for distance, symbol in near)


def test_a_template_asks_for_what_is_no_column(glued: dict[str, Any], ticker_store: Path, tmp_path: Path) -> None:
    template = """{% set run = runs[0] %}{{ run.message }}|{{ run["nb.status"] }}|{{ run.dj.b }}|{{ run["dj.a"] }}|
{{- run.prices.total }}|{{ run.prices["ATH"]|last }}|{{ run.chart.mime }}|{{ run.nothing is defined }}|
{{- run.notebook }}"""
    page = body(made(tmp_path, template, ticker_store, where="symbol = 'MNO'", columns="symbol"))
    scraps = glued["MNO"]
    prices = scraps["prices"].data
    wanted = [scraps["message"].data, "completed", 2, 1, len(prices), prices["ATH"].iloc[-1], "image/png", False]
    assert page.split("|") == [*map(str, wanted), "tickers/MNO.ipynb"]


def test_a_template_asks_the_store(glued: dict[str, Any], ticker_store: Path, tmp_path: Path) -> None:
    template = """{% for group in groups("close_to_ath") %}{{ group.key }} {{ group.runs|length }},{% endfor %}
{% for run in query("distance > 0.3", columns="symbol", sort="-distance", limit=2) %}{{ run.symbol }},{% endfor %}
{{ frame("prices", "distance < 0.1").total }} {{ frame("prices", run=runs[0], limit=2)|length }}
{{ display(runs[0], "chart").mime }} {{ display("tickers/AAA.ipynb", "chart").content|length }}"""
    lines = body(made(tmp_path, template, ticker_store, columns="symbol", limit=1)).splitlines()
    near = [each["distance"].data < 0.1 for each in glued.values()]
    assert lines[0] == f"False {near.count(False)},True {near.count(True)},"
    far = sorted(((each["distance"].data, s) for s, each in glued.items() if each["distance"].data > 0.3), reverse=True)
    assert lines[1] == "".join(f"{symbol}," for _, symbol in far[:2])
    assert lines[2] == f"{sum(len(glued[s]['prices'].data) for s in ('BCD', 'MNO'))} 2"
    png = base64.b64decode(glued["AAA"]["chart"].display["data"]["image/png"])
    assert lines[3] == f"image/png {len(png)}"


def test_values_are_what_the_store_has(tmp_path: Path) -> None:
    values = {
        "whole": 10**30,
        "real": 0.1,
        "yes": True,
        "many": {"list": [1, None]},
        "items": "a",
        "evil": "<b>{{ 7 * 7 }}",
    }
    nb.write(tmp_path / "runs" / "a.ipynb", nb.gluing(**values))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path / "runs")
    names = ("whole + 1", "real", "yes", "many.list", "items", "evil")
    template = "|".join(f"{{{{ runs[0].{name} }}}}" for name in names)
    page = made(tmp_path, template, tmp_path / "scraps.db", columns="whole, real, yes, many, items, evil")
    assert body(page).split("|") == [str(10**30 + 1), "0.1", "True", "[1, None]", "a", "<b>{{ 7 * 7 }}"]
    assert "&lt;b&gt;{{ 7 * 7 }}" in page


def test_what_somebody_glued_cannot_act(tmp_path: Path) -> None:
    nb.write(tmp_path / "runs" / "a.ipynb", nb.gluing(name="<script>alert(1)</script>", __class__=1))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path / "runs")
    page = made(tmp_path, "{{ runs[0].name }}{{ runs|table }}", tmp_path / "scraps.db", columns="name")
    assert "<script>" not in page
    for attack in ("runs[0].__class__.__mro__", "query.__globals__", "runs[0].update", "display.__self__"):
        with pytest.raises(TemplateError):
            made(tmp_path, f"{{{{ {attack}(1) }}}}", tmp_path / "scraps.db")


@pytest.mark.parametrize(
    ("template", "line", "told"),
    [
        ("\n{{ query('distnce < 1') }}", 2, "No notebook has a field `distnce`; did you mean `distance`?"),
        (
            "{{ runs[0].symbol }}\n\n{{ runs[0].distnce }}",
            3,
            "No notebook has a field `distnce`; did you mean `distance`?",
        ),
        ("{{ display(runs[0], 'chrt') }}", 1, "did you mean chart?"),
        ("\n{{ frame('prces') }}", 2, "did you mean prices?"),
        ("{{ groups() }}", 1, "missing a required argument: 'by'"),
        ("{{ query(limit='many') }}", 1, "limit of query()"),
        ("{{ run.symbol }}", 1, "run"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    template: str, line: int, told: str, ticker_store: Path, tmp_path: Path
) -> None:
    with pytest.raises(TemplateError) as caught:
        made(tmp_path, template, ticker_store)
    assert (caught.value.file, caught.value.line) == ("template.html", line)
    assert told in caught.value.message
    assert not (tmp_path / "out.html").exists()


def test_an_expression_of_the_command_line_is_told_as_ever(ticker_store: Path, tmp_path: Path) -> None:
    (tmp_path / "t.html").write_text("x")
    ran = run(tmp_path, "t.html", "--where", "distnce < 1", "-o", "x.html", "--db", str(ticker_store))
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[:2] == [
        "Error: No notebook has a field `distnce`; did you mean `distance`?",
        "  distnce < 1",
    ]


def test_each_row_has_a_page(glued: dict[str, Any], ticker_store: Path, tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("{{ run.symbol }}: {{ run.distance }} {{ report.language }} {{ runs|length }}")
    words = ("one.html", "--each", "-o", "pages", "--lang", "en,ca", "--where", NEAR, "--db", str(ticker_store))
    ran = run(tmp_path, *words, "--name", "{symbol}-{lang}")
    assert ran.returncode == 0, ran.stderr
    found = {path.name: body(path.read_text()) for path in (tmp_path / "pages").iterdir()}
    near = [(symbol, glued[symbol]["distance"].data) for symbol in ("BCD", "MNO")]
    assert found == {f"{s}-{lang}.html": f"{s}: {distance} {lang} 2" for s, distance in near for lang in LANGUAGES}
    assert run(tmp_path, *words).returncode == 0
    assert {path.name for path in (tmp_path / "pages").iterdir()} == set(found)  # by default the notebook's name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--each", "-o", "x.html"], "several pages are asked for: name a directory"),
        (["--lang", "en,ca", "-o", "x.html"], "several pages are asked for: name a directory"),
        (["--each", "--name", "page"], "tell them apart"),
        (["--each", "--name", "../{symbol}"], "no name below the directory"),
        (["--each", "--name", "{nix}"], "{nix} in the name"),
        (["-o", "one.html"], "one.html is the template itself"),
        ([], "one.html is the template itself"),
        (["-o", "x.html", "--timeout", "3"], "--timeout is for reports whose notebook is run"),
        (["-o", "x.html", "--push", "s3://a/b"], "--push is for reports whose notebook is run"),
        (["-o", "x.html", "-p", "threshold"], "write -p NAME=VALUE"),
        (["-o", "x.html", "--lang", "../../etc"], "is no language"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(words: list[str], told: str, ticker_store: Path, tmp_path: Path) -> None:
    template = "{{ runs|length }}"
    (tmp_path / "one.html").write_text(template)
    ran = run(tmp_path, "one.html", *words, "--db", str(ticker_store))
    assert told in ran.stderr
    assert ran.returncode in {1, 2}
    assert [path.name for path in tmp_path.rglob("*")] == ["one.html"]
    assert (tmp_path / "one.html").read_text() == template


def test_options_of_the_store_are_refused_for_a_bundle_with_a_notebook(tmp_path: Path) -> None:
    nb.write(tmp_path / "bundle" / "report.ipynb", nb.notebook())
    (tmp_path / "bundle" / "template.html").write_text("")
    (tmp_path / "bundle" / "config.json").write_text('{"title": "x"}')
    ran = run(tmp_path, "bundle", "--where", "x")
    assert (ran.returncode, ran.stderr[:20]) == (2, "Error: --where is fo")


def test_parameters_are_typed(ticker_store: Path, tmp_path: Path) -> None:
    (tmp_path / "t.html").write_text("{{ parameters.most + 1 }} {{ parameters.word }}")
    ran = run(tmp_path, "t.html", "-p", "most=0.5", "-p", "word=a=b", "-o", "x.html", "--db", str(ticker_store))
    assert ran.returncode == 0, ran.stderr
    assert body((tmp_path / "x.html").read_text()) == "1.5 a=b"
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "template.html").write_text('{{ query("distance < " ~ parameters.most)|length }} {{ title }}')
    config = {"title": "Near", "parameters": {"most": {"type": "number", "default": 0.1, "range": [0, 1]}}}
    (bundle / "config.json").write_text(json.dumps(config))
    for given, wanted in (((), "2 Near"), (("-p", "most=1"), "12 Near")):
        assert run(tmp_path, "bundle", *given, "-o", "y.html", "--db", str(ticker_store)).returncode == 0
        assert body((tmp_path / "y.html").read_text()) == wanted
    assert "most" in run(tmp_path, "bundle", "-p", "most=2", "--db", str(ticker_store)).stderr


def test_what_lies_beside_a_template_belongs_to_it(ticker_store: Path, tmp_path: Path) -> None:
    shutil.copytree(NEAR_HIGH / "languages", tmp_path / "languages")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("p { color: red }")
    (tmp_path / "secret.txt").write_text("secret")
    template = '{{ _("Ticker") }} {{ static_text("style.css") }}'
    page = made(tmp_path, template, ticker_store, languages="ca")
    assert body(page) == "Valor p { color: red }"
    with pytest.raises(TemplateError):
        made(tmp_path, '{% include "secret.txt" %}', ticker_store)


def test_no_store_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.html").write_text("x")
    with pytest.raises(errors.StoreNotFoundError):
        report.over_store(tmp_path / "t.html", output=tmp_path / "x.html", db=tmp_path / "none.db")
    assert "has no config.json" in run(tmp_path, str(tmp_path)).stderr
