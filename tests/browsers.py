"""The browser in which pages are tested: the one that this machine has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import sync_playwright

# WebRTC leaves out this machine's own addresses if it is not told to use them, and reaches no server that listens here.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--allow-loopback-in-peer-connection"]
_NO_BROWSER = "These tests need a browser: `apt-get install chromium`, or google-chrome on the PATH."


@contextmanager
def opened() -> Iterator[Browser]:
    """Start it; without one the tests are skipped, and fail where CI is true."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(_NO_BROWSER)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield started
        started.close()
