from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

BEGIN = "import scrapdb"
TEMPLATE = """<!doctype html>
<title>{{ title }}</title>
<h1>{{ _("Hello") }} {{ who }}</h1>
"""
CATALOGUE = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Hello"
msgstr "Hola"
"""
LAST = "#NOEXECUTE\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A bundle's files, but for its notebook and its config.json."""
    (tmp_path / "template.html").write_text(TEMPLATE)
    catalogue = tmp_path / "languages" / "ca" / "LC_MESSAGES" / "messages.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(CATALOGUE)
    return tmp_path


def shown(directory: Path, *cells: str) -> dict[str, str]:
    """Execute cells as Jupyter does, in the directory of the bundle; return what the last one shows."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (BEGIN, *cells)])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(directory)}}).execute()
    (output,) = [each for each in notebook.cells[-1].outputs if each.output_type != "stream"]
    assert output.output_type == "display_data"
    data: dict[str, str] = output.data
    return data


def page_of(data: dict[str, str]) -> str:
    """Return the page that is shown in a frame that cannot act."""
    (frame,) = re.findall(r"<iframe [^>]*>", data["text/html"])
    assert 'sandbox=""' in frame
    (page,) = re.findall(r'srcdoc="([^"]*)"', frame)
    return html.unescape(page)


def test_what_is_given_is_shown(directory: Path) -> None:
    data = shown(directory, LAST + 'scrapdb.report.preview({"who": "<you>"})')
    assert "<h1>Hello &lt;you&gt;</h1>" in page_of(data)
    assert "<script" not in data["text/html"]


def test_without_an_argument_output_json_is_shown_in_a_language(directory: Path) -> None:
    write = 'import json\njson.dump({"who": "file"}, open("output.json", "w"))'
    (directory / "config.json").write_text(json.dumps({"title": "Hello", "languages": ["en", "ca"]}))
    data = shown(directory, write, LAST + 'scrapdb.report.preview(language="ca")')
    assert "<h1>Hola file</h1>" in page_of(data)
    assert "<title>Hola</title>" in page_of(data)


def test_values_of_libraries_are_taken_as_they_are(directory: Path) -> None:
    (directory / "template.html").write_text(
        "{{ frame|table }}{{ figure|image(alt='figure') }}{{ png|image(alt='png') }}{{ plotted|image(alt='svg') }}"
        "<p>{{ number + 1 }} {{ numbers|sum }} {{ day|date }} {{ series.total }} {{ missing }}</p>"
    )
    code = """import base64, io, datetime
import matplotlib.pyplot as plt, numpy as np, pandas as pd
figure, axes = plt.subplots()
axes.plot([1, 2])
plt.close(figure)
file = io.BytesIO()
figure.savefig(file)
class Plotted:
    def _repr_svg_(self):
        return '<svg xmlns="http://www.w3.org/2000/svg"></svg>'
output = {
    "frame": pd.DataFrame({"price": [1.5, None]}, index=pd.Index(["a", "b"], name="symbol")),
    "figure": figure, "png": file.getvalue(), "plotted": Plotted(), "number": np.int64(41),
    "numbers": np.arange(4), "day": datetime.date(2026, 2, 3), "series": pd.Series([1, 2, 3]), "missing": None,
}"""
    page = page_of(shown(directory, code, LAST + "scrapdb.report.preview(output)"))
    assert '<th scope="row">a</th><td class="number">1.5</td>' in page
    pictures = dict(re.findall(r'<img src="data:([^;]*);base64,[^"]*" alt="([^"]*)">', page))
    assert pictures == {"image/png": "png", "image/svg+xml": "svg"}
    first, second = (base64.b64decode(each) for each in re.findall(r'data:image/png;base64,([^"]*)', page))
    assert first.startswith(b"\x89PNG")
    assert second.startswith(b"\x89PNG")
    assert "<p>42 6 Feb 3, 2026 3 </p>" in page


@pytest.mark.parametrize(
    ("template", "code", "told"),
    [
        (TEMPLATE, 'scrapdb.report.preview({"whom": 1})', ["template.html, line 3", "There is no 'who'"]),
        ("\n{% if %}", "scrapdb.report.preview({})", ["template.html, line 2", "<b>   2  {% if %}</b>"]),
        (None, "scrapdb.report.preview({})", ["There is no template.html in"]),
        (TEMPLATE, "scrapdb.report.preview()", ["There is no output.json in", "run the cell that writes it"]),
        (TEMPLATE, 'open("output.json", "w").write("{")\nscrapdb.report.preview()', ["output.json is no JSON"]),
        (TEMPLATE, 'open("config.json", "w").write("{")\nscrapdb.report.preview({})', ["config.json"]),
        (TEMPLATE, 'scrapdb.report.preview({"who": 1}, "../x")', ["is no language"]),
    ],
)
def test_what_is_wrong_can_be_read(directory: Path, template: str | None, code: str, told: list[str]) -> None:
    (directory / "template.html").unlink()
    if template is not None:
        (directory / "template.html").write_text(template)
    data = shown(directory, LAST + code)
    found = html.unescape(data["text/html"])
    assert all(each in found for each in told), found
    assert "iframe" not in found
    assert "Preview" in data["text/plain"]


def test_a_value_that_no_template_can_be_given_is_told(directory: Path) -> None:
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match=r"who\.x is object, which no template can be given"):
        shown(directory, LAST + 'scrapdb.report.preview({"who": {"x": object()}})')


def test_nothing_is_written(directory: Path) -> None:
    before: Any = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    shown(directory, LAST + 'scrapdb.report.preview({"who": "you"})')
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
