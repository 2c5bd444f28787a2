from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from scrapdb.encoders.scrap import Scrap
from scrapdb.encoders.scrap import Scraps
from scrapdb.facts import Place
from tests.notebook_builder import PNG


def test_what_travels_is_frozen() -> None:
    place = Place(0, 0)
    with pytest.raises(AttributeError):
        place.cell = 1  # type: ignore[misc]


def in_jupyter(scrap: Scrap) -> dict[str, Any]:
    """Show a scrap as a kernel does."""
    bundle, _ = DisplayFormatter().format(scrap)  # type: ignore[no-untyped-call]
    return dict(bundle)


@pytest.mark.parametrize(
    ("glued", "asked"), [("gr\u00f6\u00dfe", "gro\u0308\u00dfe"), ("gro\u0308\u00dfe", "gr\u00f6\u00dfe")]
)
def test_a_name_is_looked_up_in_both_spellings(glued: str, asked: str) -> None:
    scraps = Scraps({"a": Scrap("a", 1, "json"), glued: Scrap(glued, 2, "json")})
    for name in (glued, asked):
        assert name in scraps
        assert scraps[name].data == scraps.get(name).data == 2
    assert list(scraps) == ["a", glued]
    assert "b" not in scraps
    assert scraps.get("b") is None
    assert scraps.get("b", 3) == 3


def test_jupyter_shows_what_was_shown_for_a_scrap() -> None:
    chart = Scrap("chart", None, "display", {"data": {"image/png": PNG}, "metadata": {}, "output_type": "display_data"})
    text = "Scrap(name='chart', data=None, encoder='display', display=<image/png>)"
    assert in_jupyter(chart) == {"image/png": PNG, "text/plain": text}
    hostile = chart._replace(
        display={"data": {"application/javascript": "alert(1)", "text/html": "<script>x</script>"}}
    )
    assert in_jupyter(hostile)["text/html"].startswith('<iframe sandbox="" ')


def test_jupyter_shows_the_rows_of_a_frame() -> None:
    shown = in_jupyter(Scrap("prices", pd.DataFrame({"<b>": ["<script>"]}), "pandas"))
    assert "<td>&lt;script&gt;</td>" in shown["text/html"]


def test_any_other_scrap_is_shown_as_the_tuple_that_it_is() -> None:
    scrap = Scrap("x", 1, "json")
    assert in_jupyter(scrap) == {"text/plain": "Scrap(name='x', data=1, encoder='json', display=None)"}
    assert repr(scrap) == "Scrap(name='x', data=1, encoder='json', display=None)"
    assert scrap == ("x", 1, "json", None)
