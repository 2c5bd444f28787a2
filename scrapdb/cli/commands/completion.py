"""scrapdb completion: let the shell complete commands, options and names of fields."""

from __future__ import annotations

from typing import Annotated
from typing import Literal

import typer

from scrapdb.cli.settings import Settings


def command(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", hidden=True)],
    *,
    settings: Settings,
) -> None:
    """Print the script that makes SHELL complete commands, options and names of fields.

    \b
    bash    eval "$(scrapdb completion bash)"       in ~/.bashrc
    zsh     eval "$(scrapdb completion zsh)"        in ~/.zshrc
    fish    scrapdb completion fish | source        in ~/.config/fish/config.fish
    """
    from scrapdb.cli.completing import script

    del settings
    typer.echo(script(shell), nl=False)
