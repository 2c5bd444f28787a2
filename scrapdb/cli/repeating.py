"""The command line that was typed, written again with other values."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING
from typing import Any

from typer._click.globals import get_current_context

# Texts that are taken for nothing else: words, and dates and times, which JSON has as texts.
_PLAIN = r"[A-Za-z_][\w./:-]*|[0-9]{4}-[0-9]{2}-[0-9]{2}[0-9T:.+Z-]*"
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null", "nan", "inf", "infinity"})

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.core import Parameter


def typed(*, without: Collection[str] = (), more: Sequence[str] = ()) -> str:
    """Return the command that runs now, to be pasted into a shell.

    Args:
        without: names of the options that are left out.
        more: words that come last.
    """
    context = get_current_context()
    words = ["scrapdb", *_words(context.find_root(), without), str(context.info_name), *_words(context, without)]
    return " ".join(map(quote, [*words, *more]))


def assigned(name: str, value: Any) -> str:
    """Write a parameter as it stands after `-p`, so that it is read as the same value."""
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, str) and not (re.fullmatch(_PLAIN, value) and value.lower() not in _WORDS):
        text = '"' + value.replace('"', '""') + '"'
    return f"{name}={text}"


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
