"""What a command or an import loads, seen from outside: a fresh interpreter tells its modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sessions
from tests.executed import EXAMPLE

HEAVY = {"click", "multiprocessing", "nbformat", "numpy", "pandas", "pyarrow", "re2", "rich", "sqlite_utils"}
QUERY = ["query", "distance < 0.1 and symbol = 'BCD'", "-c", "symbol,distance * 100 as percent", "--sort", "symbol"]
COMMANDS = {
    "version": ["--version"],
    "help": ["--help"],
    "query": QUERY,
    "table": ["query", "-f", "table"],
    "json": ["query", "--json"],
    "count": ["query", "--count"],
    "fields": ["fields"],
    "show": ["show", "BCD"],
    "value": ["show", "BCD", "distance"],
    "diff": ["diff", "BCD", "MNO", "--ignore", "*symbol,distance,message,prices,chart"],
    "check": ["check", "nb.status = 'completed'"],
    "sql": ["sql", "SELECT * FROM runs"],
    "plot": ["plot", "-x", "length", "-y", "distance"],
    "problems": ["problems"],
    "du": ["du"],
    "run": ["run", str(EXAMPLE / "source.ipynb"), "-o", "runs", "-p", "symbol=AAA,BBB", "--dry-run"],
    "prune": ["prune", "--keep-last", "1", "--dry-run"],
}


def modules_after(code: str) -> set[str]:
    told = f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)"
    environment = os.environ | {"PYTHONPATH": str(sessions.ROOT)}
    ran = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    return set(ran.stderr.splitlines()[-1].split())


def modules_of(arguments: list[str]) -> set[str]:
    return modules_after(
        f"import sys; sys.argv = {['scrapdb', *arguments]!r}\n"
        "from scrapdb.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code"
    )


def test_the_probe_sees_what_is_loaded(ticker_store: Path) -> None:
    assert {"pyarrow", "numpy"} <= modules_of(["--db", str(ticker_store), "frame", "prices"])
    assert "re2" in modules_of(["--db", str(ticker_store), "query", "symbol ~ '^B'"])


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_command_loads_nothing_heavy(ticker_store: Path, arguments: list[str]) -> None:
    assert modules_of(["--db", str(ticker_store), *arguments]) & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--version"], ["completion", "bash"]])
def test_what_asks_no_store_loads_no_sqlite(arguments: list[str]) -> None:
    assert modules_of(arguments) & {"sqlite3", "msgspec"} == set()


def test_a_query_loads_nothing_that_only_other_commands_need(ticker_store: Path) -> None:
    unneeded = {
        *(
            "scrapdb.database.frames",
            "scrapdb.indexing.loop",
            "scrapdb.database.notebook",
            "scrapdb.notebooks",
            "scrapdb.formats.html",
        ),
        *("scrapdb.store.users_sql", "scrapdb.store.write", "scrapdb.notebooks.wire", "scrapdb.encoders"),
        *("concurrent.futures", "csv", "html", "json", "msgspec", "tempfile"),
    }
    assert modules_of(["--db", str(ticker_store), *QUERY]) & unneeded == set()


@pytest.mark.parametrize("code", ["scrapdb.open({!r}).index({!r})", "scrapdb.glue('x', 1)", "scrapdb.open({!r}).gc()"])
def test_only_optimizing_loads_sqlite_utils(ticker_store: Path, tmp_path: Path, code: str) -> None:
    store = tmp_path / "scraps.db"
    store.write_bytes(ticker_store.read_bytes())
    assert "sqlite_utils" not in modules_after(f"import scrapdb; {code.format(str(store), str(ticker_store.parent))}")
    assert "sqlite_utils" in modules_after(f"import scrapdb; scrapdb.open({str(store)!r}).optimize()")


def test_importing_scrapdb_loads_only_the_table_of_names() -> None:
    loaded = modules_after("import scrapdb")
    assert loaded & (HEAVY | {"typer", "msgspec", "sqlite3"}) == set()
    assert {name for name in loaded if name.startswith("scrapdb.")} == {"scrapdb.scrapbook"}


def test_opening_and_asking_in_python_is_as_light(ticker_store: Path) -> None:
    loaded = modules_after(f"import scrapdb; [*scrapdb.open({str(ticker_store)!r}).query('distance < 0.1')]")
    assert loaded & (HEAVY | {"typer"}) == set()


def test_the_extension_for_jupyter_is_as_light() -> None:
    loaded = modules_after(
        "import warnings; warnings.simplefilter('ignore')\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'scrapdb')"
    )
    assert "scrapdb.database.magic" in loaded
    assert loaded & ((HEAVY - {"multiprocessing"}) | {"typer"}) == set()
