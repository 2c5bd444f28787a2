"""scrapdb completion: let the shell complete commands, options and names of fields."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from scrapdb.cli.options import common


@click.command("completion", short_help="Print what makes a shell complete commands and fields.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
def command(shell: str) -> None:
    """Print the script that makes SHELL complete commands, options and names of fields.

    \b
    bash    eval "$(scrapdb completion bash)"       in ~/.bashrc
    zsh     eval "$(scrapdb completion zsh)"        in ~/.zshrc
    fish    scrapdb completion fish | source        in ~/.config/fish/config.fish
    """
    known = get_completion_class(shell)
    if known is None:
        raise click.UsageError(f"click knows no completion for {shell}.")
    click.echo(known(click.get_current_context().find_root().command, {}, "scrapdb", "_SCRAPDB_COMPLETE").source())
