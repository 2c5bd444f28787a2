from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scrapdb.notebooks import syntax

SOURCE = "def f(a):\n    return [x for x in a if x['b']]\n" * 20


class Lingering:
    """Is collected as garbage, which takes long enough for another thread to have its turn."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(3000):
            pass


@pytest.fixture
def littered() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(200)
    yield
    gc.set_threshold(*before)


def parsed(depth: int) -> int:
    """Parse some time, at a depth of calls; return how often."""
    if depth:
        return parsed(depth - 1)
    for _ in range(200):
        Lingering()
        syntax.module(SOURCE)
    return 200


@pytest.mark.usefixtures("littered")
def test_threads_do_not_disturb_each_other() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(parsed, (0, 10, 20, 30))] == [200] * 4


@pytest.mark.parametrize("source", ["x = 1\ny = [2]", "x =", "x = '\0'", "(" * 1000, "x\ud800"])
def test_it_is_ast_parse(source: str) -> None:
    try:
        expected = ast.dump(ast.parse(source))
    except Exception as error:  # noqa: BLE001 - whatever it is
        with pytest.raises(type(error)):
            syntax.module(source)
    else:
        assert ast.dump(syntax.module(source)) == expected


def test_an_expression() -> None:
    assert ast.dump(syntax.expression("[1]")) == ast.dump(ast.parse("[1]", mode="eval").body)
