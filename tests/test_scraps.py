from __future__ import annotations

import pytest

from scrapdb.scraps import Place
from scrapdb.scraps import has_surrogates
from scrapdb.scraps import valid_text


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("", ""),
        ("plain", "plain"),
        ("é☃😀", "é☃😀"),
        ("a\ud800b", "a\\ud800b"),
        ("\udfff\udc80", "\\udfff\\udc80"),
    ],
)
def test_text_becomes_valid(text: str, valid: str) -> None:
    assert valid_text(text) == valid
    assert has_surrogates(text) == (text != valid)
    valid.encode()


def test_what_travels_is_frozen() -> None:
    place = Place(0, 0)
    with pytest.raises(AttributeError):
        place.cell = 1  # type: ignore[misc]
