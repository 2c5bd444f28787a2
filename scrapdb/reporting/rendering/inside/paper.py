"""The process that makes a PDF: it is told the page, loads nothing but what is in it, and answers with the PDF."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering.inside.wire import TooLongError
from scrapdb.reporting.rendering.inside.wire import Wire
from scrapdb.reporting.rendering.inside.wire import start_clock

_read: Callable[[bytes], frames.Paper] = frames.decoder(frames.Paper)
_NO_PANGO = (
    "PDFs need Pango, which is not installed ({}): apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, "
    "or see https://doc.courtbouillon.org/weasyprint/stable/first_steps.html"
)


def main() -> None:
    """Make one PDF."""
    wire = Wire()
    paper = _read(wire.receive())
    start_clock(paper.seconds)
    try:
        answer: frames.Done | frames.Wrong = frames.Done(content=made(paper))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        answer = frames.Wrong(_sentence(error, paper))
    signal.setitimer(signal.ITIMER_REAL, 0)
    wire.send(answer)


def made(paper: frames.Paper) -> bytes:
    """Return the PDF of a page; the same for the same page."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # which the fonts in it would else have of the clock
    from weasyprint import HTML

    from scrapdb.reporting.rendering.inside.fetching import ABOVE
    from scrapdb.reporting.rendering.inside.fetching import Fetcher

    page = HTML(string=paper.html.decode(errors="replace"), base_url=ABOVE, url_fetcher=Fetcher(paper.files))
    return bytes(page.write_pdf(pdf_tags=True, pdf_forms=False))


def _sentence(error: BaseException, paper: frames.Paper) -> str:
    if isinstance(error, TooLongError):
        return f"Making the PDF takes longer than {paper.seconds:g} s; is the page too long?"
    if isinstance(error, MemoryError):
        return "Making the PDF needs more memory than it may use; is the page too long?"
    if isinstance(error, OSError) and "cannot load library" in str(error):
        return _NO_PANGO.format(str(error).partition(":")[0])
    return f"The PDF cannot be made: {type(error).__name__}: {error}"
