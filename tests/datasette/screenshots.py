"""Takes the pictures of docs/screenshots: `python -m tests.datasette.screenshots DIRECTORY`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from scrapdb.database import Database
from tests.datasette.conftest import ARGUMENTS
from tests.datasette.conftest import chromium
from tests.datasette.server import served
from tests.executed import EXAMPLE
from tests.executed import tickers

_COLUMNS = ("notebook", "nb_status", "nb_seconds", "symbol", "distance", "close_to_ath", "chart", "prices", "message")
# Name of the picture, and the address that it shows.
PICTURES = {
    "runs": "/scraps/runs?_sort=distance&_nofacet=1&" + "&".join(f"_col={column}" for column in _COLUMNS),
    "gallery": "/-/scrapdb/scraps/gallery?scrap=chart",
    "frame": "/-/scrapdb/scraps/frame?path=tickers/BCD.ipynb&name=prices",
    "compare": "/-/scrapdb/scraps/compare?path=tickers/BCD.ipynb&path=tickers/MNO.ipynb",
    "notebook": "/-/scrapdb/scraps/notebook?path=tickers/BCD.ipynb",
    "plot": "/-/scrapdb/scraps/plot?x=symbol&y=distance * 100&color=close_to_ath",
}


def main(directory: Path) -> None:
    """Make the example's store, serve it and take every picture."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for notebook in tickers().iterdir():
            # As if it had been run where one stands in the example, wherever that is on this machine.
            text = notebook.read_text("utf-8").replace(str(EXAMPLE.parent.parent) + os.sep, "")
            Path(temporary, "tickers").mkdir(exist_ok=True)
            Path(temporary, "tickers", notebook.name).write_text(text, "utf-8")
        store = Path(temporary, "scraps.db")
        Database(store).index(store.parent / "tickers")
        with served("scrapdb", "--db", store, "serve") as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1200, "height": 960})
            for name, path in PICTURES.items():
                page.goto(f"{address}{path}", wait_until="networkidle")
                page.screenshot(path=directory / f"{name}.png")
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
