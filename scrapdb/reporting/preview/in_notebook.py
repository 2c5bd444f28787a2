"""A page in the notebook that will make its report: what a cell of `#NOEXECUTE` shows in plain Jupyter."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from scrapdb.encoders import display
from scrapdb.encoders import kinds
from scrapdb.encoders import pandas
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.formats import html
from scrapdb.reporting.bundles import alone
from scrapdb.reporting.bundles import bundle as bundles
from scrapdb.reporting.bundles import config as configs
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.making import output as outputs
from scrapdb.reporting.preview import pages
from scrapdb.reporting.preview.shown import Problem
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Table

_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_STYLE = "font: 14px/1.5 system-ui, sans-serif"
_HEIGHT = "36em"


class Preview:
    """A page, or what is wrong with it, as Jupyter shows it."""

    def __init__(self, page: bytes | None, problem: Problem | None, warnings: tuple[str, ...] = ()) -> None:
        self.page, self.problem, self.warnings = page, problem, warnings

    def __repr__(self) -> str:
        if self.problem is None:
            return "<Preview of a page>"
        place = f"{self.problem.file}, line {self.problem.line}: " if self.problem.line else ""
        return f"<Preview: {place}{self.problem.message}>"

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{escape(warning)}</p>" for warning in self.warnings)
        told = f'<div {html.NO_MATH} style="{_STYLE}">{remarks}</div>' if remarks else ""
        if self.page is None:
            return told + _told(self.problem or Problem(what="The page", message="There is none."))
        style = f"width: 100%; height: {_HEIGHT}; border: 1px solid #9998; background: white"
        frame = f'<iframe title="Preview" sandbox="" style="{style}" srcdoc="{escape(self.page.decode())}"></iframe>'
        return told + frame


def preview(
    output: Mapping[str, Any] | None = None,
    language: str | None = None,
    *,
    directory: str | os.PathLike[str] = ".",
) -> None:
    """Show the page of a report in its notebook.

    Args:
        output: what the template is given, as output.json would have it; figures, DataFrames and the bytes of pictures
            are taken as they are. By default what is in output.json.
        language: of the page; by default the first of the bundle.
        directory: of the bundle; by default that of the notebook.

    Raises:
        UsageError: a value is none that a template can be given.
    """
    from IPython.display import display as show

    given = None if output is None else {str(name): _given(value, str(name)) for name, value in output.items()}
    show(_preview(given, language, Path(directory)))  # type: ignore[no-untyped-call]


def _preview(given: dict[str, Any] | None, language: str | None, directory: Path) -> Preview:
    warnings: list[str] = []
    files: dict[str, bytes] = {}
    try:
        files, title, first = _files(directory)
        context = _of_file(directory, warnings) if given is None else given
        page = Page(
            template=bundles.TEMPLATE,
            files=files,
            language=language or first,
            context={"parameters": {}, "report": {}, **context},
            title=title,
        )
        made = rendered.rendered(pages.as_written(page))
    except TemplateError as error:
        return Preview(None, pages.problem(error, files), tuple(warnings))
    except ScrapdbError as error:
        return Preview(None, Problem(what="The bundle", message=str(error)), tuple(warnings))
    return Preview(made.html, None, (*warnings, *made.warnings))


def _files(directory: Path) -> tuple[dict[str, bytes], str, str]:
    """Read what the page needs of a bundle, which may have no config.json yet; its title and its first language."""
    if (directory / configs.FILE).exists():
        bundle = opening.opened(str(directory))
        return bundle.files, bundle.config.title, bundle.config.languages[0]
    template = directory / bundles.TEMPLATE
    if not template.exists():
        raise ScrapdbError(f"There is no {bundles.TEMPLATE} in {directory.absolute()}; name its directory.")
    return alone.files(template), "", "en"


def _of_file(directory: Path, warnings: list[str]) -> dict[str, Any]:
    path = directory / outputs.NAME
    if not path.exists():
        raise ScrapdbError(f"There is no {outputs.NAME} in {directory.absolute()}: run the cell that writes it.")
    return outputs.of_json(opening.of_file(path, outputs.NAME), warnings)


def _given(value: Any, name: str) -> Any:
    """Return a value as a template is given it."""
    if value is None or isinstance(value, bool | int | float | str | dt.date | dt.time | Table | Image):
        return value
    if isinstance(value, Mapping):
        return {str(key): _given(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_given(item, f"{name}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, bytes):
        mime = next((mime for magic, mime in _MAGIC.items() if value.startswith(magic)), html.SVG)
        return Image(mime=mime, content=value)
    return _of_library(value, name)


def _of_library(value: Any, name: str) -> Any:
    """Return a value of numpy or pandas as JSON or a table, and of what shows itself its picture."""
    if isinstance(value, kinds.of("pandas.core.series", "Series")):
        value = value.to_frame(value.name or name)
    if isinstance(value, (*kinds.of("pandas", "DataFrame"), *kinds.of("polars", "DataFrame"))):
        return outputs.table(pandas.frame(pandas.encode(value)))
    if hasattr(value, "tolist"):
        return _given(value.tolist(), name)
    shown, _ = display.shown(value)
    picture = outputs.image(html.decoded(shown))
    if picture is None:
        raise UsageError(
            f"{name} is {type(value).__name__}, which no template can be given: make text or numbers of it."
        )
    return picture


def _told(problem: Problem) -> str:
    """Write what is wrong as HTML."""
    place = f": {problem.file}{f', line {problem.line}' if problem.line else ''}" if problem.file else ""
    lines = "".join(
        f"<b>{number:>4}  {escape(line)}</b>\n" if number == problem.line else f"{number:>4}  {escape(line)}\n"
        for number, line in problem.source
    )
    shown = f"<pre>{lines}</pre>" if lines else ""
    return (
        f'<div {html.NO_MATH} role="alert" style="{_STYLE}; border-left: 4px solid #b42318; padding: 0 1em">'
        f"<p><b>{escape(problem.what + place)}</b><br>{escape(problem.message)}</p>{shown}</div>"
    )
