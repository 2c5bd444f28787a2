"""`scrapdb serve` and the errors of Datasette's own command line, which stands on click."""

from __future__ import annotations

import pytest
import typer

from scrapdb.cli.commands.serve import _run_datasette


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["serve", "--setting", "nonsense", "1"], 2, "nonsense"),
        (["serve", "--nonsense"], 2, "--nonsense"),
        (["serve", "nowhere.db"], 1, "nowhere.db"),
    ],
)
def test_what_datasette_refuses_is_said(
    arguments: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as end:
        _run_datasette(arguments)
    assert end.value.exit_code == code
    assert said in capfd.readouterr().err
