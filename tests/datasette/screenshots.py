"""Takes the pictures of docs/screenshots: `python -m tests.datasette.screenshots DIRECTORY`."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.database import Database
from scrapdb.reporting.report import build
from tests import browsers
from tests.datasette.server import served
from tests.executed import EXAMPLE
from tests.executed import tickers
from tests.notebook_builder import error

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Name of the picture, and the address that it shows: of the example's store, and of a month of its runs.
PICTURES = {
    "runs": "/scraps/runs?_sort=distance&_nofacet=1",
    "gallery": "/-/scrapdb/scraps/gallery?scrap=chart",
    "frame": "/-/scrapdb/scraps/frame?path=tickers/BCD.ipynb&name=prices",
    "compare": "/-/scrapdb/scraps/compare?path=tickers/BCD.ipynb&path=tickers/MNO.ipynb",
    "notebook": "/-/scrapdb/scraps/notebook?path=tickers/BCD.ipynb",
    "plot": "/-/scrapdb/scraps/plot?x=symbol&y=distance * 100&color=close_to_ath",
}
OF_A_MONTH = {"overview": "/-/scrapdb/scraps/overview"}
_FIRST, _DAYS, _SATURDAY = date(2026, 10, 5), 40, 5
_ERRORS = (error("TimeoutError", "the feed sent 212 of 1,000 prices"), error("KeyError", "'close'"))


def main(directory: Path) -> None:
    """Make the stores, serve them and take every picture."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, browsers.opened() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 960})
        # As if it had been run where one stands in the example, wherever that is on this machine.
        texts = {
            notebook.name: notebook.read_text("utf-8").replace(str(EXAMPLE.parent.parent) + os.sep, "")
            for notebook in sorted(tickers().iterdir())
        }
        take(page, Path(temporary, "once"), texts, PICTURES, directory)
        take(page, Path(temporary, "month"), dict(month(texts)), OF_A_MONTH, directory)
        take_service(page, Path(temporary), directory)
        take_report(page, Path(temporary), directory)


def take(page: Page, place: Path, texts: dict[str, str], pictures: dict[str, str], directory: Path) -> None:
    """Index notebooks at a place, and take pictures of their store."""
    (place / "tickers").mkdir(parents=True)
    for name, text in texts.items():
        (place / "tickers" / name).write_text(text, "utf-8")
    Database(place / "scraps.db").index(place / "tickers")
    with served("scrapdb", "--db", place / "scraps.db", "serve") as address:
        for name, path in pictures.items():
            page.goto(f"{address}{path}", wait_until="networkidle")
            page.screenshot(path=directory / f"{name}.png", full_page=name == "overview")


def take_service(page: Page, place: Path, directory: Path) -> None:
    """Ask a service of the examples for a report in Catalan, and take pictures of its form and of what comes of it."""
    serve = ("scrapdb", "--db", place / "service.db", "report", "serve", EXAMPLE.parent, "-o", place / "service")
    with served(*serve) as address:
        page.goto(f"{address}/bundles/voltage?p.site=north&_language=ca")
        page.screenshot(path=directory / "service-form.png")
        page.get_by_role("button", name="Ask for it").click()
        page.frame_locator("iframe.report").locator("h1").wait_for(timeout=60_000)
        page.screenshot(path=directory / "service-report.png")


def take_report(page: Page, place: Path, directory: Path) -> None:
    """Make the report of a site's voltage, and take pictures of it: on a desk, and on a phone in the dark."""
    build(EXAMPLE.parent / "voltage", {"site": "west"}, place / "reports", name="west", db=place / "reports.db")
    page.goto((place / "reports" / "west" / "report.html").as_uri())
    page.screenshot(path=directory / "report.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=directory / "report-phone.png", full_page=True)


def month(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Make as many runs of every working day as by chance, of which some end in an error."""
    chance = random.Random(2)  # noqa: S311 - no secret
    for day in (_FIRST + timedelta(days=number) for number in range(_DAYS)):
        for name, text in texts.items():
            if day.weekday() < _SATURDAY and chance.random() < 0.75:
                yield f"{day}-{name}", json.dumps(_moved(json.loads(text), day, chance))


def _moved(document: dict[str, Any], day: date, chance: random.Random) -> dict[str, Any]:
    """Let a run have been on another day, with another distance, or with an error."""
    times = document["metadata"]["papermill"]
    for name in ("start_time", "end_time"):
        times[name] = f"{day}{times[name][10:]}"
    times["duration"] *= chance.lognormvariate(0, 0.2)
    cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    for output in (output for cell in cells for output in cell["outputs"]):
        for payload in output.get("data", {}).values():
            if isinstance(payload, dict) and payload.get("name") == "distance":
                payload["data"] *= chance.lognormvariate(0, 0.4)
    if chance.random() < 0.08:
        cells[-1]["outputs"] = [chance.choice(_ERRORS)]
    return document


if __name__ == "__main__":
    main(Path(sys.argv[1]))
