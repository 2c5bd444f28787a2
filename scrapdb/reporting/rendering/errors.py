"""What is wrong with a template, and where."""

from __future__ import annotations

from scrapdb.errors import ScrapdbError


class TemplateError(ScrapdbError):
    """A template that cannot be rendered with what it is given.

    Args:
        message: the sentence, without the place.
        file: name of the template, or of the file that it needs, if one is to blame.
        line: the line in it, counted from 1.
    """

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.file, self.line = message, file, line

    def __str__(self) -> str:
        """Write the place, then the sentence."""
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.message}" if place else self.message
