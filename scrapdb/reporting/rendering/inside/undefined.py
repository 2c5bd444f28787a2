"""Names that a template uses and nobody gives: a sentence with the nearest that there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import ClassVar

from jinja2 import StrictUndefined
from jinja2.utils import missing

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.given import Table


class Missing(StrictUndefined):
    """Something that is not there; whatever is done with it is an error that says so.

    Attributes:
        known: the names that there are, those of the page first.
    """

    known: ClassVar[Callable[[], list[str]]] = list

    def __repr__(self) -> str:
        """Fail, as whatever else is done with it: a list that holds it would show it else."""
        return str(self)

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return f"{self._undefined_hint[:1].upper()}{self._undefined_hint[1:].rstrip('.')}."
        name, owner = self._undefined_name, self._undefined_obj
        if owner is missing:
            return f"There is no {name!r}; {suggestion(str(name), type(self).known())}"
        if isinstance(owner, dict | Table):
            known = [str(key) for key in owner] if isinstance(owner, dict) else [each.name for each in owner.columns]
            what = "column" if isinstance(owner, Table) else "key"
            return f"There is no {what} {name!r}; {suggestion(str(name), known)}"
        if isinstance(owner, list | str) and isinstance(name, int):
            return f"There is no item {name} in a {'list' if isinstance(owner, list) else 'text'} of {len(owner)}."
        return f"{_kind(owner)} has no {name!r}."


def _kind(value: Any) -> str:
    names = {
        bool: "A boolean",
        int: "A number",
        float: "A number",
        str: "A text",
        list: "A list",
        type(None): "Nothing",
    }
    return names.get(type(value), type(value).__name__)
