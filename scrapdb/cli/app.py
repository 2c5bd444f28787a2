"""The command line: one subcommand, one module; the table of them, and the one place where errors become sentences."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import complain
from scrapdb.cli.options import setting
from scrapdb.errors import ScrapdbError
from scrapdb.version import VERSION

# Name of the command, and the module that holds it as `command`; the order is that of `--help`.
COMMANDS = {
    "index": "index",
    "query": "query",
    "fields": "fields",
    "show": "show",
    "frame": "frame",
    "sql": "sql",
    "check": "check",
    "du": "du",
    "problems": "problems",
    "set": "set",
    "unset": "unset",
    "serve": "serve",
    "optimize": "optimize",
    "gc": "gc",
    "export": "export",
    "completion": "completion",
}


class _Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"scrapdb.cli.{COMMANDS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " `scrapdb --help` lists them all."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and give its exit code. click itself would end with 1 when nobody reads the output any more."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _drop_output()
            return 0
        except ScrapdbError as error:
            _tell(error, str(error))
            return error.exit_code
        except OSError as error:
            _tell(error, ": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
            _drop_output()
            return 1
        return code


def _tell(error: Exception, sentence: str) -> None:
    """Print an error; with --verbose, where it comes from."""
    if setting("verbose"):
        import traceback

        complain("".join(traceback.format_exception(error)).rstrip())
    else:
        complain(f"Error: {sentence}")


def _drop_output() -> None:
    """Have the interpreter flush what is left of the output to nowhere, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, message="scrapdb %(version)s", help="Show the version.")
@common
def app() -> None:
    """Every value, plot and table that your notebooks glued, in one SQLite file.

    \b
    scrapdb index runs/
    scrapdb query "distance < 0.1" -c symbol,distance --sort distance
    """


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong usage or a bad expression, 130 interrupted."""
    try:
        code = app.main(prog_name="scrapdb", standalone_mode=False)
    except click.ClickException as error:
        error.show(sys.stderr)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
