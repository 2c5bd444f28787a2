"""Pages: a template with what it is given becomes HTML, and HTML a PDF, each in a process of its own behind a wall."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping

import msgspec

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering import head
from scrapdb.reporting.rendering import process
from scrapdb.reporting.rendering.drawing import Drawing
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Letter
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Rendered
from scrapdb.reporting.rendering.process import Answers
from scrapdb.running.events import Stop

__all__ = ["TemplateError", "letter", "pdf", "rendered", "text"]
SECONDS, MEMORY, SIZE = 20.0, 10**9, 2**26
_MOST = 10  # warnings of one kind
_THREADS = 16  # of Pango, which looks for fonts in one
_read_letter = msgspec.msgpack.Decoder(Letter).decode


def rendered(
    page: Page,
    *,
    answers: Answers | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    size: int = SIZE,
    wall: str | None = None,
    stop: Stop | None = None,
) -> Rendered:
    """Render a page.

    Args:
        page: the template, and what it is given.
        answers: functions that the template can call, which are carried out here. They get what a template makes up,
            and give JSON values, `Table` and `Image`, or raise a ScrapdbError, which is told with the template's line.
        seconds: that it may take.
        memory: bytes that it may use.
        size: bytes that the page may have.
        wall: the one that is demanded; by default the best that this machine has.
        stop: ends it early, if all is to end at once.

    Raises:
        TemplateError: it cannot be rendered, or uses more than it may.
        ScrapdbError: the wall, or a package, cannot be had.
    """
    task = _task(page, answers or (), seconds, size)
    bounds = process.Bounds(seconds, memory, size)
    own: Answers = {**(answers or {}), "chart": Drawing()}
    done = process.render("page", task, bounds, needs=("babel", "jinja2", "msgspec"), answers=own, wall=wall, stop=stop)
    content, left_out = head.without_ways_out(done.content)
    warnings = (f"{tag} was left out: a page leads nowhere by itself, and loads nothing." for tag in left_out[:_MOST])
    html = head.completed(content, page.language, done.direction, done.title)
    return Rendered(html=html, title=done.title, warnings=(*done.warnings, *warnings))


def text(
    page: Page, *, seconds: float = SECONDS, memory: int = MEMORY, size: int = SIZE, wall: str | None = None
) -> str:
    """Render a template whose name ends with .txt: nothing is escaped, and nothing is put around it.

    Arguments and errors are those of `rendered`.
    """
    task = _task(page, (), seconds, size)
    bounds = process.Bounds(seconds, memory, size)
    own: Answers = {"chart": Drawing()}
    done = process.render("page", task, bounds, needs=("babel", "jinja2", "msgspec"), answers=own, wall=wall)
    return done.content.decode()


def _task(page: Page, answers: Iterable[str], seconds: float, size: int) -> frames.Task:
    try:
        context = frames.packed(page.context)
    except RecursionError:
        raise TemplateError("What the template is given is nested too deeply.") from None
    given = Page(template=page.template, files=page.files, language=page.language, context=context, title=page.title)
    return frames.Task(page=given, answers=tuple(answers), seconds=seconds, size=size)


def letter(html: bytes, most: int, *, whole: bool = False, seconds: float = SECONDS, wall: str | None = None) -> Letter:
    """Make pictures of the drawings of a page, and take those that it has; if wished, make a letter of the whole.

    Args:
        html: the page, of whoever made it.
        most: pictures.
        whole: whether all of it is wanted.
        seconds: that it may take.
        wall: the one that is demanded; by default the best that this machine has.

    Raises:
        TemplateError: it takes longer, or uses more than it may.
        ScrapdbError: the wall, or a package, cannot be had.
    """
    bounds = process.Bounds(seconds, 2 * MEMORY, SIZE, threads=_THREADS)
    task = frames.Sheet(html, most, whole, seconds)
    done = process.render("letter", task, bounds, needs=("jinja2", "msgspec", "vl_convert"), wall=wall)
    return _read_letter(done.content)


def pdf(
    html: bytes,
    static: Mapping[str, bytes] | None = None,
    *,
    seconds: float = 60.0,
    memory: int = 2 * MEMORY,
    size: int = SIZE,
    wall: str | None = None,
    stop: Stop | None = None,
) -> bytes:
    """Make a PDF of a page.

    Args:
        html: the page.
        static: what it may show beside what is in it, by path in the bundle: `static/logo.png`.
        seconds: that it may take.
        memory: bytes that it may use.
        size: bytes that the PDF may have.
        wall: the one that is demanded; by default the best that this machine has.
        stop: ends it early, if all is to end at once.

    Raises:
        TemplateError: it cannot be made, or takes more than it may.
        ScrapdbError: the wall, or a package, cannot be had.
    """
    bounds = process.Bounds(seconds, memory, size, threads=_THREADS)
    task = frames.Paper(html=html, files=dict(static or {}), seconds=seconds)
    return process.render("paper", task, bounds, needs=("msgspec", "weasyprint"), wall=wall, stop=stop).content
