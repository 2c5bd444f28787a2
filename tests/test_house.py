"""The house stands as docs/architecture.md draws it: what a module may import, lazily or not."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "scrapdb"
DOOR = "scrapdb"  # the package itself, whose names are handed on from the rooms

# A room imports only from rooms on lower floors. In the picture, the reading wing stands to the left, the asking wing
# to the right, and in the middle what belongs to both or to neither.
FLOORS = (
    ((), ("errors", "facts", "text"), ()),
    ((), ("files",), ()),
    ((), ("formats",), ()),
    (("encoders",), (), ("store",)),
    (("notebooks",), (), ("query",)),
    (("scrapbook",), ("indexing",), ("charts",)),
    ((), ("database",), ()),
    ((), ("running",), ()),
    ((), ("reporting",), ()),
    ((), (DOOR, "datasette"), ()),
    ((), ("cli",), ()),
    ((), ("__main__",), ()),
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for rooms in floor for room in rooms}
HEADINGS = {
    "Doors": ("__main__", "cli", "datasette", DOOR),
    "Faces": ("database", "scrapbook"),
    "What acts": ("reporting", "running", "indexing"),
    "The asking wing": ("charts", "query", "store"),
    "The reading wing": ("notebooks", "encoders"),
    "The ground": ("formats", "files", "facts", "errors", "text"),
}
MOST_ENTRIES, MOST_FLOORS = 20, 12
COMMAND_LINE = {"click", "rich", "typer"}


def name_of(path: Path) -> str:
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in HOUSE.rglob("*.py")}


def imports(name: str) -> set[str]:
    """Every module that a module names in an import: at its head, in a function or for the type checker only."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            inner = {f"{source}.{alias.name}" for alias in node.names}
            found |= inner & MODULES.keys() or {source}
    return found


GRAPH = {name: imports(name) for name in MODULES}


def room(name: str) -> str:
    """Return `store` for `scrapdb.store.values`, and `scrapdb` for the package itself."""
    return f"{name}.".split(".")[1] or DOOR


def picture() -> Iterator[str]:
    """Yield the lines in which docs/architecture.md draws the floors."""
    for number, sides in reversed([*enumerate(FLOORS)]):
        left, middle, right = ("   ".join(rooms) for rooms in sides)
        yield f"{number}    {left:<13}{middle:^26}{right:>10}".rstrip()


def plan() -> Iterator[str]:
    """Yield the table in which docs/architecture.md tells what the rooms are for, by their own docstrings."""
    for heading, rooms in HEADINGS.items():
        for index, name in enumerate(rooms):
            module = MODULES["scrapdb" if name == DOOR else f"scrapdb.{name}"]
            docstring = ast.get_docstring(ast.parse(module.read_bytes())) or ""
            sentence = docstring.partition("\n")[0].partition(". ")[0].rstrip(".")
            yield f"| {'' if index else heading} | `{name}` | {sentence} |"


def reach(*rooms: str) -> set[str]:
    """All that modules of the rooms import, and the packages around it, and what these import, and so on."""
    reached: set[str] = set()
    waiting = {name for name in MODULES if room(name) in rooms or name.removeprefix("scrapdb.") in rooms}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= (GRAPH.get(name, set()) | {name.rpartition(".")[0]} - {"scrapdb"}) - reached
    return reached


def test_every_room_has_a_floor_and_a_heading() -> None:
    assert {room(name) for name in MODULES} == FLOOR.keys()
    assert sorted(FLOOR) == sorted(name for rooms in HEADINGS.values() for name in rooms)


def test_the_house_is_small_enough_to_be_seen_at_once() -> None:
    assert len({path.name for path in HOUSE.iterdir()} - {"__pycache__"}) <= MOST_ENTRIES
    assert len(FLOORS) <= MOST_FLOORS


def test_every_room_says_what_it_is_for() -> None:
    for path in HOUSE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_bytes())), path


def test_imports_only_lead_down() -> None:
    wrong = [
        f"{name} imports {target}"
        for name in MODULES
        for target in GRAPH[name] & MODULES.keys()
        if room(name) != room(target) and FLOOR.get(room(target), 99) >= FLOOR.get(room(name), 99)
    ]
    assert wrong == []


def test_no_import_circle() -> None:
    assert len(list(TopologicalSorter(GRAPH).static_order())) >= len(MODULES)


def test_store_knows_no_notebook_and_no_encoder() -> None:
    assert {room(name) for name in reach("store") & MODULES.keys()} & {"notebooks", "encoders"} == set()


def test_glue_knows_no_store() -> None:
    reached = reach("facts", "encoders", "notebooks.wire", "scrapbook.gluing")
    assert {room(name) for name in reached & MODULES.keys()} & {"store", "query"} == set()


def test_only_the_command_line_knows_typer() -> None:
    below = {name for name in MODULES if room(name) not in {"cli", "datasette"}}
    assert [name for name in sorted(below) if {target.split(".")[0] for target in GRAPH[name]} & COMMAND_LINE] == []


@pytest.mark.parametrize("heavy", ["nbformat", "pandas", "pyarrow", "sqlite3", "typer"])
def test_importing_scrapdb_is_light(heavy: str) -> None:
    code = f"import sys, scrapdb; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=HOUSE.parent, check=False).returncode == 0
