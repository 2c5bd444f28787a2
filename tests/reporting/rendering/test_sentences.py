"""What goes wrong in a template is a sentence with its line."""

from __future__ import annotations

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.rendered import TemplateError
from tests.reporting.rendering.pages import here
from tests.reporting.rendering.pages import page
from tests.reporting.rendering.pages import render

TABLE = Table(columns=(Column(name="price", type="number"),), rows=[[1.5]], total=1)
WRONG = {
    "{{ pric }}": "There is no 'pric'; did you mean price?",
    "{{ row.nam }}": "There is no key 'nam'; did you mean name?",
    "{{ row['nam'] }}": "There is no key 'nam'; did you mean name?",
    "{{ t.prise }}": "There is no column 'prise'; did you mean price?",
    "{{ row.name.first }}": "A text has no 'first'.",
    "{{ items[7] }}": "There is no item 7 in a list of 2.",
    "{{ [pric] }}": "There is no 'pric'; did you mean price?",
    "{% if pric %}{% endif %}": "There is no 'pric'; did you mean price?",
    "{% for x in pric %}{% endfor %}": "There is no 'pric'; did you mean price?",
    "{{ pric|number }}": "There is no 'pric'; did you mean price?",
    "{{ pric|table }}": "There is no 'pric'; did you mean price?",
    "{{ price|numbr }}": "No filter named 'numbr'; did you mean number?",
    "{% if price is numbr %}{% endif %}": "No test named 'numbr'",
    "{{ price|random }}": "No filter named 'random'",
    "{{ row.name|number }}": "number: 'x' is not a number.",
    "{{ true|number }}": "number: True is not a number.",
    "{{ price|number('2') }}": "'2' is no number of digits; it is between 0 and 100.",
    "{{ price|money('EURO') }}": "money: there is no currency 'EURO'; write it as EUR.",
    "{{ price|money }}": "money() missing 1 required positional argument: 'currency'",
    "{{ row.name|percent }}": "percent: 'x' is not a number.",
    "{{ row.name|date }}": "date: 'x' is not a time; write it as 2025-01-31T12:30.",
    "{{ '2025-02-30'|date }}": "date: '2025-02-30' is not a time",
    "{{ '12:30'|date }}": "date: '12:30' has no date.",
    "{{ '2025-01-31'|time }}": "time: '2025-01-31' has no time.",
    "{{ '2025-01-31'|date(7) }}": "7 is no format of times.",
    "{{ row.name|duration }}": "duration: 'x' is not a number of seconds.",
    "{{ 7|duration('wide') }}": "duration: there is no width 'wide'; there are long, short and narrow.",
    "{{ row|table }}": "table: {'name': 'x'} is no table",
    "{{ t|table(columns=['prise']) }}": "table: there is no column 'prise'; did you mean price?",
    "{{ t|table(units={'prise': 'EUR'}) }}": "table: there is no column 'prise'; did you mean price?",
    "{{ t|table(formats={'price': 'numbr'}) }}": "table: there is no format 'numbr'; did you mean number?",
    "{{ t|table(first=-1) }}": "table: -1 is no number of rows.",
    "{{ t|table(colums=['price']) }}": "table() got an unexpected keyword argument 'colums'",
    "{{ 'not base64!'|image }}": "image: 'not base64!' is neither base64 nor a picture in static/.",
    "{{ 'bG9n'|image }}": "image: this is no picture that browsers show",
    "{{ none|image }}": "image: there is no picture, but null.",
    "{{ 'logo.png'|image }}": "there is no static/logo.png; there is style.css.",
    "{{ static('logo.png') }}": "static: there is no static/logo.png; there is style.css.",
    "{{ static_text('styl.css') }}": "static_text: there is no static/styl.css; did you mean style.css?",
    "{{ static('../../etc/passwd') }}": "static: there is no static/../../etc/passwd",
    "{{ t|chart(kind='pie') }}": "chart: there is no kind 'pie'; there are",
    "{{ t|chart(y='prise') }}": "chart: there is no column 'prise'; did you mean price?",
    "{{ t|chart(bands='x') }}": "chart: 'x' is no limit",
    "{{ t|chart(width=99999) }}": "A chart is from 40 to 2000 pixels wide and high.",
    "{{ ['a']|mean }}": "mean: 'a' is not a number.",
    "{{ 'abc'|median }}": "median: 'abc' is not a list of numbers.",
    "{{ number }}": "number is a function: call it",
    "{{ _('Hello %(name)s') }}": "The text 'Hello %(name)s' wants name, which it is not given",
    "{{ ngettext('one', 'many', 'x') }}": "A plural form needs a number, not 'x'.",
    "{{ price + row.name }}": "unsupported operand type(s) for +: 'float' and 'str'",
    "{{ 1 / 0 }}": "division by zero",
    "{% if %}{% endif %}": "Expected an expression, got 'end of statement block'",
    "{{ price": "unexpected end of template",
    "{% for x in items %}": "Unexpected end of template",
    "{% endfor %}": "Encountered unknown tag 'endfor'",
    "{% include 'missing.html' %}": "There is no template 'missing.html'",
    "{% extends 'scrapdb/reprt.html' %}": "There is no template 'scrapdb/reprt.html'; did you mean scrapdb/report.html",
    "{{ ask() }}": "Nobody knows.",
    "{{ ask(1, 2, 3) }}": "ask: ",
    "{{ price() }}": "'float' object is not callable",
}


@pytest.mark.parametrize("template", WRONG)
def test_what_is_wrong_is_told_with_its_line(template: str) -> None:
    def ask(_: int = 0) -> None:
        raise ScrapdbError("Nobody knows.")

    given = page(f"\n\n{template}\n", {"static/style.css": "p {}"}, price=1.5, row={"name": "x"}, items=[1, 2], t=TABLE)
    with pytest.raises(TemplateError) as raised:
        here(given, {"ask": ask})
    assert WRONG[template] in str(raised.value)
    assert raised.value.file == "template.html"
    assert raised.value.line in {3, 4}  # what is not closed is missed at the end
    assert str(raised.value).endswith((".", "?", "…"))


def test_the_line_is_that_of_the_file_that_is_included() -> None:
    files: dict[str, bytes | str] = {"parts/part.html": "\n\n\n{{ pric }}"}
    with pytest.raises(TemplateError, match=r"^parts/part\.html, line 4: There is no 'pric'"):
        render("{% include 'parts/part.html' %}", files)
    files = {"parts/macros.html": "\n{% macro m() %}\n{{ pric }}{% endmacro %}"}
    with pytest.raises(TemplateError, match=r"^parts/macros\.html, line 3: There is no 'pric'"):
        render("{% import 'parts/macros.html' as m %}{{ m.m() }}", files)


def test_a_template_that_is_not_utf_8_is_a_sentence() -> None:
    with pytest.raises(TemplateError, match=r"^part\.html, line 2: it is not in UTF-8; save it so\.$"):
        render("{% include 'part.html' %}", {"part.html": b"\n\xe9"})


def test_a_template_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(TemplateError, match=r"There is no template 'other\.html'"):
        here(page("").__class__(template="other.html", files={"template.html": b""}, language="en", context={}))


def test_a_language_that_is_none_is_a_sentence() -> None:
    with pytest.raises(TemplateError, match=r"'../x' is no language; write it as ca or pt_BR."):
        render("", language="../x")
