"""scrapdb report translate: collect texts, bring translations up to date, compile them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion

if TYPE_CHECKING:
    from scrapdb.reporting.bundles.translate import Translated

_ACTIONS = ("extract", "update", "compile")


def command(
    action: Annotated[str, typer.Argument(metavar="extract|update|compile", hidden=True)],
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", hidden=True)],
    *,
    lang: Annotated[
        list[str] | None,
        typer.Option(metavar="LANGS", help="Only these languages, `ca,pt_BR`; update begins those that are new."),
    ] = None,
    settings: Settings,
) -> None:
    """Translate a bundle with gettext's files.

    extract collects all texts of templates, config.json and code in languages/messages.pot. update does so, too, and
    brings the .po of each language up to date, in which you write; what is not used any more becomes obsolete there.
    compile makes the .mo of each, without what is fuzzy or not translated.

    \b
    scrapdb report translate update voltage --lang ca
    scrapdb report translate compile voltage
    """
    from scrapdb.reporting.bundles import translate  # with Babel

    languages = [name.strip() for text in lang or () for name in text.split(",") if name.strip()]
    if action not in _ACTIONS:
        raise UsageError(f"There is nothing called {action!r}; {suggestion(action, _ACTIONS)}")
    if action == "extract":
        settings.say(f"{translate.extract(bundle):,} texts → {translate.POT}")
        return
    made = (translate.update if action == "update" else translate.compiled)(bundle, languages)
    for each in made:
        _tell(each, action, settings)
    if not made:
        settings.say("There is no other language; `--lang ca` begins one.")


def _tell(made: Translated, action: str, settings: Settings) -> None:
    """Say what became of a language: when it is compiled, each translation that is left out, too."""
    from scrapdb.reporting.bundles.translate import NONE

    done = made.texts - len(made.left_out)
    settings.say(f"{made.language}: {done:,} of {made.texts:,} texts translated → {made.file}")
    if action == "compile":
        for text, why in made.left_out.items():
            if why != NONE:
                settings.say(f"  left out, {why}: {text}")
    elif not made.is_named:
        settings.say("  Name it among `languages` in config.json, too.")
