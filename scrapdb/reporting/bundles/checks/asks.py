"""The sentences by which a report is asked for: that each can work, and is one only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scrapdb.reporting.bundles import asks
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.asks import Pattern
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks.finding import Finding
from scrapdb.reporting.bundles.config import Config


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what is wrong with the sentences."""
    said = bundle.config
    seen: dict[str, str] = {}
    for place, text in config.places_of_asks(said):
        names = [*said.parameters]
        over = asks.surplus(text, names)
        try:
            pattern = next(asks.patterns(text, names, ()))
        except asks.PatternError as error:
            yield _finding(f"{place} {error}")
            continue
        if over > 0:
            told = f"{place} has {over} (*) more than there are parameters left: so many have to be nothing."
            yield _finding(f"{told} Take them out, or name each.", "warning")
        yield from (_finding(f"{place} {sentence}") for sentence in _wrong(pattern, said))
        yield from _unclear(place, pattern, said)
        same = f"{place.rpartition('[')[0]} {_shape(pattern, said)}"
        if same in seen:
            yield _finding(f"{place} is {seen[same]} again, so that neither can be told from the other. Take one out.")
        seen.setdefault(same, place)


def _finding(message: str, severity: str = "error") -> Finding:
    return Finding(severity="error" if severity == "error" else "warning", file=config.FILE, message=message)


def _wrong(pattern: Pattern, said: Config) -> Iterator[str]:
    needed = [name for name, each in said.parameters.items() if each.is_required and name not in pattern.names]
    if needed:
        yield f"leaves out {needed[0]}, which has to be given. Add ({needed[0]}), or give it a default."
    for slot in pattern.slots:
        for name in slot.names if len(slot.names) > 1 else ():
            if name not in said.parameters or said.parameters[name].type != "date":
                yield f"takes days for {name}, which is no date. Only dates stand in (first..last)."


def _unclear(place: str, pattern: Pattern, said: Config) -> Iterator[Finding]:
    """Say which values stand side by side, so that nothing tells where one ends."""
    for index, (one, two) in enumerate(pairwise(pattern.slots), 1):
        texts = [slot.names[0] for slot in (one, two) if _is_text(slot.names[0], said)]
        if not pattern.texts[index].strip() and texts:
            names = f"({'..'.join(one.names)}) and ({'..'.join(two.names)})"
            severity = "error" if len(texts) > 1 else "warning"
            told = f"{place} has {names} side by side, and {texts[0]} is any text: nothing says where it ends."
            yield _finding(f"{told} Write a word between them.", severity)


def _is_text(name: str, said: Config) -> bool:
    return name in said.parameters and said.parameters[name].type == "text"


def _shape(pattern: Pattern, said: Config) -> str:
    """Return by what a sentence is known: its words, and the types of what it takes."""
    kinds = [
        [said.parameters[name].takes if name in said.parameters else name for name in each.names]
        for each in pattern.slots
    ]
    return repr(([" ".join(text.casefold().split()) for text in pattern.texts], kinds))
