"""The environment of a template: a sandbox with its language, filters and functions, and no file but the bundle's."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from jinja2 import BaseLoader
from jinja2 import TemplateNotFound
from jinja2 import nodes
from jinja2 import pass_environment
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.frames import Task
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.inside import base
from scrapdb.reporting.rendering.inside import filters
from scrapdb.reporting.rendering.inside import languages
from scrapdb.reporting.rendering.inside.catalogues import Catalogue
from scrapdb.reporting.rendering.inside.row import NoFieldError
from scrapdb.reporting.rendering.inside.row import Row
from scrapdb.reporting.rendering.inside.undefined import Missing

_ELSEWHERE = ("static/", "languages/")  # what is shown or read, and never run
_TRANSLATING = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
_METHODS = frozenset({"copy", "get", "items", "keys", "values"})  # of dicts, that change nothing
_MOST_NAMED = 5
_LARGEST = 10_000  # bits of a power
Ask = Callable[..., Any]


class Environment(ImmutableSandboxedEnvironment):
    """A sandbox for the templates of one page."""

    intercepted_binops = frozenset({"**"})

    def __init__(self, page: Page, ask: Ask) -> None:
        super().__init__(
            autoescape=not page.template.endswith(".txt"),
            undefined=Missing,
            loader=_Loader(page.files),
            extensions=["jinja2.ext.i18n"],
            finalize=_shown,
            auto_reload=False,
        )
        self.page, self.ask = page, ask
        self.language = languages.of(page.language)
        self.catalogue = Catalogue(page.files, page.language)
        self.warnings: list[str] = []
        self.charts = 0
        self.newstyle_gettext = True
        del self.globals["lipsum"], self.filters["random"]  # which are by chance
        self.filters.update(filters.FILTERS)
        self.globals.update(filters.FILTERS)
        self.globals.update(self.catalogue.functions())
        self._named: dict[str, None] = {}
        self.undefined = type("Missing", (Missing,), {"known": staticmethod(self._names)})

    def _names(self) -> list[str]:
        """Return the names that templates can use: what they are given, what they have named, and functions."""
        return [*self.page.context, "report", "title", *self._named, *self.globals]

    @property
    def title(self) -> str:
        """The title of the page, in its language."""
        return self.catalogue.word(self.page.title) if self.page.title else ""

    def remarks(self) -> Iterator[str]:
        """Yield what is to be remarked of the page, in sentences."""
        yield from dict.fromkeys(self.warnings)
        if self.catalogue.untranslated:
            first = ", ".join(map(repr, [*self.catalogue.untranslated][:_MOST_NAMED]))
            count = len(self.catalogue.untranslated)
            more = f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
            yield (
                f"There is no translation into {self.language.tag} of {first}{more}; "
                "scrapdb report translate update shows what is to be translated."
            )

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Forbid what the sandbox does, and whatever functions have."""
        return not callable(obj) and super().is_safe_attribute(obj, attr, value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a value of a dict by its name before one of its methods, which people call values, too."""
        return self.getitem(obj, attribute) if isinstance(obj, dict) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item; what a row of the store does not have is told by the store."""
        try:
            return obj[argument] if isinstance(obj, Row) else super().getitem(obj, argument)
        except NoFieldError as error:
            if argument in _METHODS:
                return getattr(obj, argument)
            return self.undefined(hint=str(error), obj=obj, name=argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse powers that are whole numbers of thousands of digits, which nothing could interrupt."""
        if isinstance(left, int) and isinstance(right, int) and right * left.bit_length() > _LARGEST:
            raise TemplateError("This power is too large.")
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Mark what a template writes itself to be translated as HTML of its author, which a value never is."""
        tree = super()._parse(source, name, filename)
        self._named |= {each.name: None for each in tree.find_all(nodes.Name) if each.ctx != "load"}
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in _TRANSLATING:
                call.args = [_literal(argument) for argument in call.args]
        return tree


def _literal(argument: nodes.Expr) -> nodes.Expr:
    if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
        return nodes.TemplateData(argument.value, lineno=argument.lineno)
    return argument


@pass_environment
def _shown(environment: Environment, value: Any) -> Any:
    """Return what is written for a value: tables and pictures as such, and nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Table):
        return filters.FILTERS["table"](environment, value)
    if isinstance(value, Image):
        return filters.FILTERS["image"](environment, value)
    if callable(value) and not isinstance(value, Missing):
        name = getattr(value, "__name__", None) or getattr(value, "name", None) or type(value).__name__
        raise TemplateError(f"{name} is a function: call it, or write data[{str(name)!r}] for a value of that name.")
    return value


class _Loader(BaseLoader):
    """Loads the bundle's templates, and scrapdb's."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the text of a template."""
        del environment
        content = base.TEMPLATES.get(template) or self._own(template)
        if content is None:
            raise TemplateNotFound(template)
        try:
            return content.decode("utf-8-sig"), template, lambda: True
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise TemplateError("it is not in UTF-8; save it so.", template, line) from None

    def _own(self, template: str) -> bytes | None:
        return None if template.startswith(_ELSEWHERE) else self._files.get(template)

    def list_templates(self) -> list[str]:
        """Return the names of all templates."""
        own: Iterable[str] = (name for name in self._files if not name.startswith(_ELSEWHERE))
        return sorted({*base.TEMPLATES, *own})


def made(task: Task, ask: Ask) -> Environment:
    """Return the environment of a page."""
    environment = Environment(task.page, ask)
    for name in task.answers:
        environment.globals[name] = _asking(ask, name)
    return environment


def _asking(ask: Ask, name: str) -> Callable[..., Any]:
    def asked(*args: Any, **kwargs: Any) -> Any:
        return ask(name, *args, **kwargs)

    asked.__name__ = name
    return asked


def variables(environment: Environment, task: Task) -> dict[str, Any]:
    """Return the variables of a template: what it is given, and what is known of the page as `report` and `scrapdb`."""
    language = environment.language
    own = {"title": environment.title, "language": language.tag, "direction": language.direction}
    given = {"title": environment.title, **task.page.context, "scrapdb": own}
    report = given.get("report", {})
    return given | ({"report": {**report, **own}} if isinstance(report, dict) else {})
