from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import expect

from scrapdb.reporting.preview import preview
from tests import notebook_builder as nb

LONG = 60_000  # milliseconds that a run may take on a machine with much to do


@pytest.fixture
def served(bundle: Path) -> Iterator[Any]:
    """A preview of the bundle, which listens."""
    from threading import Thread

    with preview.opened(str(bundle)) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser, served: Any) -> Iterator[Page]:
    """The page of the preview, when it shows the report for the first time."""
    context = browser.new_context(viewport={"width": 1100, "height": 700})
    found = context.new_page()
    found.set_default_timeout(LONG)
    found.goto(served.url)
    expect(report(found).locator("h1")).to_have_text("Hello north 2", timeout=LONG)
    yield found
    context.close()


def report(page: Page) -> Any:
    return page.frame_locator("#report")


def run_of(page: Page) -> str:
    return str(report(page).locator("#run").inner_text())


def files(directory: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in directory.rglob("*") if path.is_file()}


def shot(page: Page, name: str) -> None:
    """Keep a picture for whoever wants to look at it."""
    if directory := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(directory, f"preview-{name}.png"))


def test_a_saved_template_is_rendered_without_running_the_notebook(page: Page, bundle: Path) -> None:
    run, before = run_of(page), files(bundle)
    template = bundle / "template.html"
    shot(page, "first")
    template.write_text(template.read_text().replace("<h1>", "<h1>Oh! "))
    expect(report(page).locator("h1")).to_have_text("Oh! Hello north 2", timeout=LONG)
    assert run_of(page) == run
    assert "Rendered in" in page.locator("#status").inner_text()
    after = files(bundle)
    assert after.keys() == before.keys()
    assert {path for path in after if after[path] != before[path]} == {str(template)}


def test_a_broken_template_is_shown_with_its_line_and_comes_back(page: Page, bundle: Path) -> None:
    run, template = run_of(page), bundle / "template.html"
    whole = template.read_text()
    template.write_text(whole.replace("{{ when }}", "{{ whne }}"))
    problem = page.locator("#problem")
    expect(problem).to_contain_text("template.html, line 4", timeout=LONG)
    expect(problem).to_contain_text("whne")
    assert page.locator("#source .here").inner_text() == '4<p id="when">{{ whne }}</p>'
    assert page.locator("#source span").count() == 7
    shot(page, "template-error")
    template.write_text(whole.replace("{{ when }}", "{{ when"))
    expect(problem).to_contain_text("template.html, line", timeout=LONG)
    expect(page.locator("#report")).to_be_hidden()
    template.write_text(whole)
    expect(report(page).locator("h1")).to_have_text("Hello north 2", timeout=LONG)
    expect(problem).to_be_hidden()
    assert run_of(page) == run


def test_a_changed_notebook_is_run_again(page: Page, bundle: Path) -> None:
    run, notebook = run_of(page), bundle / "report.ipynb"
    notebook.write_text(notebook.read_text().replace("count * 2", "count * 3"))
    expect(report(page).locator("h1")).to_have_text("Hello north 3", timeout=LONG)
    assert run_of(page) != run
    assert "Run and rendered in" in page.locator("#status").inner_text()
    expect(page.locator("#log pre")).to_contain_text("measuring north")


def test_only_what_runs_has_the_notebook_run_again(page: Page, bundle: Path) -> None:
    run, notebook = run_of(page), bundle / "report.ipynb"
    document = json.loads(notebook.read_text())
    document["cells"].insert(0, {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "A remark"})
    document["cells"].append(nb.code("#NOEXECUTE\nraise SystemExit") | {"id": "local"})
    notebook.write_text(json.dumps(document))
    (bundle / "static" / "style.css").write_text("h1 { color: blue }")
    (bundle / "template.html").write_text((bundle / "template.html").read_text().replace("Hello", "Bye"))
    expect(report(page).locator("h1")).to_have_text("Bye north 2", timeout=LONG)
    assert run_of(page) == run
    (bundle / "helper.py").write_text("x = 1")
    expect(report(page).locator("#run")).not_to_have_text(run, timeout=LONG)


def test_a_failing_notebook_is_shown_with_its_trace_and_log(page: Page, bundle: Path) -> None:
    notebook = bundle / "report.ipynb"
    whole = notebook.read_text()
    notebook.write_text(whole.replace("count * 2", "count / 0"))
    problem = page.locator("#problem")
    expect(problem).to_contain_text("The notebook failed in cell 2", timeout=LONG)
    expect(page.locator("#message")).to_have_text("ZeroDivisionError: division by zero")
    assert "Traceback" in page.locator("#trace").inner_text()
    assert "measuring north" in page.locator("#printed").inner_text()
    assert "count / 0" in page.locator("#source").inner_text()
    shot(page, "notebook-error")
    notebook.write_text(whole)
    expect(report(page).locator("h1")).to_have_text("Hello north 2", timeout=LONG)


def test_a_wrong_config_is_told_and_mended(page: Page, bundle: Path) -> None:
    config = bundle / "config.json"
    whole = config.read_text()
    config.write_text(whole.replace('"integer"', '"intger"'))
    expect(page.locator("#problem")).to_contain_text("intger", timeout=LONG)
    config.write_text("{")
    expect(page.locator("#problem")).to_contain_text("config.json", timeout=LONG)
    shot(page, "config-error")
    config.write_text(whole)
    expect(report(page).locator("h1")).to_have_text("Hello north 2", timeout=LONG)


def test_the_language_is_switched_and_translations_need_not_be_compiled(page: Page, bundle: Path) -> None:
    run = run_of(page)
    page.locator("#language").select_option("ca")
    expect(report(page).locator("h1")).to_have_text("Hola north 2", timeout=LONG)
    assert run_of(page) == run
    shot(page, "catalan")
    catalogue = bundle / "languages" / "ca" / "LC_MESSAGES" / "messages.po"
    catalogue.write_text(catalogue.read_text().replace("Hola", "Bon dia"))
    expect(report(page).locator("h1")).to_have_text("Bon dia north 2", timeout=LONG)
    assert page.locator("#language").input_value() == "ca"


def test_translations_that_were_compiled_before_do_not_hide_what_is_written(page: Page, bundle: Path) -> None:
    from babel.messages.frontend import CommandLineInterface

    words = ["pybabel", "-q", "compile", "-d", str(bundle / "languages")]
    CommandLineInterface().run(words)  # type: ignore[no-untyped-call]
    catalogue = bundle / "languages" / "ca" / "LC_MESSAGES" / "messages.po"
    assert catalogue.with_suffix(".mo").exists()
    catalogue.write_text(catalogue.read_text().replace("Hola", "Salut"))
    page.locator("#language").select_option("ca")
    expect(report(page).locator("h1")).to_have_text("Salut north 2", timeout=LONG)


def test_parameters_have_a_form_by_their_types(page: Page) -> None:
    kinds = {each.get_attribute("name"): each.get_attribute("type") for each in page.locator("#form input").all()}
    assert kinds == {"count": "number", "day": "date", "loud": "checkbox"}
    assert page.locator("#form label").first.inner_text().split() == ["Language", "en", "ca"]
    page.get_by_label("Where").select_option("south")
    expect(report(page).locator("h1")).to_have_text("Hello south 2", timeout=LONG)
    page.get_by_label("count").fill("4")
    page.get_by_label("count").press("Enter")
    expect(report(page).locator("h1")).to_have_text("Hello south 8", timeout=LONG)
    page.get_by_label("loud").check()
    expect(report(page).locator("#loud")).to_have_text("True", timeout=LONG)
    page.get_by_label("day").fill("2026-03-01")
    expect(report(page).locator("#when")).to_have_text("2026-03-01", timeout=LONG)
    expect(report(page).locator("h1")).to_have_text("Hello south 8")


def test_a_parameter_that_cannot_be_is_told(page: Page) -> None:
    page.get_by_label("count").fill("40")
    page.get_by_label("count").press("Enter")
    expect(page.locator("#problem")).to_contain_text("count", timeout=LONG)
    shot(page, "parameter-error")
    page.get_by_label("count").fill("3")
    page.get_by_label("count").press("Enter")
    expect(report(page).locator("h1")).to_have_text("Hello north 6", timeout=LONG)


def test_the_report_cannot_act(page: Page) -> None:
    assert page.locator("#report").get_attribute("sandbox") == ""
    assert page.title() == "A greeting · preview"
