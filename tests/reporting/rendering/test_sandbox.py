"""Templates that try to get out of what they may do; whatever they try ends with a sentence, and nothing is left."""

from __future__ import annotations

import os
import time

import psutil
import pytest

from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.rendered import TemplateError
from scrapdb.reporting.rendering.rendered import rendered
from tests.reporting.rendering.pages import body
from tests.reporting.rendering.pages import page
from tests.reporting.rendering.pages import render

# Known ways out of Jinja's sandbox, of earlier versions, and of environments that are none.
WAYS_OUT = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('__cla' ~ 'ss__') }}",
    "{{ [''] | map(attribute='__class__') | list }}",
    "{{ [{'a': ''}] | map(attribute='a.__class__') | list }}",
    "{{ [''] | groupby('__class__') }}",
    "{{ [''] | sum(attribute='__class__') }}",
    "{{ [''] | selectattr('__class__') | list }}",
    "{{ '{0.__class__}'.format('') }}",
    "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "{{ ('{0.__class__}'|safe).format('') }}",
    "{% set f = '{0.__class__}'.format %}{{ f('') }}",
    "{{ ['{0.__class__}'] | map('format', '') | first }}{{ '{0.__class__}'.format.__self__ }}",
    "{{ ''.format.__func__.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ dict.__base__ }}",
    "{{ range.__class__ }}",
    "{{ _.__globals__ }}",
    "{{ gettext.__self__ }}",
    "{{ number.__globals__ }}",
    "{{ number.func_globals }}",
    "{{ chart.gi_frame }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__init__.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% for x in [1] %}{{ loop._iterable }}{{ loop.__init__ }}{% endfor %}",
    "{{ lipsum.__globals__ }}",
    "{{ t.__class__ }}",
    "{{ t.__struct_fields__ }}",
    "{{ t.columns.append(1) }}",
    "{{ t.rows.append(1) }}",
    "{{ words.update({'a': 1}) }}",
    "{{ words.__setitem__('a', 1) }}",
    "{{ words.pop('a') }}",
    "{{ config }}",
    "{{ request.application.__globals__ }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../etc/passwd' %}",
    "{% include 'static/hidden.html' %}",
    "{% extends 'languages/hidden.html' %}",
    "{% import 'scrapdb/../../errors.py' as e %}",
    "{{ [].__iter__ }}",
    "{{ (1).__class__ }}",
    "{{ (1).real.__class__ }}",
    "{{ ().__class__.__bases__ }}",
    "{{ {}.__class__ }}",
    "{{ ''.join.__self__ }}",
    "{{ (gettext|string) ~ gettext.__code__ }}",
    "{{ chart.__wrapped__ }}",
    "{% trans x=''.__class__ %}{{ x }}{% endtrans %}",
    "{{ ''|map('attr', '__class__')|list }}{{ ['']|map('attr', '__class__')|list }}",
]


@pytest.mark.parametrize("template", WAYS_OUT)
def test_no_way_leads_out(template: str) -> None:
    files: dict[str, bytes | str] = {"static/hidden.html": "HIDDEN", "languages/hidden.html": "HIDDEN"}
    table = Table(columns=(), rows=[], total=0)
    with pytest.raises(TemplateError) as raised:
        render(f"first\n{template}", files, t=table, words={"a": 1})
    assert (raised.value.file, raised.value.line) in {("template.html", 2), ("template.html", None)}
    assert str(raised.value).count("\n") == 0


@pytest.mark.parametrize(
    "template",
    [
        "{{ value }}",
        '<p title="{{ value }}">',
        "{{ _(value) }}",
        "{{ ngettext(value, value, 1) }}",
        "{{ _('%(x)s', x=value) }}",
        "{% trans %}{{ value }}{% endtrans %}",
        "{% trans x=value %}{{ x }}{% endtrans %}",
        "{{ '%s'|format(value) }}",
        "{{ '{}'.format(value) }}",
        "{{ [value]|join(', ') }}",
        "{{ {'a': [value]}|table }}",
        "{{ [{value: 1}]|table }}",
        "{{ {'a': [1]}|table(caption=value, labels={'a': value}, units={'a': value}) }}",
        "{{ ('x' ~ value)|replace('x', '') }}",
        "{% set ns = namespace(v=value) %}{{ ns.v }}",
        "{% macro m(v) %}{{ v }}{% endmacro %}{{ m(value) }}",
        "{{ {'a': [1, 2]}|chart(title=value, alt=value, labels={'a': value}) }}",
    ],
)
def test_a_value_is_never_html_nor_template(template: str) -> None:
    html = render(template, value="<script>alert(1)</script>{{ 7 * 7 }}{% for x in y %}\"'><b>&amp;").html.decode()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "7 * 7" in html


def test_what_a_template_says_itself_is_html() -> None:
    assert body("{{ _('<b>bold</b>') }}{% trans %}<i>too</i>{% endtrans %}") == "<b>bold</b><i>too</i>"


def test_safe_is_the_authors_choice() -> None:
    assert body("{{ value|safe }}", value="<b>1</b>") == "<b>1</b>"


GREEDY = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{{ 'x' * 1000 }}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{{ 'x' * 10 ** 10 }}",
    "{{ 'x'|center(10 ** 10) }}",
    "{{ '%9999999999d'|format(1) }}",
    "{{ 'x'.rjust(10 ** 9 * 5) }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ range(10 ** 9)|list }}",
    "{{ ('x' * 10 ** 8)|list|length }}",
    "{% set ns = namespace(t='x') %}{% for a in range(100) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
    "{% set ns = namespace(t=['x']) %}{% for a in range(100) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
    "{{ (range(99999)|join('x' * 99999)) }}",
    "{% for a in range(99999) %}{{ {'a': [1, 2, 3]}|chart }}{% endfor %}",
    "{{ 10 ** 9999 * 10 ** 9999 }}",
    "{% include 'template.html' %}",
    "{{ '(' * 1000 }}" + "{{ " + "(" * 5000 + ")" * 5000 + " }}",
]


@pytest.mark.parametrize("template", GREEDY)
def test_what_never_ends_ends_with_a_sentence(template: str) -> None:
    before = {process.pid for process in psutil.process_iter()}
    began = time.monotonic()
    with pytest.raises(TemplateError) as raised:
        rendered(page(f"first\n{template}"), seconds=3, memory=200 * 10**6, size=10**7)
    assert time.monotonic() - began < 20
    assert raised.value.file in {"template.html", None}
    assert str(raised.value).endswith((".", "?"))
    mine = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.pid not in before and "rendering.inside" in " ".join(process.info["cmdline"] or ())
    ]
    assert not [pid for pid in mine if psutil.pid_exists(pid) and os.getpid() in map(int, _above(pid))]


def _above(pid: int) -> list[int]:
    try:
        return [parent.pid for parent in psutil.Process(pid).parents()]
    except psutil.NoSuchProcess:
        return []
