"""The command line: one subcommand, one module; the table of them, and the one place where errors become sentences."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from scrapdb import __version__
from scrapdb.cli.options import common
from scrapdb.cli.options import complain
from scrapdb.cli.options import setting
from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion

# Each is a module of `commands` that holds it as `command`; the order is that of `--help`.
COMMANDS = (
    "index",
    "query",
    "fields",
    "show",
    "frame",
    "sql",
    "check",
    "du",
    "problems",
    "set",
    "unset",
    "serve",
    "optimize",
    "gc",
    "export",
    "completion",
)


class _Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"scrapdb.cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}; {suggestion(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options. It is here that click prints the help and the version."""
        with _telling():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and give its exit code."""
        with _telling():
            return super().invoke(ctx)


@contextmanager
def _telling() -> Iterator[None]:
    """Turn errors into sentences and exit codes. When nobody reads the output any more, click would end with 1."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        raise click.exceptions.Exit(0) from None
    except ScrapdbError as error:
        _tell(error, str(error))
        raise click.exceptions.Exit(error.exit_code) from None
    except OSError as error:
        _tell(error, ": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        _drop_output()
        raise click.exceptions.Exit(1) from None


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


def _open_closed() -> None:
    """Let standard streams that whoever called has closed be empty; Python has None in their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - it lives as long as the process


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="scrapdb %(version)s", help="Show the version.")
@common
def app() -> None:
    """Every value, plot and table that your notebooks glued, in one SQLite file.

    \b
    scrapdb index runs/
    scrapdb query "distance < 0.1" -c symbol,distance --sort distance
    """


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong usage or a bad expression, 130 interrupted."""
    _open_closed()
    try:
        code = app.main(prog_name="scrapdb", standalone_mode=False)
    except click.ClickException as error:
        error.show(sys.stderr)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
