"""What is offered when Tab is pressed. The scripts by which shells ask stand beside this module.

They are not typer's: its script for zsh evaluates what the program prints, and its help texts are drawn by rich.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer._click.shell_completion import _resolve_context
from typer._click.shell_completion import _resolve_incomplete
from typer._click.shell_completion import split_arg_string

if TYPE_CHECKING:
    from typer._click.core import Command


def script(shell: str) -> str:
    """Return the script that makes a shell ask."""
    return Path(__file__).with_name(f"completion.{shell}").read_text("utf-8")


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
