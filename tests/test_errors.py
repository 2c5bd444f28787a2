from __future__ import annotations

import pytest

from scrapdb.errors import suggestion

NAMES = ["distance", "symbol", "dj"]


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("distanse", NAMES, "did you mean distance?"),
        ("symbl", [*NAMES, "symbols", "symbol"], "did you mean symbol or symbols?"),
        ("zzz", NAMES, "there are distance, symbol, dj."),
        ("zzz", ["prices"], "there is prices."),
        ("zzz", [], "there are none."),
        ("zzz", map(str, range(11)), "there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"),
    ],
)
def test_what_follows_an_unknown_name(word: str, known: list[str], said: str) -> None:
    assert suggestion(word, known) == said


def test_names_can_be_marked_and_have_an_owner() -> None:
    assert suggestion("ruond", ["round"], mark="`") == "did you mean `round`?"
    assert suggestion("zzz", NAMES, owner="it") == "it has distance, symbol, dj."
