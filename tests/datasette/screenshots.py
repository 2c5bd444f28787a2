"""Takes the pictures of docs/screenshots: `python -m tests.datasette.screenshots DIRECTORY`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from scrapdb.database import Database
from tests.datasette.conftest import ARGUMENTS
from tests.datasette.conftest import chromium
from tests.datasette.server import served
from tests.executed import tickers

# Name of the picture, and the address that it shows.
PICTURES = {
    "runs": "/scraps/runs?_sort=distance",
    "gallery": "/-/scrapdb/scraps/gallery?scrap=chart",
    "frame": "/-/scrapdb/scraps/frame?path=tickers/BCD.ipynb&name=prices",
    "compare": "/-/scrapdb/scraps/compare?path=tickers/BCD.ipynb&path=tickers/MNO.ipynb",
    "notebook": "/-/scrapdb/scraps/notebook?path=tickers/BCD.ipynb",
}


def main(directory: Path) -> None:
    """Make the example's store, serve it and take every picture."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copytree(tickers(), Path(temporary, "tickers"))
        store = Path(temporary, "scraps.db")
        Database(store).index(store.parent / "tickers")
        with served("scrapdb", "--db", store, "serve") as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1200, "height": 750})
            for name, path in PICTURES.items():
                page.goto(f"{address}{path}", wait_until="networkidle")
                page.screenshot(path=directory / f"{name}.png")
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
