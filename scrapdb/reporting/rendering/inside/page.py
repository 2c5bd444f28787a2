"""The process that renders a page: it is told the page, may ask for charts and more, and answers with HTML."""

from __future__ import annotations

import signal

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.inside.environment import Environment
from scrapdb.reporting.rendering.inside.environment import made
from scrapdb.reporting.rendering.inside.environment import variables
from scrapdb.reporting.rendering.inside.places import told
from scrapdb.reporting.rendering.inside.wire import Wire
from scrapdb.reporting.rendering.inside.wire import start_clock


def main() -> None:
    """Render one page."""
    answer(Wire())


def answer(wire: Wire) -> None:
    """Answer with the page that is told, or with what is wrong with it."""
    task = wire.read_task(wire.receive())
    start_clock(task.seconds)
    environment = None
    try:
        environment = made(task, wire.ask)
        said: frames.Done | frames.Wrong = _rendered(task, environment)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        signal.setitimer(signal.ITIMER_REAL, 0)
        wrong = told(error, task, environment)
        said = frames.Wrong(wrong.message, wrong.file, wrong.line)
    wire.send(said)


def _rendered(task: frames.Task, environment: Environment) -> frames.Done:
    template = environment.get_template(task.page.template)
    context = template.new_context(variables(environment, task))
    parts, size = [], 0
    for part in template.root_render_func(context):
        parts.append(part)
        size += len(part)
        if size > task.size:
            raise TemplateError(f"The page becomes larger than {task.size / 1e6:.0f} MB; does a loop never end?")
    content = "".join(parts).encode(errors="replace")
    signal.setitimer(signal.ITIMER_REAL, 0)
    return frames.Done(content, environment.title, environment.language.direction, tuple(environment.remarks()))
