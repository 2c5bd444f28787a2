"""Translations by gettext, compiled by Babel as `pybabel compile` does, and how languages write numbers and times."""

from __future__ import annotations

import io

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from scrapdb.reporting.rendering.rendered import TemplateError
from scrapdb.reporting.rendering.rendered import rendered
from tests.reporting.rendering.pages import body
from tests.reporting.rendering.pages import page
from tests.reporting.rendering.pages import render

PLACE = "languages/{}/LC_MESSAGES/messages.{}"
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: {}\\n"\n"Plural-Forms: {}\\n"\n\n'
# https://www.gnu.org/software/gettext/manual/html_node/Plural-forms.html
TWO = "nplurals=2; plural=(n != 1);"
POLISH = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
ARABIC = "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);"
CATALAN = HEAD.format("ca", TWO) + (
    'msgid "Hello"\nmsgstr "Hola"\n\n'
    'msgid "Hello %(name)s"\nmsgstr "Hola, %(name)s"\n\n'
    'msgid "%(num)s day"\nmsgid_plural "%(num)s days"\nmsgstr[0] "%(num)s dia"\nmsgstr[1] "%(num)s dies"\n\n'
    'msgctxt "month"\nmsgid "May"\nmsgstr "maig"\n\n'
    'msgid "<b>bold</b>"\nmsgstr "<b>negreta</b>"\n\n'
    'msgid "A title"\nmsgstr "Un títol"\n\n'
    'msgid "100%% sure"\nmsgstr "100%% segur"\n\n'
    'msgid "wrong"\nmsgstr "%(nome)s"\n\n'
    'msgid "empty"\nmsgstr ""\n'
)
PLURAL = "{% trans num=n %}{{ num }} day{% pluralize %}{{ num }} days{% endtrans %}"


def mo(po: str) -> bytes:
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(po.encode())))
    return compiled.getvalue()


def plural(language: str, rule: str, forms: list[str]) -> dict[str, bytes | str]:
    lines = "".join(f'msgstr[{place}] "%(num)s {form}"\n' for place, form in enumerate(forms))
    po = HEAD.format(language, rule) + f'msgid "%(num)s day"\nmsgid_plural "%(num)s days"\n{lines}'
    return {PLACE.format(language, "mo"): mo(po)}


CA: dict[str, bytes | str] = {PLACE.format("ca", "mo"): mo(CATALAN)}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ _('Hello') }}", "Hola"),
        ("{{ gettext('Hello') }}", "Hola"),
        ("{{ _('Hello %(name)s', name='<Ann>') }}", "Hola, &lt;Ann&gt;"),
        ("{% trans %}Hello{% endtrans %}", "Hola"),
        ("{% trans name='Ann' %}Hello {{ name }}{% endtrans %}", "Hola, Ann"),
        ("{{ pgettext('month', 'May') }}", "maig"),
        ("{{ _('<b>bold</b>') }}", "<b>negreta</b>"),
        ("{% trans %}100% sure{% endtrans %}", "100% segur"),
        ("{{ _('50% off, %d or %') }}", "50% off, %d or %"),
        ("{{ _('empty') }}", "empty"),
        ("{{ title }}|{{ report.title }}", "Un títol|Un títol"),
        ("{{ report.language }} {{ report.direction }}", "ca ltr"),
        ("{{ ngettext('%(num)s day', '%(num)s days', 1) }}", "1 dia"),
        ("{{ ngettext('%(num)s day', '%(num)s days', 2) }}", "2 dies"),
    ],
)
@pytest.mark.parametrize("kind", ["mo", "po"])
def test_texts_are_in_the_language(template: str, text: str, kind: str) -> None:
    files: dict[str, bytes | str] = {PLACE.format("ca", kind): mo(CATALAN) if kind == "mo" else CATALAN}
    assert body(template, files, "ca") == text


def test_what_is_compiled_comes_before_what_is_written() -> None:
    files = {**CA, PLACE.format("ca", "po"): HEAD.format("ca", TWO) + 'msgid "Hello"\nmsgstr "Ei"\n'}
    assert body("{{ _('Hello') }}", files, "ca") == "Hola"


def test_plural_forms_of_polish() -> None:
    files = plural("pl", POLISH, ["dzień", "dni", "dnia"])
    texts = [body(PLURAL, files, "pl", n=n) for n in (1, 2, 5, 12, 22, 1.5)]
    assert texts == ["1 dzień", "2 dni", "5 dnia", "12 dnia", "22 dni", "1.5 dni"]


def test_plural_forms_of_arabic_which_is_read_from_the_right() -> None:
    forms = ["zero", "one", "two", "few", "many", "other"]
    files = plural("ar", ARABIC, forms)
    texts = [body(PLURAL, files, "ar", n=n).split()[1] for n in (0, 1, 2, 3, 11, 100)]
    assert texts == forms
    base = render("{% extends 'scrapdb/report.html' %}{% block content %}x{% endblock %}", files, "ar").html
    assert b'<html lang="ar" dir="rtl">' in base
    assert b'<html lang="ar" dir="rtl">' in render("<html><body>x", files, "ar").html
    assert b'<html lang="he" dir="rtl">' in render("x", files, "he").html


def test_a_language_falls_back_to_its_parent_and_to_the_source() -> None:
    files: dict[str, bytes | str] = {
        PLACE.format("pt", "mo"): mo(
            HEAD.format("pt", TWO) + 'msgid "Hello"\nmsgstr "Olá"\n\nmsgid "Bus"\nmsgstr "Autocarro"\n'
        ),
        PLACE.format("pt_BR", "mo"): mo(HEAD.format("pt_BR", TWO) + 'msgid "Bus"\nmsgstr "Ônibus"\n'),
    }
    template = "{{ _('Hello') }} {{ _('Bus') }} {{ _('Tram') }}"
    assert body(template, files, "pt_BR") == "Olá Ônibus Tram"
    assert body(template, files, "pt-BR") == "Olá Ônibus Tram"
    assert body(template, files, "pt") == "Olá Autocarro Tram"
    assert body(template, files, "de") == "Hello Bus Tram"
    assert b'<html lang="pt-BR">' in render(template, files, "pt_BR").html


def test_what_is_not_translated_is_remarked() -> None:
    shown = render("{{ _('Hello') }}{{ _('Tram') }}{{ _(value) }}", CA, "ca", value="A value")
    (warning,) = shown.warnings
    assert "There is no translation into ca of 'Tram'; scrapdb report translate update" in warning
    assert render("{{ _('Tram') }}", CA, "en").warnings == ()
    assert shown.title == "Un títol"


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", mo(CATALAN)[:40], mo(CATALAN)[:-9], b"\xde\x12\x04\x95" + b"\xff" * 40, b"\xde\x12\x04\x95"],
)
def test_a_broken_catalogue_is_a_sentence(content: bytes) -> None:
    path = PLACE.format("ca", "mo")
    with pytest.raises(TemplateError, match=r"cannot be read .* scrapdb report translate compile") as raised:
        render("{{ _('Hello') }}", {path: content}, "ca")
    assert raised.value.file == path


@pytest.mark.parametrize("rule", ["nplurals=2; plural=__import__('os').abort();", "nplurals=2; plural=n**n**n;"])
def test_a_rule_of_plurals_is_no_program(rule: str) -> None:
    with pytest.raises(TemplateError, match=r"cannot be read|takes longer"):
        rendered(page("{{ ngettext('a', 'b', 9) }}", plural("ca", rule, ["a", "b"]), "ca"))


@pytest.mark.parametrize(
    "content", [b'msgid "a"\nmsgstr "b"\nnonsense', b'msgid "a"\nmsgstr "\xe9"', b"\xde\x12\x04\x95"]
)
def test_a_catalogue_that_is_written_wrongly_is_a_sentence(content: bytes) -> None:
    with pytest.raises(TemplateError, match="cannot be read"):
        render("x", {PLACE.format("ca", "po"): content}, "ca")


def test_a_translation_that_wants_another_name_is_a_sentence() -> None:
    with pytest.raises(TemplateError, match="wants nome, which it is not given; did you mean name"):
        render("{{ _('wrong', name='x') }}", CA, "ca")


@pytest.mark.parametrize(
    ("template", "texts"),
    [  # as CLDR has them, https://cldr.unicode.org
        ("{{ 1234567.891|number }}", {"en": "1,234,568", "ca": "1.234.568", "pl": "1\xa0234\xa0568"}),
        ("{{ 1234567.891|number(2) }}", {"en": "1,234,567.89", "ca": "1.234.567,89"}),
        ("{{ 1234567|number }}", {"en": "1,234,567"}),
        ("{{ 230.0|number }} {{ (0.1 + 0.2)|number }}", {"en": "230 0.3"}),
        ("{{ 0.00012345|number }}", {"en": "0.00012345"}),
        ("{{ 1e300|number }}", {"en": "1E300"}),
        ("{{ nan|number }}", {"en": "–"}),
        ("{{ none|number }}", {"en": "–"}),
        ("{{ (-inf)|number }}", {"en": "-∞"}),
        ("{{ big|number }}", {"en": "1" + ",000" * 20}),
        ("{{ 0.9534|percent }}", {"en": "95%", "ca": "95\xa0%"}),
        ("{{ 0.9534|percent(1) }}", {"en": "95.3%", "ca": "95,3\xa0%"}),
        ("{{ 12.5|money('EUR') }}", {"en": "€12.50", "ca": "12,50\xa0€"}),
        ("{{ 12|money('JPY') }}", {"en": "¥12"}),
        ("{{ '2025-01-31'|date }}", {"en": "Jan 31, 2025", "ca": "31 de gen. 2025"}),
        ("{{ '2025-01-31T23:30:00+02:00'|date('long') }}", {"en": "January 31, 2025", "ca": "31 de gener del 2025"}),
        ("{{ '2025-01-31'|date('d.M.y') }}", {"en": "31.1.2025"}),
        ("{{ '2025-01-31T12:30:05'|time }}", {"ca": "12:30"}),
        ("{{ '2025-01-31T23:30:00+02:00'|datetime('short') }}", {"ca": "31/1/25 23:30"}),
        ("{{ 3661|duration }}", {"en": "1 hr, 1 min, 1 sec", "ca": "1 h, 1 min i 1 s"}),
        ("{{ 0.25|duration }}", {"en": "0.25 sec"}),
        ("{{ [1, none, 4]|mean|number }}", {"en": "2.5", "ca": "2,5"}),
        ("{{ [1, 9, 4, nan]|median|number }}", {"en": "4"}),
        ("{{ []|mean|number }}", {"en": "–"}),
        ("{{ 1500|filesize }}", {"en": "1.5 kB"}),
        ("{{ number(1.5) }} {{ date('2025-01-31') }}", {"en": "1.5 Jan 31, 2025"}),
    ],
)
def test_values_are_written_as_the_language_does(template: str, texts: dict[str, str]) -> None:
    for language, text in texts.items():
        given = body(template, None, language, nan=float("nan"), inf=float("inf"), big=10**60)
        assert given.replace("\u202f", "\xa0") == text
