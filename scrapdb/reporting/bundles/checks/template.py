"""Templates: their syntax, the names that they use, and the files that they name. They are parsed, never rendered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import Environment
from jinja2 import TemplateSyntaxError
from jinja2 import meta
from jinja2 import nodes

from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import messages
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import STATIC
from scrapdb.reporting.bundles.bundle import TEMPLATE
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks import code
from scrapdb.reporting.bundles.checks import notebook
from scrapdb.reporting.bundles.checks.finding import Finding

MOST = 1 << 20  # bytes of a template that is looked into
LETTER = "letter"  # what templates of letters have besides
OURS = "scrapdb/"  # with which names of our own templates begin
_REPORT = ("title", "language", "direction", "id", "bundle", "version", "made_at")
_GIVEN = frozenset(
    {"parameters", "report", "scrapdb", "title", "language", "direction", "self", "super", "caller", "loop"}
)
_TRANSLATING = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext"})
_OVER_STORE = frozenset({"runs", "query", "groups", "frame", "display"})
_OF_PAGES = "number percent money filesize date time datetime duration table image chart mean median static static_text"
FILTERS = frozenset(_OF_PAGES.split())  # those of pages, which are functions, too
_DEFAULTS, _TESTS = frozenset({"default", "d"}), frozenset({"defined", "undefined"})


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what is wrong with the templates."""
    environment = made()
    trees: dict[str, nodes.Template] = {}
    for name in templates(bundle):
        if len(bundle.files[name]) > MOST:
            yield Finding(file=name, message=f"It has more than {MOST >> 10:,} kB; what is so long is read from data.")
            continue
        try:
            text = bundle.files[name].decode("utf-8-sig")
            tree = environment.parse(text)
            environment.compile(text, raw=True)
            trees[name] = tree
        except UnicodeDecodeError as error:
            line = bundle.files[name].count(b"\n", 0, error.start) + 1
            yield Finding(file=name, line=line, message="This is not in UTF-8. Save the file so.")
        except TemplateSyntaxError as error:
            yield Finding(file=name, line=error.lineno, message=f"{(error.message or '').rstrip('.')}.")
        except (RecursionError, MemoryError):
            yield Finding(file=name, message="It is nested too deeply.")
    for name, tree in trees.items():
        yield from _references(bundle, name, tree)
        yield from _attributes(bundle, name, tree)
        yield from _static(bundle, name, tree)
    yield from _names(bundle, trees)


def templates(bundle: Bundle) -> list[str]:
    """Return the names of all templates, that of the page first."""
    return [TEMPLATE, *(name for name in messages.templates(bundle) if name != TEMPLATE)]


def made() -> Environment:
    """Return an environment that knows the filters of templates."""
    environment = Environment(extensions=["jinja2.ext.i18n"])  # noqa: S701 - nothing is rendered
    environment.filters.update(dict.fromkeys(FILTERS, str))
    return environment


def _names(bundle: Bundle, trees: dict[str, nodes.Template]) -> Iterator[Finding]:
    """Say which names nothing gives, if it can be told what is given."""
    known = _known(bundle)
    if known is None:
        return
    stored, letters = {name: _stored(tree) for name, tree in trees.items()}, messages.letters(bundle)
    for name, tree in trees.items():
        # What is included sees what stands around it, too.
        own = stored[name] if name == TEMPLATE else set().union(*stored.values(), *map(_all_stored, trees.values()))
        own |= {LETTER} if name in letters else set()
        for unknown in sorted(_undeclared(tree) - known - own - _optional(tree)):
            line = min((each.lineno for each in tree.find_all(nodes.Name) if each.name == unknown), default=None)
            told = suggestion(unknown, sorted(known - set(FILTERS) - _TRANSLATING - _GLOBALS))
            yield Finding(file=name, line=line, message=f"Nothing gives {unknown}; {told}")


def gives(bundle: Bundle) -> frozenset[str] | None:
    """Return what the notebook gives its template, by name; None if only a run would tell, or there is none."""
    cells = _code(bundle) if NOTEBOOK in bundle.files else None
    found = code.gives(cells) if cells is not None else None
    return None if found is None or not found.is_all or found.writes is found.glues is None else found.names


def _known(bundle: Bundle) -> set[str] | None:
    given = {*_GIVEN, *_TRANSLATING, *_GLOBALS, *FILTERS}
    if NOTEBOOK not in bundle.files:
        return given | _OVER_STORE
    names = gives(bundle)
    return None if names is None else given | names


def _code(bundle: Bundle) -> list[code.Code] | None:
    """Parse the notebook; None if it is none, or none of Python."""
    try:
        return code.of(bundle) if NOTEBOOK in bundle.files and notebook.is_python(bundle) else None
    except ScrapdbError:
        return None


def _undeclared(tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError:  # which has been told
        return set()


def _stored(tree: nodes.Template) -> set[str]:
    """Return the names that are set for the whole template, and thus in its blocks, too."""
    level: list[nodes.Node] = [*tree.body]
    found: set[str] = set()
    while level:
        node = level.pop()
        match node:
            case nodes.If():
                level += [*node.body, *node.elif_, *node.else_]
            case nodes.Macro():
                found.add(node.name)
            case nodes.Import():
                found.add(node.target)
            case nodes.FromImport():
                found |= {each if isinstance(each, str) else each[1] for each in node.names}
            case nodes.Assign() | nodes.AssignBlock():
                found |= {each.name for each in node.find_all(nodes.Name) if each.ctx == "store"}
    return found


def _all_stored(tree: nodes.Template) -> set[str]:
    return {each.name for each in tree.find_all(nodes.Name) if each.ctx in {"store", "param"}} | _stored(tree)


def _optional(tree: nodes.Template) -> set[str]:
    """Return the names that the template expects to be missing: it asks whether they are defined, or has a default."""
    asked = [each.node for each in tree.find_all(nodes.Test) if each.name in _TESTS]
    asked += [each.node for each in tree.find_all(nodes.Filter) if each.name in _DEFAULTS and each.node]
    return {each.name for each in asked if isinstance(each, nodes.Name)}


def _references(bundle: Bundle, name: str, tree: nodes.Template) -> Iterator[Finding]:
    known = [*messages.templates(bundle), f"{OURS}report.html"]
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if getattr(node, "ignore_missing", False):
            continue
        for wanted in _constants(getattr(node, "template", None)):
            if wanted not in known and (wanted not in bundle.files or wanted.startswith(f"{STATIC}/")):
                yield Finding(
                    file=name, line=node.lineno, message=f"There is no template {wanted}; {suggestion(wanted, known)}"
                )


def _constants(node: Any) -> list[str]:
    parts = node.items if isinstance(node, nodes.List | nodes.Tuple) else [node]
    return [each.value for each in parts if isinstance(each, nodes.Const) and isinstance(each.value, str)][: len(parts)]


def _attributes(bundle: Bundle, name: str, tree: nodes.Template) -> Iterator[Finding]:
    """Say which parameters and which facts on the report there are not."""
    known = {"report": list(_REPORT)}
    if bundle.config.parameters or NOTEBOOK in bundle.files:
        known["parameters"] = [*bundle.config.parameters]
    what = {"report": "A report has no", "parameters": f"{config.FILE} has no parameter"}
    found: list[Any] = [*tree.find_all((nodes.Getattr, nodes.Getitem))]
    for node in found:
        owner = node.node.name if isinstance(node.node, nodes.Name) else ""
        wanted = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if owner in known and isinstance(wanted, str) and wanted not in known[owner] and not _is_method(wanted):
            told = suggestion(wanted, known[owner])
            yield Finding(file=name, line=node.lineno, message=f"{what[owner]} {wanted}; {told}")


def _is_method(name: str) -> bool:
    return name in {"items", "keys", "values", "get"}


def _static(bundle: Bundle, name: str, tree: nodes.Template) -> Iterator[Finding]:
    """Say which files of static/ are not there, unless the notebook might write them."""
    written = {
        text.rpartition("/")[2] for cell in _code(bundle) or () if cell.tree for text, _ in code.texts(cell.tree)
    }
    there = [path.removeprefix(f"{STATIC}/") for path in bundle.files if path.startswith(f"{STATIC}/")]
    found: list[Any] = [*tree.find_all((nodes.Call, nodes.Filter))]
    for node in found:
        called = node.name if isinstance(node, nodes.Filter) else getattr(node.node, "name", "")
        first = node.node if isinstance(node, nodes.Filter) else next(iter(node.args), None)
        for wanted in _constants(first) if called in {"static", "static_text"} else ():
            if wanted.removeprefix(f"{STATIC}/") not in {*there, *written}:
                told = suggestion(wanted, there)
                yield Finding(file=name, line=node.lineno, message=f"There is no {STATIC}/{wanted}; {told}")


_GLOBALS = frozenset(Environment().globals)  # noqa: S701 - nothing is rendered
