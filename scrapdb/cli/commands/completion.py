"""scrapdb completion: let the shell complete commands, options and names of fields. The scripts stand beside this.

They are not typer's: its script for zsh evaluates what the program prints, and its help texts are drawn by rich.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Literal

import typer
from typer._click.shell_completion import _resolve_context
from typer._click.shell_completion import _resolve_incomplete
from typer._click.shell_completion import split_arg_string

from scrapdb.cli.options import Settings

if TYPE_CHECKING:
    from typer._click.core import Command


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
    del settings
    typer.echo(Path(__file__).with_name(f"completion.{shell}").read_text("utf-8"), nl=False)


def complete(app: Command, shell: str) -> None:
    """Print what may stand at the cursor, one candidate a line; except for bash, what it means follows after a tab.

    COMP_WORDS in the environment is the line, and COMP_CWORD counts the words before the cursor.
    """
    words = split_arg_string(os.environ["COMP_WORDS"])
    place = int(os.environ["COMP_CWORD"])
    before, word = words[1:place], "".join(words[place : place + 1])
    context = _resolve_context(app, {}, "scrapdb", before)
    asked, start = _resolve_incomplete(context, before, word)
    for item in asked.shell_complete(context, start):
        typer.echo(f"{item.value}\t{item.help}" if item.help and shell != "bash" else item.value)
