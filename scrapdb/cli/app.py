"""The command line: one subcommand, one module; the table of them, and the one place where errors become sentences."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer
from typer.core import TyperCommand
from typer.core import TyperGroup

from scrapdb import __version__
from scrapdb.cli.options import Settings
from scrapdb.cli.options import complain
from scrapdb.cli.options import joined
from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion

if TYPE_CHECKING:
    from typer._click.core import Command
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

# Each is a module of `commands` that holds it as `command`, or a package of further ones with a table of its own, as
# `COMMANDS`; the order is that of `--help`.
COMMANDS = {
    "index": "Read notebooks into the store.",
    "run": "Execute a notebook with many parameters, into the store.",
    "report": "Make reports of bundles, and over the store.",
    "query": "Show the notebooks for which an expression holds.",
    "fields": "List every name that can be asked for.",
    "show": "Show one notebook, or one of its values.",
    "history": "Show the versions of one notebook.",
    "diff": "Show what differs between notebooks.",
    "frame": "Show one DataFrame across notebooks.",
    "sql": "Run SQL that only reads.",
    "plot": "Draw one field against another, as a picture or with characters.",
    "check": "Exit with 1 unless an expression holds for every notebook.",
    "du": "Show what takes how many bytes.",
    "problems": "List what could not be read.",
    "set": "Set one scrap of a notebook.",
    "unset": "Take one scrap out of a notebook.",
    "serve": "Browse the store with Datasette.",
    "optimize": "Make `runs` and the search table anew, and compact the store.",
    "gc": "Remove what nothing names any more.",
    "prune": "Remove old runs: notebook, kept files and rows.",
    "export": "Write the store as a parquet data set.",
    "completion": "Print what makes a shell complete commands and fields.",
}
_COMPLETE = "_SCRAPDB_COMPLETE"
# What brings a package that is not installed: whose they are, and the extra.
_EXTRAS = {
    **dict.fromkeys(("babel", "jinja2", "jsonschema"), ("Reports need", "report")),
    **dict.fromkeys(
        ("cronsim", "itsdangerous", "slack_sdk", "standardwebhooks", "starlette", "uvicorn"),
        ("A service of reports needs", "service"),
    ),
}


class _Command(TyperCommand):
    """A command whose usage names arguments as its help does; typer would put them into braces."""

    @staticmethod
    def spelled(args: list[str]) -> list[str]:
        """Fill in values that can be left out; a command that has such options brings its own."""
        return args

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the options."""
        return super().parse_args(ctx, self.spelled(args))

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the options below the headings that they name; those of all commands come last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if record := option.get_help_record(ctx):
                groups.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(record)
        general = groups.pop("Options", [])
        for heading, records in {**groups, "Options": general}.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class _Commands(TyperGroup):
    """Commands that are imported when they are asked for: modules of `package`, by the names in `table`."""

    table = COMMANDS
    package = "scrapdb.cli.commands"

    def list_commands(self, ctx: Context) -> list[str]:
        del ctx
        return list(self.table)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        del ctx
        if cmd_name not in self.table:
            return None
        module = import_module(f"{self.package}.{cmd_name.replace('-', '_')}")
        if hasattr(module, "COMMANDS"):
            return _further(cmd_name, self.table[cmd_name], module)
        single = _plain()
        settings = {"ignore_unknown_options": cmd_name == "set"}  # of which a value may be -1
        kind = type("_Own", (_Command,), {"spelled": staticmethod(getattr(module, "spelled", list))})
        made = single.command(cmd_name, cls=kind, short_help=self.table[cmd_name], context_settings=settings)
        made(joined(module.command))
        return typer.main.get_command(single)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args[0] not in self.table and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"There is no command {args[0]!r}; {suggestion(args[0], self.table)}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the options. It is here that the help and the version are printed."""
        with _telling(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> Any:
        """Run a command and give its exit code."""
        with _telling(ctx):
            return super().invoke(ctx)


@contextmanager
def _telling(ctx: Context) -> Iterator[None]:
    """Turn errors into sentences and exit codes. When nobody reads the output any more, typer would end with 1."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        raise typer.Exit(0) from None
    except ScrapdbError as error:
        _tell(ctx, error, str(error))
        raise typer.Exit(error.exit_code) from None
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _EXTRAS:
            raise
        needs, extra = _EXTRAS[name]
        _tell(ctx, error, f"{needs} {name}, which is not installed: pip install 'scrapdb[{extra}]'")
        raise typer.Exit(1) from None
    except OSError as error:
        _tell(ctx, error, ": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        _drop_output()
        raise typer.Exit(1) from None


def _tell(ctx: Context, error: Exception, sentence: str) -> None:
    """Print an error; with --verbose, where it comes from."""
    if ctx.obj and ctx.obj.verbose:
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


def _plain(**settings: Any) -> typer.Typer:
    """Make a command line that is printed as it stands, without rich, and whose shells are ours to complete."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **settings)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(f"scrapdb {__version__}")
        raise typer.Exit


def _scrapdb(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version.")
    ] = False,
    settings: Settings,
) -> None:
    """Every value, plot and table that your notebooks glued, in one SQLite file.

    \b
    scrapdb index runs/
    scrapdb query "distance < 0.1" -c symbol,distance --sort distance
    """
    del version, settings  # which `joined` leaves in the context


def _further(name: str, short_help: str, module: ModuleType) -> Command:
    """Make a group of the commands in a package; its `explain` has the help, and is given the settings."""
    kind = type("_Further", (_Commands,), {"table": module.COMMANDS, "package": module.__name__})
    group = _plain(name=name, cls=kind, short_help=short_help, no_args_is_help=True)
    group.callback()(joined(module.explain))
    return typer.main.get_group(group)


_group = _plain(cls=_Commands, no_args_is_help=True)
_group.callback(context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})(joined(_scrapdb))
app = typer.main.get_group(_group)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong usage or a bad expression, 130 interrupted."""
    _open_closed()
    if shell := os.environ.get(_COMPLETE):
        from scrapdb.cli.commands.completion import complete

        complete(app, shell)
    else:
        app.main(prog_name="scrapdb")
