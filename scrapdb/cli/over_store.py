"""What `scrapdb report build` does with a template that has no notebook: a report over the store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

import typer

from scrapdb.cli import report_options
from scrapdb.cli.options import Settings
from scrapdb.cli.options import field_names
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.reporting.over_store import Made

_OURS = frozenset({"parameter", "lang", "output", "name", "pdf", "wall"})
_over = partial(typer.Option, rich_help_panel="Over the store: of a template without a notebook")


class OverStore(NamedTuple):
    """Of which rows of the store a report is made."""

    where: Annotated[
        str | None, _over(metavar="EXPR", help="The notebooks for which EXPR holds.", autocompletion=field_names)
    ] = None
    columns: Annotated[
        str | None,
        _over("-c", "--columns", metavar="TEXT", help="What `runs` have of them.", autocompletion=field_names),
    ] = None
    sort: Annotated[
        list[str] | None,
        _over(
            metavar="TEXT", help="In this order, by -field from the largest. Repeatable.", autocompletion=field_names
        ),
    ] = None
    limit: Annotated[int | None, _over(min=0, metavar="N", help="No more than so many.")] = None
    each: Annotated[bool, _over("--each", help="A report for each of them, which is `run`.")] = False

    def refuse(self) -> None:
        """Refuse what only a template without a notebook takes.

        Raises:
            UsageError: something of it is asked for.
        """
        if given := [name for name, value in self._asdict().items() if value not in (None, False)]:
            raise UsageError(f"--{given[0]} is for a template over the store, which has no notebook of its own.")


def is_template(bundle: str) -> bool:
    """Return whether it is a template for a report over the store."""
    from scrapdb.reporting import over_store

    return over_store.is_template(bundle)


def make(
    bundle: str,
    over: OverStore,
    asked: report_options.Asked,
    pages: report_options.Pages,
    *,
    how: dict[str, Any],
    settings: Settings,
) -> None:
    """Make a report over the store, or one for each row, and say where.

    Args:
        bundle: the template.
        over: of which rows.
        asked: where it goes.
        pages: what is made.
        how: what was typed of how runs run, of which a page needs nothing but its wall.
        settings: where the store is.

    Raises:
        UsageError: something that only a notebook's run takes is asked for.
    """
    from scrapdb.reporting import over_store

    _refuse({**asked._asdict(), **pages._asdict(), **how})

    def told(made: Made) -> None:
        for warning in made.warnings:
            settings.say(f"Warning: {made.path}: {warning}")
        settings.say(f"Wrote {made.path}{f' and {made.pdf}' if made.pdf else ''}.")

    over_store.build(
        bundle,
        over_store.Asked(
            where=over.where, columns=over.columns, sort=over.sort or (), limit=over.limit, each=over.each
        ),
        store=settings.store_path(),
        parameters=given(asked.parameter or ()),
        languages=tuple(asked.lang.split(",")) if asked.lang else (),
        output=asked.output,
        name=asked.name,
        pdf=bool(pages.pdf),
        wall=how.get("wall"),
        told=told,
    )
    settings.remark(settings.database(), over.where, columns=over.columns)


def _refuse(typed: dict[str, Any]) -> None:
    """Refuse what only a report that is run takes."""
    foreign = [name for name, value in typed.items() if value not in (None, False) and name not in _OURS]
    if foreign:
        option = foreign[0].replace("_", "-")
        raise UsageError(f"--{option} is for reports whose notebook is run; a template over the store has none.")


def given(typed: Sequence[str]) -> dict[str, Any]:
    """Read parameters, each with one value.

    Raises:
        UsageError: one is none.
    """
    from scrapdb.running.rows.values import Text

    pairs = [each.partition("=") for each in typed]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise UsageError(f"-p {wrong[0]} is no parameter with its value; write -p NAME=VALUE.")
    return {name: Text(value) for name, _, value in pairs}
