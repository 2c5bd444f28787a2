"""A row of the store in a template: its columns, and every other field of its notebook, which is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Run


class Row(Run):
    """The columns of a row by label.

    Args:
        run: the row.
        ask: asks for other fields, as `value`.
    """

    def __init__(self, run: Run, ask: Callable[..., Any]) -> None:
        super().__init__(run.notebook, run)
        self._ask = ask

    def __missing__(self, name: Any) -> Any:
        """Ask for a field that is no column.

        Raises:
            NoFieldError: there is none.
        """
        try:
            return self._ask("value", self.notebook, str(name))
        except TemplateError as error:
            raise NoFieldError(str(error)) from None


class NoFieldError(LookupError):
    """A field that the notebook does not have; the sentence says so."""
