from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import papermill
import pytest

import scrapdb
from scrapdb.notebooks.extract import read_facts

CELLS = [
    "symbol = 'A'",
    "import scrapdb\nscrapdb.glue('x', 1)",
    "if symbol == 'B':\n    scrapdb.skip('no data')",
    "1 / 0",
]

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    cells[0].metadata.tags = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), tmp_path / "source.ipynb")
    return tmp_path / "source.ipynb"


def test_papermill_ends_well_where_a_notebook_skips_itself(source: Path) -> None:
    output = source.with_name("B.ipynb")
    papermill.execute_notebook(source, output, {"symbol": "B"}, progress_bar=False)
    found = read_facts(output.read_bytes())
    assert (found.status, found.error, found.problems) == ("skipped", None, ())
    assert found.execution
    assert (found.execution.reason, found.execution.cell) == ("no data", 3)
    assert [(scrap.name, scrap.value) for scrap in found.scraps] == [("x", 1)]


def test_jupyter_stops_where_a_notebook_skips_itself(source: Path) -> None:
    notebook = nbformat.read(source, nbformat.NO_CONVERT)
    notebook.cells[0].source = "symbol = 'B'"
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="SystemExit"):
        nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    found = read_facts(nbformat.writes(notebook).encode())
    assert found.execution
    assert (found.status, found.execution.reason, found.execution.cell) == ("skipped", "no data", 2)


def test_a_script_ends_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        scrapdb.skip("no data")
    assert ended.value.code == 0
    assert capsys.readouterr().out == "Skipped: no data\n"


def test_it_loads_little() -> None:
    told = "import sys\nimport scrapdb\nscrapdb.skip\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert {"pandas", "pyarrow", "nbformat", "sqlite3", "typer", "IPython"} & set(ran.stdout.split()) == set()
