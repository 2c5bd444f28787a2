"""The command line that was typed, written again with other values."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.core import Parameter


def typed(context: Context, *, without: Collection[str] = (), more: Sequence[str] = ()) -> str:
    """Return the command of a context, to be pasted into a shell.

    Args:
        context: that of the command.
        without: names of the options that are left out.
        more: words that come last.
    """
    words = ["scrapdb", *_words(context.find_root(), without), str(context.info_name), *_words(context, without)]
    return " ".join(map(quote, [*words, *more]))


def _words(context: Context, without: Collection[str]) -> Iterator[str]:
    """Yield the arguments and options that were typed, arguments first."""
    for parameter in sorted(context.command.params, key=lambda each: each.param_type_name):
        source = context.get_parameter_source(str(parameter.name))
        if source and source.name == "COMMANDLINE" and parameter.name not in without:
            yield from _written(parameter, context.params[str(parameter.name)])


def _written(parameter: Parameter, value: Any) -> Iterator[str]:
    if parameter.param_type_name == "argument":
        yield str(value)
    elif isinstance(value, bool):
        yield (parameter.opts if value else parameter.secondary_opts)[0]
    else:
        for each in value if isinstance(value, list | tuple) else [value]:
            yield from (parameter.opts[0], str(each))
