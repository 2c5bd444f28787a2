from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import BundleError
from scrapdb.reporting.bundles import new
from scrapdb.reporting.bundles import translate
from scrapdb.reporting.bundles.checks import checking
from scrapdb.reporting.bundles.checks import template
from scrapdb.reporting.rendering.inside.filters import FILTERS
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import markdown
from tests.notebook_builder import notebook

KERNEL = {"name": "python3", "language": "python", "display_name": "Python 3"}
Edit = Callable[[Path], None]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    new.begin(tmp_path / "sales")
    return tmp_path / "sales"


def found(bundle: Path) -> list[str]:
    return [f"{each.place}: {each.severity}: {each.message}" for each in checking.checked(str(bundle))]


def page(bundle: Path, body: str, *, alone: bool = False) -> None:
    """Have a template of this body, with nothing to translate."""
    head = "" if alone else '{% extends "scrapdb/report.html" %}'
    foot = "" if alone else "{% endblock %}"
    begin = "" if alone else "{% block content %}"
    (bundle / "template.html").write_text(f"{head}{begin}\n{body}{foot}")


def cells(bundle: Path, *given: Any, **metadata: Any) -> None:
    (bundle / "report.ipynb").write_bytes(content(notebook(*given, kernelspec=KERNEL, **metadata)))


def said(bundle: Path, **values: Any) -> None:
    path = bundle / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "asks": [], **values}))


def translated(bundle: Path, *pairs: tuple[str, str]) -> None:
    path = bundle / "languages/ca/LC_MESSAGES/messages.po"
    text = path.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    translate.compiled(str(bundle))


def test_what_is_begun_is_without_fault(bundle: Path) -> None:
    assert found(bundle) == []


@pytest.mark.parametrize(
    ("body", "sentences"),
    [
        ("{{ shop }} {{ total }} {{ sales }}", []),
        ("{{ pric }}", ["template.html:2: error: Nothing gives pric; there are "]),
        ("\n{{ totl }}", ["template.html:3: error: Nothing gives totl; did you mean total"]),
        ("{% for a in sales %}{{ a.b }}{{ loop.index }}{% endfor %}{{ a }}", ["Nothing gives a;"]),
        ("{% set a = 1 %}{{ a }}{% macro m(x) %}{{ x }}{{ caller() }}{% endmacro %}{{ m(1) }}", []),
        ("{{ nope is defined }}{{ other | default(1) }}{{ nope }}", []),
        (
            "{{ range(3) }}{{ report.title }}{{ number(3) }}{{ _('Shop') }}{{ ngettext('a', 'b', 1) }}",
            ["“a” (template.html:2) has no translation, and is not in this file"],
        ),
        ("{{ parameters.shop }}{{ parameters['days'] }}{{ parameters.items() }}", []),
        ("{{ parameters.shp }}", ["template.html:2: error: config.json has no parameter shp; did you mean shop?"]),
        ("{{ parameters['shp'] }}", ["config.json has no parameter shp; did you mean shop?"]),
        ("{{ report.titel }}", ["template.html:2: error: A report has no titel; did you mean title?"]),
        ("{% if %}", ["template.html:2: error: Expected an expression, got 'end of statement block'."]),
        ("{{ total | mony }}", ["template.html:2: error: No filter named 'mony'."]),
        ("{{ total is mony }}", ["template.html:2: error: No test named 'mony'."]),
        ("{% include 'nope.html' %}", ["template.html:2: error: There is no template nope.html; "]),
        ("{% include 'nope.html' ignore missing %}", []),
        ("{% include ['nope.html', 'template.html'] %}", ["There is no template nope.html"]),
        ("{% import '../../etc/passwd' as x %}", ["There is no template ../../etc/passwd"]),
        ("{{ static('style.css') }}{{ 'style.css' | static_text }}", []),
        ("{{ static('no.png') }}", ["template.html:2: error: There is no static/no.png; there is style.css."]),
        ("<img src='/home/me/a.png' alt=''>", ["template.html:2: error: '/home/me/a.png' is a path of one machine"]),
        ("<a href='file:///etc/passwd'>x</a>", ["'file:///etc/passwd' is a path of one machine"]),
        ("<img src='C:\\Users\\a.png' alt=''>", ["is a path of one machine"]),
        (
            "<img src='logo.png' alt=''>",
            ["template.html:2: error: <img src> loads 'logo.png', but a page loads nothing."],
        ),
        ("<script src=https://x.org/a.js></script>", ["<script src> loads 'https://x.org/a.js'"]),
        ("<link rel='stylesheet'\n href='style.css'>", ["<link href> loads 'style.css'"]),
        (
            "<style>@import 'a.css'; p { background: url(b.png) }</style>",
            ["A style loads 'a.css'", "A style loads 'b.png'"],
        ),
        ("<a href='https://x.org'>x</a><a href='#a'>b</a>", []),
        ("<img src='{{ static('style.css') }}' alt='x'><img alt src='data:image/png;base64,AA'>", []),
        ("<!-- <img src=a> -->{# <img src=a> #}<p title='<img src=a>'>", []),
        ("<img src='data:,'>", ["template.html:2: warning: <img> has no alt"]),
    ],
)
def test_templates(bundle: Path, body: str, sentences: list[str]) -> None:
    page(bundle, body)
    told = found(bundle)
    assert len(told) == len(sentences)
    for sentence, one in zip(sentences, told, strict=True):
        assert sentence in one


def test_it_knows_what_the_pages_of_templates_know() -> None:
    assert set(FILTERS) == set(template.FILTERS)


def test_a_template_that_stands_alone(bundle: Path) -> None:
    page(bundle, "<p>{{ shop }}</p>", alone=True)
    language, title = found(bundle)
    assert language.startswith("template.html:1: warning: The page does not say its language")
    assert title.startswith("template.html:1: warning: The page has no title")
    page(bundle, "<html lang={{ report.language }}><title>x</title>", alone=True)
    assert found(bundle) == []


def test_what_templates_share(bundle: Path) -> None:
    page(
        bundle,
        "{% for row in sales %}{% include 'parts/row.html' %}{% endfor %}{% from 'parts/m.html' import m %}{{ m() }}",
    )
    (bundle / "parts").mkdir()
    (bundle / "parts/row.html").write_text("{{ row.revenue }}{{ unknown }}")
    (bundle / "parts/m.html").write_text("{% macro m() %}{{ total }}{% endmacro %}\n{{ 1 +")
    assert [each.partition(";")[0] for each in found(bundle)] == [
        "parts/m.html:2: error: unexpected end of template",
        "parts/row.html:1: error: Nothing gives unknown",
    ] or len(found(bundle)) == 2


@pytest.mark.parametrize(
    "source",
    [
        "output = make()\njson.dump(output, open('output.json', 'w'))",
        "output = {**other, 'a': 1}\njson.dump(output, open('output.json', 'w'))",
        "output = {'a': 1}\noutput[key] = 2\njson.dump(output, open('output.json', 'w'))",
        "output = {'a': 1}\noutput.update(more)\njson.dump(output, open('output.json', 'w'))",
        "scrapdb.glue(name, 1)",
        "for name in names: glue(f'{name}_x', 1)",
        "write('output.json')",
        "%%bash\necho '{}' > output.json",
    ],
)
def test_names_that_only_a_run_would_tell_are_not_judged(bundle: Path, source: str) -> None:
    page(bundle, "{{ anything }}")
    said(bundle, parameters={})
    cells(bundle, code(source))
    assert [each for each in found(bundle) if "error" in each] == []


@pytest.mark.parametrize(
    "source",
    [
        "json.dump({'a': 1, 'b': 2}, open('output.json', 'w'))",
        "output = dict(a=1)\noutput['b'] = 2\nopen('output.json', 'w').write(json.dumps(output, default=str))",
        "output: dict = {'a': 1}\noutput |= {'b': 2}\nPath('output.json').write_text(json.dumps(output))",
        "output = {'a': 1}\noutput.update(b=2)\nwith open(f'{here}/output.json', 'w') as f: json.dump(output, f)",
        "scrapdb.glue('a', 1)\nsb.glue(name='b', data=2)",
        "glue('a', 1)\njson.dump({'b': 2}, open('output.json', 'w'))",
    ],
)
def test_names_that_the_code_tells(bundle: Path, source: str) -> None:
    page(bundle, "{{ a }}{{ b }}{{ c }}")
    said(bundle, parameters={})
    cells(bundle, code(source))
    assert [each.partition(";")[0] for each in found(bundle)] == ["template.html:2: error: Nothing gives c"]


WRITES = code("json.dump({'a': 1}, open('output.json', 'w'))")


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ([code("x = 1"), WRITES], []),
        (
            [
                WRITES,
                markdown("text"),
                code("# nothing"),
                code(""),
                code("#NOEXECUTE\nx"),
                code("x", tags=("skip-execution",)),
            ],
            [],
        ),
        (
            [WRITES, code("x = 1")],
            ["report.ipynb, cell 1: error: This cell comes after the output, which cell 0 gives."],
        ),
        ([WRITES, code("scrapdb.glue('b', 1)")], []),
        ([code("scrapdb.glue('b', 1)"), code("x = 1")], []),
        ([code("x = 1")], ["report.ipynb: warning: No cell writes output.json or glues anything"]),
        (
            [code("a = (", count=None), WRITES],
            ["report.ipynb, cell 0, line 1: error: This is no Python: '(' was never closed."],
        ),
        (
            [code("#environment\na = '$A'\nb = f\"{x} $B_C $B_C\"\nd = '$$D'\nl = '$LANGUAGE'"), WRITES],
            ["cell 0, line 2: error: Nothing fills $A", "cell 0, line 3: error: Nothing fills $B_C"],
        ),
        ([code("a = '$A'"), WRITES], []),
        ([code("# Environment variables\na = '$A'"), WRITES], []),
        (
            [code("open('/home/me/x.csv')"), WRITES],
            ["cell 0, line 1: error: '/home/me/x.csv' is a path of one machine."],
        ),
        (
            [code("\nx = f'~/{y}'\nurl = '/api/v1/data'"), WRITES],
            ["cell 0, line 2: error: '~/' is a path of one machine."],
        ),
        (
            [code("r'C:\\Users\\me'\n'\\\\\\\\server\\\\share'\n'https://x.org/home/a'"), WRITES],
            ["line 1: error", "line 2: error"],
        ),
        ([code("%cd /home/me\n!cat ~/x"), WRITES], ["line 1: error: '/home/me'", "line 2: error: '~/x'"]),
        ([code("#NOEXECUTE\nopen('/home/me/x.csv')"), WRITES], []),
    ],
)
def test_notebooks(bundle: Path, given: list[Any], sentences: list[str]) -> None:
    page(bundle, "{{ a }}")
    said(bundle, parameters={})
    cells(bundle, *given)
    told = [each for each in found(bundle) if "Nothing gives a;" not in each]
    assert len(told) == len(sentences)
    for sentence, one in zip(sentences, told, strict=True):
        assert sentence in one


def test_parameters_of_notebook_and_config(bundle: Path) -> None:
    page(bundle, "{{ a }}")
    said(bundle, parameters={"site": {}, "from_day": {"type": "date"}})
    cells(
        bundle,
        code("sit = 'north'\nextra = 1\nlanguage = 'en'", tags=("parameters",)),
        code("#ENVIRONMENT\nd = '$FROM_DAY'"),
        WRITES,
    )
    assert found(bundle) == [
        "config.json: error: parameters.site: the notebook takes no such parameter; did you mean sit?",
        *(
            f"report.ipynb: warning: The notebook takes {name}, which config.json does not name, so that nobody can "
            "ask for it."
            for name in ("sit", "extra")
        ),
    ]
    cells(bundle, code("print(site, from_day)"), WRITES)
    assert found(bundle) == []
    cells(bundle, code("print(site)"), WRITES)
    (told,) = found(bundle)
    assert told.startswith(
        "config.json: error: parameters.from_day: the notebook takes no such parameter; tag the cell"
    )


def test_what_is_no_notebook(bundle: Path) -> None:
    (bundle / "report.ipynb").write_text("{")
    (told,) = found(bundle)
    assert told.startswith("report.ipynb: error: ")


def test_a_template_over_the_store(bundle: Path) -> None:
    (bundle / "report.ipynb").unlink()
    said(bundle, parameters={})
    page(bundle, "{% for run in runs %}{{ run.x }}{% endfor %}{{ query('a') }}{{ nope }}")
    assert [each.partition(";")[0] for each in found(bundle)] == ["template.html:2: error: Nothing gives nope"]


def test_kernels_and_packages(bundle: Path) -> None:
    said(bundle, kernel="pyton3")
    assert found(bundle) == ["config.json: error: The kernel pyton3 is not installed; did you mean python3?"]
    said(bundle, kernel=None)
    (bundle / "requirements.txt").write_text("six\n")
    (told,) = found(bundle)
    assert told.startswith("requirements.txt: warning: The packages that sales asks for")
    (bundle / "requirements.txt").write_text("-e .\n")
    (told,) = found(bundle)
    assert told.startswith("requirements.txt: error: requirements.txt:1 wants a package in place")


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ('msgstr "Botiga"', 'msgstr ""', [":24: error: “Shop” (config.json:6) has no translation."]),
        ('msgstr "Olot"', 'msgstr ""', [": warning: “Olot” (config.json:6) has no translation."]),
        (
            'msgid "Shop"',
            '#, fuzzy\nmsgid "Shop"',
            ["“Shop” (config.json:6) has only a fuzzy translation, which is not used."],
        ),
        (
            'msgid "Shop"',
            'msgid "Shops"',
            ["“Shop” (config.json:6) has no translation, and is not in this file: `scrapdb"],
        ),
        ("%(shown)s de clients", "", ["cannot be used: 1 of 3 plural forms missing."]),
        (
            "%(shown)s de clients",
            "%(show)s",
            ["customer” (template.html:13) has a translation that cannot be used: the text has no %(show)s."],
        ),
        (
            "En els %(days)s dies",
            "Els dies",
            [": warning: “In the %(days)s days from %(first)s on, most was sold on %(b…” says %(days)s, which"],
        ),
    ],
)
def test_translations(bundle: Path, before: str, after: str, sentences: list[str]) -> None:
    if not after:
        before, after = 'msgstr[1] "de %(shown)s de clients"', 'msgstr[1] ""'
    translated(bundle, (before, after))
    told = found(bundle)
    assert len(told) == len(sentences)
    for sentence, one in zip(sentences, told, strict=True):
        assert one.startswith("languages/ca/LC_MESSAGES/messages.po:")
        assert sentence in one


def test_compiled_translations(bundle: Path) -> None:
    place = bundle / "languages/ca/LC_MESSAGES"
    text = (place / "messages.po").read_text()
    (place / "messages.po").write_text(text.replace("Botiga", "Tenda"))
    (told,) = found(bundle)
    assert told.startswith(
        "languages/ca/LC_MESSAGES/messages.mo: error: It says something else than the .po beside it."
    )
    (place / "messages.mo").write_bytes(b"no mo")
    (told,) = found(bundle)
    assert told.startswith("languages/ca/LC_MESSAGES/messages.mo: error: It cannot be read: ")
    (place / "messages.mo").unlink()
    (told,) = found(bundle)
    assert told.startswith("languages/ca/LC_MESSAGES/messages.mo: warning: It is missing")
    translate.compiled(str(bundle))
    (place / "messages.po").write_text('msgid "a\n')
    (told,) = found(bundle)
    assert told.startswith("languages/ca/LC_MESSAGES/messages.po:1: error: Cannot be read: ")
    (place / "messages.po").unlink()
    assert found(bundle) == []
    (bundle / "template.html").write_text((bundle / "template.html").read_text() + '{{ _("More") }}')
    (told,) = found(bundle)
    assert told.startswith("languages/ca/LC_MESSAGES/messages.mo: error: “More” (template.html:42) has no translation.")


def test_languages(bundle: Path) -> None:
    said(bundle, languages=["en", "ca", "de"])
    (told,) = found(bundle)
    assert told.startswith("languages/de/LC_MESSAGES/messages.po: error: There are no translations to de.")
    said(bundle, languages=["en"])
    (told,) = found(bundle)
    assert told.startswith("languages/ca: warning: config.json does not name ca among its languages.")


def test_config_and_what_is_missing(bundle: Path, tmp_path: Path) -> None:
    said(bundle, titel="x", version=1)
    assert found(bundle) == [
        "config.json: error: titel is not known; did you mean title?",
        "config.json: error: version cannot be 1: it has to be a text in quotes.",
    ]
    (bundle / "config.json").write_text('{\n"title":')
    assert found(bundle) == ["config.json:2: error: is no JSON: expecting value at column 9."]
    (bundle / "config.json").unlink()
    assert found(bundle)[0].startswith("config.json: error: It is missing.")
    with pytest.raises(BundleError):
        found(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "body",
    [
        "<a" * 200_000,
        '<img "' * 100_000,
        "<!--" * 100_000,
        "{#" * 100_000,
        "{{" * 100_000,
        "<p a=" * 100_000,
        "x" * 2_000_000,
    ],
)
def test_templates_that_would_take_long_to_look_through(bundle: Path, body: str) -> None:
    page(bundle, body)
    begun = time.process_time()
    found(bundle)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "source", ["x = " + "(" * 5_000, "x = " + "-" * 100_000 + "1", "x = 1" + "+1" * 20_000, "'\0'"]
)
def test_code_that_no_parser_can_hold(bundle: Path, source: str) -> None:
    cells(bundle, code(source))
    found(bundle)


@pytest.mark.parametrize(
    "body", ["{{ (" * 9_999, "{{ a" + "|upper" * 5_000 + " }}", "{{ a" + ".b" * 9_999 + " }}", "{% if a %}" * 3_000]
)
def test_templates_that_no_parser_can_hold(bundle: Path, body: str) -> None:
    page(bundle, body)
    assert any(each.startswith("template.html: error: ") or "template.html:" in each for each in found(bundle))


SHOP = {"shop": {"type": "choice", "choices": ["Vic", "Olot"]}, "day": {"type": "date", "default": "2026-01-01"}}


@pytest.mark.parametrize(
    ("asks", "parameters", "sentences"),
    [
        (["sales of (shop)", "sales of (shop) on (day)", "(*) (*)"], SHOP, []),
        ({"en": ["(shop)"], "ca": ["(shop)"]}, SHOP, []),
        (["sales of (shp)"], SHOP, ["asks[0] asks for (shp), which is no parameter; did you mean shop?"]),
        ({"ca": ["de (shp)"]}, SHOP, ["asks.ca[0] asks for (shp), which is no parameter; did you mean shop?"]),
        ({"de": ["(shop)"]}, SHOP, ["asks.de is none of its languages; there are en, ca."]),
        (["sales"], SHOP, ["asks[0] leaves out shop, which has to be given. Add (shop), or give it a default."]),
        (
            ["(*) a (*) b (*)"],
            SHOP,
            ["warning: asks[0] has 1 (*) more than there are parameters left: so many have to"],
        ),
        (["(*..*) of (*)"], SHOP, ["asks[0] has 1 (*) more", "asks[0] takes days for shop, which is no date."]),
        ([" a ".join(["(*)"] * 8)], SHOP, ["asks[0] has more (*) than there are parameters left: 2 in all."]),
        (["(shop) or (shop)"], SHOP, ["asks[0] takes shop twice."]),
        (["(shop)(day)"], SHOP, ["asks[0] has brackets with nothing between them. Write at least a blank."]),
        (["(shop..day)"], SHOP, ["asks[0] takes days for shop, which is no date. Only dates stand in (first..last)."]),
        (["of (shop)", "OF  (shop)"], SHOP, ["asks[1] is asks[0] again, so that neither can be told from the other."]),
        (["of (shop)", "of (day)"], SHOP | {"shop": {}}, ["asks[1] leaves out shop"]),
        (
            ["(a) (b) of (shop)"],
            SHOP | {"a": {}, "b": {}},
            ["asks[0] has (a) and (b) side by side, and a is any text: nothing says where it ends."],
        ),
        (
            ["(a) (shop)"],
            SHOP | {"a": {}},
            ["warning: asks[0] has (a) and (shop) side by side, and a is any text: nothing says where it ends."],
        ),
    ],
)
def test_sentences_that_cannot_work(bundle: Path, asks: Any, parameters: dict[str, Any], sentences: list[str]) -> None:
    said(bundle, asks=asks, parameters=parameters)
    told = [each for each in found(bundle) if "asks" in each]
    assert len(told) == len(sentences)
    for each, sentence in zip(told, sentences, strict=True):
        assert sentence in each
        assert each.startswith("config.json: ")


def test_sentences_of_every_kind_that_is_wrong(bundle: Path) -> None:
    for asks, sentence in (
        ("sales", 'asks cannot be "sales": it has to be a list or an object.'),
        ([1], "asks[0] cannot be 1: it has to be a text in quotes."),
        ({"en": "sales"}, 'asks.en cannot be "sales": it has to be a list.'),
        ([""], "asks[0] is empty. Write something, or leave it out."),
        (["x" * 301], "asks[0] is longer than 300 characters. Say it in fewer words."),
    ):
        said(bundle, asks=asks)
        assert found(bundle) == [f"config.json: error: {sentence}"]


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("total > 0 and total != previous.total and shop = 'Girona' and nb.status = 'completed'", None),
        ("total < '5' or best_day.x = 1", None),
        ("totals > 0", "deliver_if: Nothing gives `totals`; did you mean `total`"),
        ("total != previous.totals", "deliver_if: Nothing gives `previous.totals`; did you mean `previous.total`"),
        ("x = 1", "deliver_if: Nothing gives `x`."),
        ("rond(total) = 1", "deliver_if: "),
    ],
)
def test_when_reports_are_delivered(bundle: Path, condition: str, sentence: str | None) -> None:
    said(bundle, deliver_if=condition)
    assert [each.partition(": error: ")[2][: len(sentence or "")] for each in found(bundle)] == (
        [sentence] if sentence else []
    )


def test_templates_of_letters(bundle: Path) -> None:
    said(bundle, deliver=[{"to": "mail:a@example.com", "template": "letter"}])
    missing = "There is no letter.html and no letter.txt. Add one, or leave it out."
    assert found(bundle) == [f"config.json: error: deliver[0].template: {missing}"]
    (bundle / "letter.txt").write_text('{{ letter.link }}\n{{ totl }} {{ _("To translate") }}')
    (bundle / "notes.txt").write_text("{{ is no template }}")
    assert [each for each in found(bundle) if "translat" not in each] == [
        "letter.txt:2: error: Nothing gives totl; did you mean total or title?"
    ]
    assert "To translate" in str([each for each in found(bundle) if "translat" in each])


@pytest.mark.parametrize(
    ("schedule", "sentences"),
    [
        ({"cron": "0 7 * * 1", "zone": "Europe/Madrid", "parameters": {"shop": "Vic", "day": "yesterday"}}, []),
        ({"cron": "@monthly", "for_each": [{"shop": "Vic", "language": "ca"}, {"shop": "Olot", "deliver": "x"}]}, []),
        ({"cron": "@monthly", "for_each": "shops.csv"}, []),
        ({"cron": "7 o'clock", "parameters": {"shop": "Vic"}}, ['"7 o\'clock" is no time of cron: write minute']),
        ({"cron": "0 0 30 2 *", "parameters": {"shop": "Vic"}}, ["'0 0 30 2 *' is no time of cron: bad day-of-month."]),
        ({"cron": "@daily", "zone": "Mars", "parameters": {"shop": "Vic"}}, ["There is no time zone 'Mars'"]),
        ({"cron": "@daily"}, ["The report needs shop"]),
        ({"cron": "@daily", "parameters": {"shop": "Vic", "day": "soon"}}, ["The parameter day cannot be 'soon'"]),
        ({"cron": "@daily", "parameters": {"shp": "Vic"}}, ["The report takes no parameter shp"]),
        ({"cron": "@daily", "parameters": {"shp": 1}, "for_each": "a.csv"}, ["The report takes no parameter shp"]),
        ({"cron": "@daily", "for_each": [{"shop": "Vic"}, {"shop": "Rome"}]}, ["The parameter shop cannot be 'Rome'"]),
        ({"cron": "@daily", "parameters": {"shop": "Vic"}, "languages": ["xx"]}, ["There is no language 'xx'"]),
        ({"cron": "@daily", "parameters": {"shop": "Vic"}, "deliver": [{"to": "slack:"}]}, ["is no channel of Slack"]),
        ({"cron": "@daily", "parameters": {"shop": "Vic"}, "deliver_if": "a <"}, ["deliver_if cannot be read"]),
    ],
)
def test_schedules_that_cannot_ask(bundle: Path, schedule: dict[str, Any], sentences: list[str]) -> None:
    said(bundle, schedules={"daily": schedule}, parameters=SHOP)
    told = [each for each in found(bundle) if "schedules" in each]
    assert len(told) == len(sentences)
    for each, sentence in zip(told, sentences, strict=True):
        assert each.startswith("config.json: error: schedules.daily: ")
        assert sentence in each
