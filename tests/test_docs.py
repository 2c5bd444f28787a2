"""What README and docs say is so: sessions, Python, SQL and expressions are run, what cog prints is current."""

from __future__ import annotations

import ast
import contextlib
import doctest
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.core import TyperOption

import scrapdb
from scrapdb.cli.app import app
from tests import executed as executed_
from tests.commands import COMMANDS
from tests.sessions import ROOT
from tests.sessions import UPDATE
from tests.sessions import matches
from tests.sessions import run
from tests.sessions import shown
from tests.sessions import steps

if TYPE_CHECKING:
    from typer._click.core import Command

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPE = re.compile(r"^```sql\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
COLUMNS = 110


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return [text for named, text in BLOCK.findall(read(page)) if named == language]


@pytest.fixture
def scratch(tmp_path: Path, tickers: Path, executed: Callable[[str], Path]) -> Path:
    """Where the sessions happen: the example's notebook, template and runs, and two that did not end well."""
    directory = tmp_path / "scratch"
    shutil.copytree(tickers, directory / "tickers")
    shutil.copy(executed_.EXAMPLE / "source.ipynb", directory)
    shutil.copytree(executed_.EXAMPLE / "near-high", directory / "near-high")
    (directory / "late").mkdir()
    for name in ("fails", "is_killed"):
        shutil.copy(executed(name), directory / "late")
    return directory


@pytest.fixture
def store(scratch: Path) -> Path:
    """A store of all of these notebooks, with the table for full-text search."""
    db = scrapdb.open(scratch / "scraps.db")
    db.index(scratch / "tickers", scratch / "late")
    db.optimize()
    return scratch / "scraps.db"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sessions_and_programs_run_as_shown(page: Path, scratch: Path) -> None:
    names: dict[str, Any] = {}
    run_block: dict[str, Callable[[str, Path], str]] = {
        "console": _session,
        "python": _program,
        "pycon": partial(_doctest, names),
    }
    text = read(page)
    for language, block in BLOCK.findall(text):
        if language in run_block:
            text = text.replace(block, run_block[language](block, scratch))
    if UPDATE:
        page.write_text(text, encoding="utf-8")


def _session(block: str, directory: Path) -> str:
    written: list[str] = []
    for command, expected in steps(block.splitlines()):
        ran = run(command, directory, COLUMNS)
        actual = [line.rstrip() for line in (ran.stdout + ran.stderr).splitlines()]
        assert UPDATE or matches(expected, actual), "\n".join([f"$ {command}", *actual, "", "Expected:", *expected])
        written += shown(command, expected, actual)
    return "".join(f"{line}\n" for line in written)


def _program(block: str, directory: Path) -> str:
    program = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{block}"]
    ran = subprocess.run(program, cwd=directory, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{block}\nended with {ran.returncode}:\n{ran.stderr}"
    return block


def _doctest(names: dict[str, Any], block: str, directory: Path) -> str:
    test = doctest.DocTestParser().get_doctest(block, names, "session", None, None)
    said: list[str] = []
    with contextlib.chdir(directory):
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    assert not said, "".join(said)
    return block


def test_printed_parts_are_current() -> None:
    files = [str(page.relative_to(ROOT)) for page in PAGES]
    command = [sys.executable, "-m", "cogapp", "--check", "--diff", *files]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"Run `make docs`.\n{ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_and_has_help(name: str) -> None:
    command: Command | None = app
    for word in name.split():
        assert isinstance(command, TyperGroup)
        command = command.get_command(typer.Context(command), word)
    assert command is not None
    assert command.help
    assert command.get_short_help_str()
    assert all(option.help for option in command.params if isinstance(option, TyperOption))
    assert f"\n## scrapdb {name}\n" in read(DOCS / "command-line.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(read(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in set(_anchors(target)), link


def _anchors(page: Path) -> Iterator[str]:
    for title in re.findall(r"^#+ (.*)$", read(page), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_tests_that_are_named_are_there() -> None:
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", read(DOCS / "reports.md").partition("## The talk")[2])
    assert len(named) > 40
    for file, name in named:
        assert f"def {name}" in read(ROOT / "tests" / file), f"{file}::{name}"


def test_sql_gives_what_the_page_shows(store: Path) -> None:
    recipes = RECIPE.findall(read(DOCS / "store.md"))
    assert recipes
    with contextlib.closing(sqlite3.connect(store)) as connection:
        for sql, expected in recipes:
            cursor = connection.execute(sql)
            header = "|".join(column[0] for column in cursor.description)
            rows = ["|".join("" if value is None else str(value) for value in row) for row in cursor]
            assert rows, sql
            assert not expected or matches(expected.splitlines(), [header, *rows]), "\n".join([sql, header, *rows])


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "query-language.md"], ids=lambda page: page.name)
def test_expressions_find_as_many_notebooks_as_the_page_says(page: Path, store: Path) -> None:
    db = scrapdb.open(store)
    lines = [line for block in blocks(page, "text") for line in block.splitlines() if "  # " in line]
    assert lines
    for line in lines:
        expression, _, comment = line.partition("  # ")
        count = db.count(expression)
        number = re.match(r"\d+", comment)
        assert number is None or count == int(number[0]), f"{line}\n{count}"


def test_every_kind_of_problem_is_explained() -> None:
    makers = {"Problem", "UnreadableError", "_RefusedError"}
    kinds = {
        node.args[0].value
        for path in (ROOT / "scrapdb").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in makers
        if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }
    assert len(kinds) > 10
    explained = set(re.findall(r"^\| `([a-z -]+)` \|", read(DOCS / "reading.md"), re.MULTILINE))
    assert kinds <= explained
