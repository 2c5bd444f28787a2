"""What addresses ask, read by the declaration of a page."""

from __future__ import annotations

from typing import Annotated
from typing import Literal
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from datasette.utils.asgi import Request

from scrapdb.datasette.page import Typed
from scrapdb.datasette.page import names
from scrapdb.datasette.page import read
from scrapdb.errors import UsageError


class Question(NamedTuple):
    name: str = "chart"
    kind: str | None = None
    where: Typed = ""
    paths: Annotated[tuple[str, ...], "path"] = ()
    page: Annotated[int, "_page", range(1, 1001)] = 1
    theme: Literal["light", "dark"] = "light"
    shape: Literal["line", "bar", "point"] | None = None


def asked(*pairs: tuple[str, str]) -> Question:
    return read(Request.fake(f"/?{urlencode(pairs)}"), Question)


def test_what_is_missing_or_empty_is_the_default() -> None:
    assert asked() == asked(("name", ""), ("where", " "), ("path", ""), ("_page", ""), ("shape", "")) == Question()


def test_a_question_is_read_by_its_annotations() -> None:
    pairs = [("name", " a"), ("kind", "b"), ("where", " x < 1 "), ("path", "p"), ("path", "q"), ("_page", "1000")]
    assert asked(*pairs, ("theme", "dark"), ("shape", "bar"), ("other", "1")) == Question(
        " a", "b", "x < 1", ("p", "q"), 1000, "dark", "bar"
    )


def test_the_names_are_those_of_the_address() -> None:
    assert names(Question) == {"name", "kind", "where", "path", "_page", "theme", "shape"}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("_page", "0", "_page is a whole number from 1 to 1,000, not '0'."),
        ("_page", "1001", "_page is a whole number from 1 to 1,000, not '1001'."),
        ("_page", "1.5", "_page is a whole number from 1 to 1,000, not '1.5'."),
        ("_page", "\u00b2", "_page is a whole number from 1 to 1,000, not '\u00b2'."),
        ("_page", "9" * 20, f"_page is a whole number from 1 to 1,000, not '{'9' * 20}'."),
        ("theme", "Dark", "theme is light or dark, not 'Dark'."),
        ("shape", "pie", "shape is line, bar or point, not 'pie'."),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(name: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked((name, text))
    assert str(caught.value) == sentence
