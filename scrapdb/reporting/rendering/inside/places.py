"""What went wrong in a template, as a sentence with its place."""

from __future__ import annotations

import re
from types import TracebackType
from typing import TYPE_CHECKING

import jinja2
from jinja2.exceptions import SecurityError

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.frames import Task
from scrapdb.reporting.rendering.inside.wire import TooLongError

if TYPE_CHECKING:
    from scrapdb.reporting.rendering.inside.environment import Environment

Place = tuple[str | None, int | None]
_UNKNOWN = re.compile(r"No (filter|test) named '([\w.]+)'")
_NO_FILTER_HERE = re.compile(r"t_\d+")  # what Jinja defines at the head of a template for one that there is not


def told(error: BaseException, task: Task, environment: Environment | None) -> TemplateError:
    """Return an error as a sentence, with the file and line to which it belongs."""
    file, line = place(error, task)
    if isinstance(error, TemplateError):
        return TemplateError(error.message, error.file or file, error.line if error.file else line)
    return TemplateError(_sentence(error, task, environment), file, line)


def place(error: BaseException, task: Task) -> Place:
    """Return the innermost line of a template at which something went wrong."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or task.page.template, error.lineno
    found: Place = (task.page.template, None)
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        template = frame.f_globals.get("__jinja_template__")
        if template is not None and not _NO_FILTER_HERE.fullmatch(frame.f_code.co_name):
            found = (template.name, template.get_corresponding_lineno(traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


def _sentence(error: BaseException, task: Task, environment: Environment | None) -> str:
    if isinstance(error, TooLongError):
        return f"Rendering takes longer than {task.seconds:g} s; does a loop never end?"
    if isinstance(error, MemoryError):
        return "Rendering needs more memory than it may use; does a loop or a text grow without end?"
    if isinstance(error, RecursionError):
        return "This calls itself without end, or is nested too deeply."
    if isinstance(error, SecurityError):
        return f"A template may not do this: {error}"
    if isinstance(error, jinja2.TemplateNotFound):
        known = environment.list_templates() if environment else ()
        return f"There is no template {error.name!r}; {suggestion(str(error.name), known)}"
    if isinstance(error, jinja2.TemplateError):
        return _of_jinja(error, environment)
    if isinstance(error, TypeError | ValueError | ArithmeticError):
        return f"{error}."
    return f"{type(error).__name__}: {error}."


def _of_jinja(error: jinja2.TemplateError, environment: Environment | None) -> str:
    said = str(error.message)
    if environment and (unknown := _UNKNOWN.match(said)):
        known = environment.filters if unknown[1] == "filter" else environment.tests
        return f"{unknown[0]}; {suggestion(unknown[2], known)}"
    return said if said.endswith((".", "?", "…")) or "\n" in said else f"{said}."
