"""One family of errors. Each says what is wrong, where, and what to do; the command line prints it as it stands.

`exit_code` is what a command ends with: 1 for something that failed, 2 for a wrong question.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_MOST_LISTED = 10  # names, if none is near: a sentence and not a page


class ScrapdbError(Exception):
    """Anything that scrapdb refuses or cannot do, in one sentence for its user."""

    exit_code = 1


class UsageError(ScrapdbError, ValueError):
    """A wrong argument: nothing was done."""

    exit_code = 2


class StoreError(ScrapdbError):
    """The store could not be opened, read or written."""


class StoreNotFoundError(StoreError, FileNotFoundError):
    """No store where one was looked for."""


class NotebookNotFoundError(ScrapdbError, LookupError):
    """No notebook, or more than one, answers to what was asked for."""


class ReportNotFoundError(ScrapdbError, LookupError):
    """No report, or more than one, answers to what was asked for."""


class ScrapNotFoundError(ScrapdbError, KeyError):
    """The notebook has no scrap of that name."""

    def __str__(self) -> str:
        """Write the sentence itself; `KeyError` would show its repr."""
        return str(self.args[0])


class EditError(ScrapdbError):
    """A notebook that cannot be edited as asked; nothing was changed."""


class NotebookChangedError(EditError):
    """The file is not what it was when it was read, or another process edits it; read it again."""


class BundleError(ScrapdbError):
    """A bundle that cannot be opened, or that holds or says something wrong."""


class EncoderError(ScrapdbError, ValueError):
    """A payload that its encoder cannot read."""


class ScrapbookException(ScrapdbError, ValueError):  # noqa: N818 - the names of these four are scrapbook's
    """A scrap or a notebook with which scrapbook's API cannot do what was asked."""


class ScrapbookMissingEncoder(ScrapbookException):
    """No encoder of that name is registered."""


class ScrapbookInvalidEncoder(ScrapbookException):
    """An object that cannot be registered as an encoder."""


class ScrapbookDataException(ScrapbookException):
    """A value or a payload that is not what its encoder can write or read; `data_errors` say why, one by one."""

    def __init__(self, message: str, data_errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.data_errors = data_errors


class NotebookNameError(ScrapbookException, Warning):
    """A path that does not end in .ipynb; a Warning too, since scrapbook raises one."""


class ExpressionError(UsageError):
    """An expression that cannot be parsed or compiled.

    Args:
        message: the sentence, without the place.
        text: the whole expression.
        start: offset in characters of the first wrong character.
        end: offset after the last one.
    """

    def __init__(self, message: str, text: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.start = start
        self.end = max(end, start + 1)

    def __str__(self) -> str:
        """Write the sentence, then the line of the expression with carets under the place."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.start)
        line = self.text[first : last if last >= 0 else len(self.text)]
        visible = "".join(" " if char < " " or char == "\x7f" else char for char in line)
        carets = "^" * max(1, min(self.end, first + len(line)) - self.start)
        return f"{self.message}\n  {visible}\n  {' ' * (self.start - first)}{carets}"


def suggestion(word: str, known: Iterable[str], *, mark: str = "", owner: str = "") -> str:
    """Return how a sentence goes on after a name that is not known: `did you mean distance or distances?`.

    Args:
        word: what was asked for.
        known: the names there are, the likeliest first. If none of them is near, the first few are listed.
        mark: what stands around each name.
        owner: who has the names, if it is somebody: `it`.
    """
    import difflib  # takes longer than many a query

    names = list(dict.fromkeys(known))
    if near := difflib.get_close_matches(word, names, n=3):
        return f"did you mean {' or '.join(f'{mark}{name}{mark}' for name in near)}?"
    listed = [f"{mark}{name}{mark}" for name in names[:_MOST_LISTED]]
    begin = f"{owner} has" if owner else "there is" if len(names) == 1 else "there are"
    return f"{begin} {', '.join(listed) or 'none'}{', …' if names[_MOST_LISTED:] else '.'}"
