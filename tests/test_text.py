from __future__ import annotations

import pytest

from scrapdb.text import has_surrogates
from scrapdb.text import valid_text


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
