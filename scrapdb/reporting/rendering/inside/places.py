"""What went wrong in a template, as a sentence with its place."""

from __future__ import annotations

from types import TracebackType

import jinja2
from jinja2.exceptions import SecurityError

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.frames import Task
from scrapdb.reporting.rendering.inside.wire import TooLongError

Place = tuple[str | None, int | None]


def told(error: BaseException, task: Task) -> TemplateError:
    """Return an error as a sentence, with the file and line to which it belongs."""
    file, line = place(error, task)
    if isinstance(error, TemplateError):
        return TemplateError(error.message, error.file or file, error.line if error.file else line)
    return TemplateError(_sentence(error, task), file, line)


def place(error: BaseException, task: Task) -> Place:
    """Return the innermost line of a template at which something went wrong."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or task.page.template, error.lineno
    found: Place = (task.page.template, None)
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = (template.name, template.get_corresponding_lineno(traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


def _sentence(error: BaseException, task: Task) -> str:
    if isinstance(error, TooLongError):
        return f"Rendering takes longer than {task.seconds:g} s; does a loop never end?"
    if isinstance(error, MemoryError):
        return "Rendering needs more memory than it may use; does a loop or a text grow without end?"
    if isinstance(error, RecursionError):
        return "This calls itself without end."
    if isinstance(error, SecurityError):
        return f"A template may not do this: {error}"
    if isinstance(error, jinja2.TemplateNotFound):
        known = [*(name for name in task.page.files if name.endswith((".html", ".htm", ".txt"))), "scrapdb/report.html"]
        return f"There is no template {error.name!r}; {suggestion(str(error.name), known)}"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.message}"
    if isinstance(error, jinja2.TemplateError):
        return str(error.message)
    return f"{type(error).__name__}: {error}"
