"""From the first page to what one wants to see, as a person with a browser does it."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scrapdb.database import Database
from tests.datasette.server import served
from tests.notebook_builder import gluing
from tests.notebook_builder import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page

NEAREST = "BCD"  # is nearest to its high in the example
_LOADED = "image => image.complete && image.naturalWidth > 0"


@pytest.fixture(scope="module")
def address(store: Path) -> Iterator[str]:
    with served("scrapdb", "--db", store, "serve") as running:
        yield running


@pytest.fixture(scope="module")
def wide(glued: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve frames, failures, and a scrap with a very long name."""
    directory = tmp_path_factory.mktemp("wide")
    shutil.copytree(glued.parent, directory, dirs_exist_ok=True)
    write(directory / "long.ipynb", gluing(**{"a_name_without_an_end_" * 10: 1}))
    Database(directory / "scraps.db").index(directory)
    with served("datasette", directory / "scraps.db") as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    yield context.new_page()
    context.close()


def _charts_are_shown(page: Page, selector: str) -> None:
    images = page.query_selector_all(selector)
    assert images
    for image in images:
        image.scroll_into_view_if_needed()
        page.wait_for_function(_LOADED, arg=image, timeout=20_000)


def _chart_of(path: Path) -> str:
    """Find the hash of the picture in a notebook's outputs."""
    outputs = [output for cell in json.loads(path.read_text("utf-8"))["cells"] for output in cell.get("outputs", ())]
    (picture,) = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return hashlib.sha256(base64.b64decode("".join(picture))).hexdigest()


@pytest.mark.parametrize("first", ["/", "/scraps"])  # the page that `scrapdb serve` tells, and that `--open` opens
def test_three_clicks_lead_to_the_chart_of_the_nearest_ticker(
    first: str, page: Page, address: str, store: Path
) -> None:
    page.goto(f"{address}{first}")
    page.click(".scrapdb-front >> text=Runs")
    page.click("th[data-column=distance] >> text=distance")
    page.locator("table.rows-and-columns a.scrapdb-thumbnail").first.click()
    page.wait_for_url(f"**/display/{_chart_of(store.parent / 'tickers' / f'{NEAREST}.ipynb')}")
    _charts_are_shown(page, "img")


def test_an_expression_leaves_the_near_ones_and_their_charts(page: Page, address: str) -> None:
    page.goto(f"{address}/scraps/runs")
    page.fill("input[name=_scrap], textarea[name=_scrap]", "distance < 0.1")
    page.press("input[name=_scrap], textarea[name=_scrap]", "Enter")
    page.wait_for_url("**_scrap=*")
    assert page.locator("table.rows-and-columns tbody tr").count() == 2
    _charts_are_shown(page, "table.rows-and-columns img")


def test_a_frame_is_one_click_from_its_run(page: Page, address: str) -> None:
    page.goto(f"{address}/scraps/runs?notebook=tickers/{NEAREST}.ipynb")
    page.click("table.rows-and-columns a[href*='/frame?']")
    page.wait_for_load_state("load")
    assert page.locator("table tbody tr").count() > 10


def test_two_tickers_stand_side_by_side(page: Page, address: str) -> None:
    page.goto(address)
    page.click(".scrapdb-front >> text=Gallery")
    for ticker in (NEAREST, "MNO"):
        page.check(f"input[value='tickers/{ticker}.ipynb']")
    page.click("text=Compare the ticked notebooks")
    page.wait_for_url("**/compare?*")
    assert page.locator("thead a[href*='/notebook?']").all_inner_texts() == [
        "tickers/BCD.ipynb", "tickers/MNO.ipynb",
    ]  # fmt: skip
    _charts_are_shown(page, "img[src*='/display/']")
    page.go_back()
    assert page.locator("input:checked").count() == 2


@pytest.mark.parametrize(
    "name",
    [
        "notebook?path=run0.ipynb",
        "notebook?path=long.ipynb",
        "problems",
        "compare?path=run0.ipynb&path=run1.ipynb",
        "gallery",
        "plot",
        "groups?by=nb.path&columns=count(),max(nb.seconds),first(nb.started_at)",
        "frame?path=run0.ipynb&name=prices",
    ],
)
def test_no_page_is_wider_than_a_phone(name: str, browser: Browser, wide: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    phone.goto(f"{wide}/-/scrapdb/scraps/{name}")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.close()
