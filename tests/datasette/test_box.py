"""The box above tables that asks for an expression, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.datasette.server import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def site(thirty: Path) -> Iterator[str]:
    with served("datasette", thirty) as address:
        yield address


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(f"{site}/scraps/runs?_sort=distance")
    yield opened
    opened.close()


def test_the_box_completes_fields_by_the_keyboard(page: Page) -> None:
    box = page.get_by_label("Expression")
    box.press_sequentially("symbol = 'dis' and dis")
    page.wait_for_load_state("networkidle")  # each letter asks anew, and an answer replaces the list
    page.locator("li[role=option]").wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    assert box.input_value() == "symbol = 'dis' and distance"
    assert not page.locator("ul[role=listbox]").is_visible()


def test_the_box_completes_in_the_middle_and_by_the_mouse(page: Page) -> None:
    box = page.get_by_label("Expression")
    box.fill(" < 0.5")
    box.press("Home")
    box.press_sequentially("nb.stat")
    page.wait_for_load_state("networkidle")
    page.locator("li[role=option]", has_text="nb.status").click()
    assert box.input_value() == "nb.status < 0.5"


def test_the_box_shows_in_place_what_is_wrong(page: Page) -> None:
    box = page.get_by_label("Expression")
    box.fill("distence < 0.5")
    box.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text().endswith("\n  ^^^^^^^^")
    assert "_scrap" not in page.url


def test_the_box_filters_and_keeps_the_rest(page: Page) -> None:
    box = page.get_by_label("Expression")
    box.fill("distance < 0.5")
    with page.expect_navigation():
        box.press("Enter")
    assert "_sort=distance" in page.url
    assert page.get_by_label("Expression").input_value() == "distance < 0.5"
    assert page.locator("table.rows-and-columns tbody tr").count() == 5
