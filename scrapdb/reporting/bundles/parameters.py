"""What is asked of a report, made to fit what config.json says of its parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.reporting.bundles.config import Config
from scrapdb.reporting.bundles.config import Parameter
from scrapdb.reporting.bundles.config import refusal
from scrapdb.reporting.bundles.config import wanted
from scrapdb.running.rows import values
from scrapdb.text import composed


def typed(config: Config, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a report's parameters, those that are not given by default, as JSON has them.

    A date is its text in ISO 8601, which a notebook takes as a date if its own default is one. What is None is not
    given. A config that names no parameters leaves all to the notebook.

    Args:
        config: what the bundle says.
        given: values by name, of Python, or `running.rows.values.Text` as somebody typed them.

    Raises:
        UsageError: a name or a value is wrong, or one is missing.
    """
    named = {composed(name): value for name, value in given.items() if value is not None}
    if not config.parameters:
        return named
    for name in (name for name in named if name not in config.parameters):
        raise UsageError(f"The report takes no parameter {name}: {suggestion(name, config.parameters)}")
    _check_missing(config, named)
    chosen = {name: named.get(name, each.default) for name, each in config.parameters.items()}
    return {name: _value(name, config.parameters[name], value) for name, value in chosen.items() if value is not None}


def refusals(config: Config, given: Mapping[str, Any]) -> dict[str, str]:
    """Say of each parameter why its value is none, if it is none: `it takes a number from 0 to 100`.

    Args:
        config: what the bundle says.
        given: as `typed` takes it.
    """
    wrong = {}
    for name, parameter in config.parameters.items():
        value = given.get(name, parameter.default)
        if given.get(name) is None and parameter.is_required:
            wrong[name] = f"it is needed: {wanted(parameter)}"
        elif value is not None and (why := _read(parameter, value)[1]):
            wrong[name] = why
    return wrong


def _check_missing(config: Config, named: Mapping[str, Any]) -> None:
    missing = {name: each for name, each in config.parameters.items() if each.is_required and name not in named}
    if missing:
        told = ", ".join(f"{name} ({wanted(each)})" for name, each in missing.items())
        raise UsageError(f"The report needs {told}: no value is given, and there is no default.")


def _value(name: str, parameter: Parameter, value: Any) -> Any:
    made, why = _read(parameter, value)
    if why:
        raise UsageError(f"The parameter {name} cannot be {values.shown(value)}: {why}.")
    return made.isoformat() if isinstance(made, dt.date) else made


def _read(parameter: Parameter, value: Any) -> tuple[Any, str]:
    """Return a value as a parameter takes it, and why it is none, if it is none."""
    try:
        made = values.read(values.plain(value), parameter.takes)
        return made, refusal(parameter, made)
    except (values.RefusedError, RecursionError):
        return None, f"it takes {wanted(parameter)}"
