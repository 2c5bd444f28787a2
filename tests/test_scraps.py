from __future__ import annotations

import pytest

from scrapdb.scraps import Place


def test_what_travels_is_frozen() -> None:
    place = Place(0, 0)
    with pytest.raises(AttributeError):
        place.cell = 1  # type: ignore[misc]
