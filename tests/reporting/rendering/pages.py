"""Pages for tests: a template and what it is given, rendered.

What a template says is asked of the process that the test is in: a page goes through the same messages and functions as
in a process of its own, but for the wall. Tests of that process, and of its wall, call `rendered` themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering import process
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Rendered
from scrapdb.reporting.rendering.inside import page as inside
from scrapdb.reporting.rendering.inside.wire import Wire

if TYPE_CHECKING:
    import msgspec


def page(template: str, files: dict[str, bytes | str] | None = None, language: str = "en", **context: Any) -> Page:
    """Make a page of a template."""
    every = {"template.html": template, **(files or {})}
    return Page(
        template="template.html",
        files={name: content.encode() if isinstance(content, str) else content for name, content in every.items()},
        language=language,
        context=context,
        title="A title",
    )


def here(given: Page, answers: process.Answers | None = None) -> Rendered:
    """Render a page in this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(process, "render", _render)
        return rendered.rendered(given, answers=answers)


def render(
    template: str, files: dict[str, bytes | str] | None = None, language: str = "en", **context: Any
) -> Rendered:
    """Render a template."""
    return here(page(template, files, language, **context))


def body(template: str, files: dict[str, bytes | str] | None = None, language: str = "en", **context: Any) -> str:
    """Render a template, and return what stands after the head that is put before it."""
    html = render(template, files, language, **context).html.decode()
    return html.partition("</title>")[2].removeprefix("\n")


class _Wire(Wire):
    """The end of the conversation in the process that renders, with nobody far away at the other."""

    def __init__(self, task: msgspec.Struct, answers: process.Answers) -> None:
        super().__init__(descriptor=-1)
        self._heard, self._answers = frames.encoded(task), answers
        self.said: frames.Ask | frames.Done | frames.Wrong | None = None

    def receive(self) -> bytes:
        return self._heard

    def send(self, message: msgspec.Struct) -> None:
        self.said = process._read(frames.encoded(message))
        if isinstance(self.said, frames.Ask):
            self._heard = process._answer(self.said, self._answers)


def _render(_: str, task: msgspec.Struct, __: process.Bounds, *, answers: process.Answers, **___: Any) -> frames.Done:
    wire = _Wire(task, answers)
    inside.answer(wire)
    if isinstance(wire.said, frames.Wrong):
        raise rendered.TemplateError(wire.said.message, wire.said.file, wire.said.line)
    assert isinstance(wire.said, frames.Done)
    return wire.said
