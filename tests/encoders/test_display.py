from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML
from IPython.display import Image
from IPython.display import Markdown
from IPython.display import display

from scrapdb.encoders.display import shown
from scrapdb.encoders.display import shows_itself
from scrapdb.errors import ScrapbookDataException
from tests.scrapbook import shown as outside

ROOT = Path(__file__).parent.parent.parent
PLOT = {"application/vnd.plot.v1+json": {"x": [1]}, "text/html": "<div>plot</div>"}


class Displaying:
    """Displays itself, as ipywidgets 7 do."""

    def _ipython_display_(self) -> None:
        display(PLOT, raw=True, metadata={"isolated": True})  # type: ignore[no-untyped-call]


class Bundled:
    """Gives a bundle, as altair's charts do; its arguments have no defaults."""

    def _repr_mimebundle_(self, include: Any, exclude: Any) -> Any:
        del include, exclude
        return PLOT, {"text/html": {"isolated": True}}


class Figure(Bundled):
    """Has both, as plotly's figures do: what it displays first of all is a script of 4 MB."""

    def _ipython_display_(self) -> None:
        display(HTML("<script></script>"))  # type: ignore[no-untyped-call]
        display(PLOT, raw=True)  # type: ignore[no-untyped-call]


class Widget(Displaying):
    """Gives a bundle only where it is supported."""

    def _repr_mimebundle_(self, **_: Any) -> Any:
        return {"text/plain": "Widget()"}


class Several:
    def _ipython_display_(self) -> None:
        sys.stdout.write("printed\n")
        display(HTML("<b>one</b>"), Markdown("two"))  # type: ignore[no-untyped-call]


class Updating:
    def _ipython_display_(self) -> None:
        handle = display(Image(b"0 %", format="png"), display_id="bar")  # type: ignore[no-untyped-call]
        handle.update(Image(b"100 %", format="png"))  # type: ignore[no-untyped-call]


class TwoPictures:
    def _ipython_display_(self) -> None:
        display(Image(b"one", format="png"), Image(b"two", format="png"))  # type: ignore[no-untyped-call]


class Silent:
    def _ipython_display_(self) -> None:
        """Display nothing."""


class SilentWithHtml(Silent):
    def _repr_html_(self) -> str:
        return "<b>said</b>"


class Empty:
    def _repr_mimebundle_(self, **_: Any) -> Any:
        return {}, {}

    def _repr_html_(self) -> str:
        return ""


class Failing:
    def _ipython_display_(self) -> None:
        raise RuntimeError("no display")


@pytest.mark.parametrize("class_", [Displaying, Bundled, Figure, Widget])
def test_a_plot_has_all_its_types(class_: type) -> None:
    with outside.shown() as outputs:
        assert shows_itself(class_())
        bundle, _ = shown(class_())
    assert {mime: bundle[mime] for mime in PLOT} == PLOT
    assert outputs == []


def test_metadata_is_kept() -> None:
    assert shown(Displaying())[1] == {"isolated": True}
    assert shown(Bundled())[1] == {"text/html": {"isolated": True}}


@pytest.mark.parametrize("class_", [Displaying, Bundled, Figure])
def test_types_are_chosen(class_: type) -> None:
    assert shown(class_(), include=["text/html"])[0] == {"text/html": PLOT["text/html"]}
    assert "text/html" not in shown(class_(), exclude=["text/html"])[0]
    assert shown(class_(), include=("image/png",))[0] == {}


def test_what_is_printed_and_displayed_is_put_together() -> None:
    with outside.shown() as outputs:
        bundle, _ = shown(Several())
    assert (bundle["text/html"], bundle["text/markdown"]) == ("<b>one</b>", "two")
    assert bundle["text/plain"].startswith("printed\n")
    assert outputs == []


def test_an_update_takes_the_place_of_what_was_displayed() -> None:
    assert shown(Updating())[0]["image/png"] == base64.b64encode(b"100 %").decode()


def test_two_pictures_have_no_common_name() -> None:
    with pytest.raises(ScrapbookDataException, match=r"TwoPictures'> displays more than one image/png"):
        shown(TwoPictures())


def test_what_displays_nothing_shows_nothing() -> None:
    assert shown(Silent()) == ({}, {})
    assert shown(SilentWithHtml())[0]["text/html"] == "<b>said</b>"


def test_an_error_of_the_object_is_its_own() -> None:
    with pytest.raises(RuntimeError, match="no display"):
        shown(Failing())


def test_ipython_is_left_as_it_was() -> None:
    shell: Any = InteractiveShell.instance()
    publisher = shell.display_pub
    for value in (Figure(), Displaying(), 1):
        shown(value)
    assert shell.display_formatter.ipython_display_formatter.enabled
    assert shell.display_pub is publisher


@pytest.mark.parametrize("value", [MagicMock(), Figure, Empty(), 1, "text", object()])
def test_what_has_no_display_of_its_own(value: Any) -> None:
    assert not shows_itself(value)


def test_a_figure_needs_no_pyplot() -> None:
    code = """
import sys
from matplotlib.figure import Figure
from scrapdb.encoders.display import shown
figure = Figure(figsize=(1, 1))
figure.subplots().plot([1, 2])
bundle, _ = shown(figure)
sys.exit("image/png" not in bundle)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
