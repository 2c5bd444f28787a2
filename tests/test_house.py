"""The house stands as docs/architecture.md draws it: what a module may import, lazily or not."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "scrapdb"

# A room imports only from rooms on lower floors.
FLOORS = (
    ("errors", "facts", "text"),
    ("files",),
    ("formats",),
    ("encoders",),
    ("notebooks", "store"),
    ("query", "indexing", "scrapbook"),
    ("database",),
    ("running",),
    ("reporting",),
    ("", "datasette"),  # the first is `scrapdb` itself
    ("cli",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
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
    """Return `store` for `scrapdb.store.values`, and nothing for the door, `scrapdb` itself."""
    return f"{name}.".split(".")[1]


def reach(*rooms: str) -> set[str]:
    """All that modules of the rooms import, and the packages around it, and what these import, and so on."""
    reached: set[str] = set()
    waiting = {name for name in MODULES if room(name) in rooms or name.removeprefix("scrapdb.") in rooms}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= (GRAPH.get(name, set()) | {name.rpartition(".")[0]} - {"scrapdb"}) - reached
    return reached


def test_every_room_has_a_floor() -> None:
    assert {room(name) for name in MODULES} <= FLOOR.keys()


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


def test_only_the_command_line_knows_click() -> None:
    below = {name for name in MODULES if room(name) not in {"cli", "datasette"}}
    assert [name for name in sorted(below) if {target.split(".")[0] for target in GRAPH[name]} & COMMAND_LINE] == []


@pytest.mark.parametrize("heavy", ["click", "nbformat", "pandas", "pyarrow", "sqlite3"])
def test_importing_scrapdb_is_light(heavy: str) -> None:
    code = f"import sys, scrapdb; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=HOUSE.parent, check=False).returncode == 0
