from __future__ import annotations

from typing import Annotated
from typing import NamedTuple

import pytest
import typer

from scrapdb.cli.options import joined
from scrapdb.cli.settings import Settings


class Size(NamedTuple):
    width: Annotated[int, typer.Option(min=1)] = 80
    high: Annotated[bool, typer.Option("--high")] = False


def run(*arguments: str) -> tuple[str, Size, Settings]:
    """Run a command on typer, and return what reached it."""
    reached: list[tuple[str, Size, Settings]] = []

    def command(name: str, *, size: Size, settings: Settings) -> None:
        """Say a name."""
        reached.append((name, size, settings))

    app = typer.Typer(add_completion=False)
    app.command()(joined(command))
    app(arguments, standalone_mode=False)
    (once,) = reached
    return once


def test_groups_are_made_of_their_options() -> None:
    assert run("a") == ("a", Size(), Settings())
    assert run("--high", "-q", "a", "--width", "9") == ("a", Size(9, high=True), Settings(quiet=True))


def test_options_of_groups_are_checked() -> None:
    with pytest.raises(typer.BadParameter, match="0 is not in the range"):
        run("a", "--width", "0")
