from __future__ import annotations

import gettext
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import translate
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import markdown
from tests.notebook_builder import notebook

TEMPLATE = """\
{% extends "scrapdb/report.html" %}
{% include "parts/table.html" %}
<h1>{{ _("Voltage") }}</h1> {# NOTE: of the page #}
{{ ngettext("%(num)s day", "%(num)s days", days) }} {{ pgettext("month", "May") }}
{% trans count=n, site=site -%}
  One in {{ site }}
{%- pluralize -%}
  {{ count }} in {{ site }}
{%- endtrans %}
{{ _(dynamic) }}
"""
CONFIG = {
    "title": "Voltage",
    "parameters": {"site": {"type": "choice", "choices": ["north", 3], "label": "Site “x”"}},
    "languages": ["en", "ca", "ar"],
}
WHOLE = {
    "Voltage",
    "Site “x”",
    "north",
    ("%(num)s day", "%(num)s days"),
    "May",
    ("One in %(site)s", "%(count)s in %(site)s"),
    "Cells",
    "In a table",
    "Of a module",
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    top = tmp_path / "voltage"
    files: dict[str, Any] = {
        "config.json": json.dumps(CONFIG, indent=1, ensure_ascii=False).encode(),
        "template.html": TEMPLATE.encode(),
        "parts/table.html": b'{{ _("In a table") }}',
        "static/shown.html": b'{{ _("never a template") }}',
        "helper.py": b'print(_("Of a module"))',
        "report.ipynb": content(
            notebook(
                markdown('_("Not code")'),
                code('%matplotlib inline\n!echo "$(x\ntitle = _("Cells")'),
                code('#NOEXECUTE\n_("Left out")'),
                code('%%bash\necho _("Bash")'),
            )
        ),
    }
    for name, each in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(each)
    return top


def catalog(path: Path) -> Any:
    return read_po(io.BytesIO(path.read_bytes()))


def written(bundle: Path, language: str = "ca") -> Path:
    return bundle / f"languages/{language}/LC_MESSAGES/messages.po"


def translated(bundle: Path, *pairs: tuple[str, str], language: str = "ca") -> None:
    path = written(bundle, language)
    text = path.read_text()
    for source, target in pairs:
        assert f'msgid "{source}"\nmsgstr ""' in text
        text = text.replace(f'msgid "{source}"\nmsgstr ""', f'msgid "{source}"\nmsgstr "{target}"')
    path.write_text(text)


def test_all_texts_are_collected_with_their_places(bundle: Path) -> None:
    assert translate.extract(str(bundle)) == len(WHOLE)
    found = {message.id: message.locations for message in catalog(bundle / translate.POT) if message.id}
    assert found.keys() == WHOLE
    assert found["Voltage"] == [("config.json", 2), ("template.html", 3)]
    assert found["Site “x”"] == [("config.json", 10)]
    assert found["Cells"] == [("report.ipynb", 1)]
    assert found["One in %(site)s", "%(count)s in %(site)s"] == [("template.html", 5)]
    assert catalog(bundle / translate.POT).get("May", context="month")


def test_babel_finds_the_same_in_a_template(bundle: Path, tmp_path: Path) -> None:
    translate.extract(str(bundle))
    (tmp_path / "babel.cfg").write_text("[jinja2: **.html]\nnewstyle_gettext=true\n")
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg", "-o", "all.pot"]
    (bundle / "static/shown.html").unlink()
    subprocess.run([*command, "voltage"], cwd=tmp_path, check=True)
    theirs = {message.id for message in catalog(tmp_path / "all.pot") if message.id}
    assert theirs == WHOLE - {"Site “x”", "north", "Cells", "Of a module"}


def test_a_bundle_is_brought_up_to_date(bundle: Path) -> None:
    made = translate.update(str(bundle))
    assert [(each.language, each.is_named, each.texts, len(each.left_out)) for each in made] == [
        ("ca", True, 9, 9),
        ("ar", True, 9, 9),
    ]
    translated(bundle, ("Voltage", "Voltatge"), ("In a table", "En una taula"), ("north", "nord"))
    before = written(bundle).read_bytes()
    translate.update(str(bundle))
    assert written(bundle).read_bytes() == before
    (bundle / "parts/table.html").write_text('{{ _("In this table") }} {{ _("Quite another thing, and new") }}')
    (bundle / "config.json").write_text(json.dumps({**CONFIG, "parameters": {}}))
    (ca, _) = translate.update(str(bundle))
    assert ca.left_out["In this table"] == "fuzzy"
    assert ca.left_out["Quite another thing, and new"] == "not translated"
    text = written(bundle).read_text()
    assert '#~ msgid "north"\n#~ msgstr "nord"' in text
    (bundle / "config.json").write_text(json.dumps(CONFIG))
    translate.update(str(bundle))
    assert '\nmsgid "north"\nmsgstr "nord"' in written(bundle).read_text()


def test_other_languages_are_begun(bundle: Path) -> None:
    (made,) = translate.update(str(bundle), ["pl"])
    assert not made.is_named
    assert made.file == "languages/pl/LC_MESSAGES/messages.po"
    assert catalog(bundle / made.file).num_plurals == 3
    assert {each.language for each in translate.update(str(bundle))} == {"ca", "ar", "pl"}
    with pytest.raises(UsageError, match=r"There is no language 'klingon'; write it as en, ca or pt_BR"):
        translate.update(str(bundle), ["klingon"])
    for wrong in ("../../evil", "", "ca/x", "ca.UTF-8"):
        with pytest.raises(UsageError, match="There is no language"):
            translate.update(str(bundle), [wrong])


def test_what_is_fuzzy_missing_or_wrong_is_not_compiled(bundle: Path) -> None:
    translate.update(str(bundle))
    translated(bundle, ("Voltage", "Voltatge"), ("In a table", "%(strange)s"), ("Cells", "Cel·les 100 %"))
    text = written(bundle).read_text().replace("#: helper.py:1\nmsgid", "#: helper.py:1\n#, fuzzy\nmsgid")
    text = text.replace('msgid "Of a module"\nmsgstr ""', 'msgid "Of a module"\nmsgstr "Mòdul"')
    text = text.replace('msgstr[0] ""', 'msgstr[0] "Un dia"', 1)
    written(bundle).write_text(text)
    (made,) = translate.compiled(str(bundle), ["ca"])
    assert made.left_out == {
        "Of a module": "fuzzy",
        "In a table": "the text has no %(strange)s",
        "%(num)s day": "2 of 3 plural forms missing",
        "One in %(site)s": "not translated",
        "Site “x”": "not translated",
        "north": "not translated",
        "May": "not translated",
    }
    read = gettext.translation("messages", str(bundle / "languages"), ["ca"])
    assert read.gettext("Voltage") == "Voltatge"
    assert read.gettext("Cells") == "Cel·les 100 %"
    assert read.gettext("Of a module") == "Of a module"
    assert read.ngettext("%(num)s day", "%(num)s days", 2) == "%(num)s days"


def test_as_many_plural_forms_as_the_language_has(bundle: Path) -> None:
    translate.update(str(bundle), ["ar"])
    text = written(bundle, "ar").read_text()
    for form in range(6):
        text = text.replace(f'msgstr[{form}] ""', f'msgstr[{form}] "form {form} %(num)s"', 1)
    written(bundle, "ar").write_text(text)
    translate.compiled(str(bundle), ["ar"])
    read = gettext.translation("messages", str(bundle / "languages"), ["ar"])
    forms = [read.ngettext("%(num)s day", "%(num)s days", count) for count in (0, 1, 2, 3, 11, 100)]
    assert forms == [f"form {form} %(num)s" for form in range(6)]


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (b'msgid "a"\nmsgstr "b\n', r"messages.po:2 cannot be read: .*\. Mend that line\."),
        (b'msgid "a"\nnonsense\n', r"messages.po:2 cannot be read"),
        (b'msgid "a"\nmsgstr "\xff"\n', r"messages.po: .*xff.* is not in utf-8\. Save the file so\."),
        (
            b'msgid ""\nmsgstr "Content-Type: text/plain; charset=klingon\\n"\n\nmsgid "a"\nmsgstr "b"\n',
            r"messages.po cannot be read: unknown encoding: klingon\.",
        ),
        (b'msgid ""\nmsgstr "Plural-Forms: nplurals=x; plural=boom;\\n"\n\nmsgid "a"\nmsgstr "b"\n', "messages.po"),
        (
            b'msgid ""\nmsgstr "Plural-Forms: nplu"\n"rals=999999999; plural=n;\\n"\n',
            "no language has such plural forms",
        ),
        (b'msgid ""\nmsgstr "nplurals=2; plural=' + b"(" * 9_999 + b'"\n', "no language has such plural forms"),
        (b'msgid "a"\nmsgid_plural "b"\nmsgstr[x] "c"\n', "messages.po"),
        (b'msgid "a"\nmsgid_plural "b"\nmsgstr[999999999999] "c"\n', "messages.po"),
    ],
)
def test_a_broken_catalogue_is_a_sentence(bundle: Path, broken: bytes, sentence: str) -> None:
    written(bundle).parent.mkdir(parents=True)
    written(bundle).write_bytes(broken)
    for do in (translate.update, translate.compiled):
        with pytest.raises(BundleError, match=sentence):
            do(str(bundle), ["ca"])
    assert written(bundle).read_bytes() == broken


def test_what_cannot_be_parsed_is_a_sentence(bundle: Path) -> None:
    (bundle / "parts/table.html").write_text("\n{% if %}")
    with pytest.raises(BundleError, match=r"parts/table.html:2: Expected an expression"):
        translate.extract(str(bundle))
    assert not (bundle / translate.POT).exists()


def test_only_in_a_directory(bundle: Path, tmp_path: Path) -> None:
    import shutil

    packed = shutil.make_archive(str(tmp_path / "a"), "zip", bundle)
    with pytest.raises(UsageError, match=r"a.zip is no directory"):
        translate.extract(packed)
    with pytest.raises(UsageError, match=r"has no languages/ca/LC_MESSAGES/messages.po; `scrapdb report translate up"):
        translate.compiled(str(bundle), ["ca"])
    assert translate.compiled(str(bundle)) == []
