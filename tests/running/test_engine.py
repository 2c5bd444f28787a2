"""`papermill --engine scrapdb`: what papermill does, the record that it lacks, and the store. Kernels are real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import papermill
import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbclient.exceptions import CellTimeoutError
from nbclient.exceptions import DeadKernelError
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError

import scrapdb
from scrapdb.database import Database
from scrapdb.indexing.loop import index
from scrapdb.notebooks.extract import read_facts
from scrapdb.running.engine import Engine
from scrapdb.running.rows.parameters import hashed
from tests import notebook_builder as nb
from tests import objects
from tests.stores import query

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
GLUE = "import scrapdb; scrapdb.glue('x', x)"
COLUMNS = "status, reason, cell, signal, exit_code"


def source(path: Path, *cells: str) -> Path:
    """Write a notebook that takes a parameter x and has some more cells."""
    numbered = enumerate(("x = 1", *cells))
    made = [{**nb.code(cell, count=None, tags=() if n else ("parameters",)), "id": f"cell-{n}"} for n, cell in numbered]
    return nb.write(path, nb.notebook(*made, **PYTHON))


def record(path: Path) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(path.read_bytes())["metadata"]["scrapdb"]["run"]
    return run


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCRAPDB_DB", str(tmp_path / "scraps.db"))
    return tmp_path / "scraps.db"


def told(store: Path) -> list[tuple[Any, ...]]:
    columns = ("nb.status", "exec.reason", "exec.cell", "exec.signal", "exec.exit_code")
    return [tuple(row) for row in Database(store).query("nb.path like '%'", columns).rows()]


def run(path: Path, **options: Any) -> Any:
    defaults = {"engine_name": "scrapdb", "progress_bar": False}
    return papermill.execute_notebook(path, path.with_name("out.ipynb"), **{**defaults, **options})


def bare(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a notebook what differs from one run of papermill to the next, and our record."""
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]*"|(?<="duration": )[\d.e-]+', '"…"', json.dumps(document))
    left: dict[str, Any] = json.loads(text.replace("/plain/", "/").replace("/ours/", "/"))
    left["metadata"].pop("scrapdb", None)
    for cell in left["cells"]:
        cell.pop("id")
    return left


@pytest.mark.parametrize("cells", [(GLUE, "import os; os.getcwd()", "print(x); x"), ("print(x)", "1 / 0", "2")])
def test_the_notebook_is_papermills_but_for_the_record(tmp_path: Path, store: Path, cells: tuple[str, ...]) -> None:
    def executed(directory: str, engine: str | None) -> dict[str, Any]:
        path = source(tmp_path / directory / "in.ipynb", *cells)
        options = {"parameters": {"x": 5}, "report_mode": True, "cwd": tmp_path}
        with pytest.raises(PapermillExecutionError) if "1 / 0" in cells else nullcontext():
            run(path, engine_name=engine, **options)
        document: dict[str, Any] = json.loads((path.parent / "out.ipynb").read_bytes())
        return document

    plain, ours = executed("plain", None), executed("ours", "scrapdb")
    assert "scrapdb" in ours["metadata"]
    assert bare(ours) == bare(plain)
    assert index(store, [str(tmp_path / "ours")]).unchanged == 1  # what is in the store is the final form
    found = query(store, "SELECT status FROM notebooks WHERE path LIKE '%out.ipynb'")
    assert found == [("failed" if "1 / 0" in cells else "completed",)]


def test_a_run_that_completes_has_all_that_a_runner_records(tmp_path: Path, store: Path) -> None:
    path = source(tmp_path / "in.ipynb", GLUE, "big = bytearray(300_000_000); del big", "sum(range(30_000_000))")
    run(path, parameters={"x": 7}, execution_timeout=60)
    written = record(tmp_path / "out.ipynb")
    assert (written["state"], written["wall"], written["attempt"], written["warm"]) == ("completed", "none", 1, False)
    assert written["limits"] == {"start_timeout": 60.0, "cell_timeout": 60.0}
    assert written["started_at"] < written["ended_at"]
    assert 300_000_000 < written["peak_memory"] < 600_000_000
    assert 0.5 < written["cpu_seconds"] < 60
    assert written["code_hash"] == read_facts(path.read_bytes()).code_hash
    assert written["parameters_hash"] == hashed({"x": 7})
    assert re.fullmatch("[0-9a-f]{32}", written["id"])
    assert Database(store).notebook("out").scraps["x"].data == 7


@pytest.mark.parametrize(
    ("cell", "error", "expected"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            DeadKernelError,
            ("killed", "signal: the kernel was ended by SIGKILL in cell 3", 3, "SIGKILL", None),
        ),
        (
            "import os; os._exit(3)",
            DeadKernelError,
            ("failed", "the kernel ended by itself with code 3 in cell 3", 3, None, 3),
        ),
        (
            "while True: pass",
            CellTimeoutError,
            ("timed out", "the cell took longer than 2 s (--execution-timeout) in cell 3", 3, None, None),
        ),
        (
            "1 / 0",
            PapermillExecutionError,
            ("failed", "ZeroDivisionError: division by zero in cell 3", 3, None, None),
        ),
        ("scrapdb.skip('no new data')", None, ("skipped", "no new data", 3, None, None)),
    ],
)
def test_an_end_before_the_end_is_told_as_it_was(
    tmp_path: Path, store: Path, cell: str, error: type[Exception] | None, expected: tuple[Any, ...]
) -> None:
    path = source(tmp_path / "in.ipynb", GLUE, cell, "print('never')")
    if error:
        with pytest.raises(error):
            run(path, parameters={"x": 1}, execution_timeout=2)
    else:
        run(path, parameters={"x": 1}, execution_timeout=2)
    assert told(store) == [expected]
    assert Database(store).notebook("out").scraps["x"].data == 1  # what it had glued till then
    cells = [each for each in json.loads((tmp_path / "out.ipynb").read_bytes())["cells"] if each["cell_type"] == "code"]
    assert [each["metadata"]["papermill"]["status"] for each in cells] == [*["completed"] * 3, "failed", "pending"]
    assert index(store, [str(tmp_path)], names=()).changed == 0


def test_a_kernel_that_is_missing_or_does_not_start_is_a_run_that_failed(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path / "in.ipynb", "1")
    with pytest.raises(Exception, match="nowhere"):
        run(path, kernel_name="nowhere", parameters={"x": 1}, language="python")
    assert told(store) == [("failed", "No such kernel named nowhere", None, None, None)]
    spec = {"argv": [sys.executable, "-c", "raise SystemExit(5)"], "display_name": "Broken", "language": "python"}
    (tmp_path / "kernels/broken").mkdir(parents=True)
    (tmp_path / "kernels/broken/kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="Kernel died"):
        run(path, kernel_name="broken")
    assert told(store)[0][:2] == ("failed", "not ready: Kernel died before replying to kernel_info (with code 5)")


def test_a_kernel_that_has_a_wall_of_its_own_has_it_in_the_record(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    walled = {"kernel_provisioner": {"provisioner_name": "scrapdb", "config": {"wall": "limits"}}}
    spec = {"argv": argv, "display_name": "Walled", "language": "python", "metadata": walled}
    (tmp_path / "kernels/walled").mkdir(parents=True)
    (tmp_path / "kernels/walled/kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(DeadKernelError):
        run(source(tmp_path / "in.ipynb", "import os; os._exit(3)"), kernel_name="walled")
    assert told(store) == [("failed", "the kernel ended by itself with code 3 in cell 1", 1, None, 3)]
    assert record(tmp_path / "out.ipynb")["wall"] == "limits"
    assert record(tmp_path / "out.ipynb")["peak_memory"] > 20_000_000


def test_a_kernel_that_is_started_elsewhere_is_none_for_scrapdb_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = {"kernel_provisioner": {"provisioner_name": "kubernetes-provisioner", "config": {}}}
    spec = {"argv": ["launch"], "display_name": "Pods", "language": "python", "metadata": pods}
    (tmp_path / "kernels/pods").mkdir(parents=True)
    (tmp_path / "kernels/pods/kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    path = source(tmp_path / "in.ipynb", "1")
    how: dict[str, Any] = {"db": tmp_path / "scraps.db", "kernel": "pods"}
    (failed,) = scrapdb.run(path, tmp_path / "out", **how)
    assert (failed.reason or "").startswith("the kernel pods is started by a provisioner that is not installed")
    local = EntryPoint("kubernetes-provisioner", "jupyter_client.provisioning:LocalProvisioner", "")
    monkeypatch.setitem(KernelProvisionerFactory.instance().provisioners, local.name, local)
    (failed,) = scrapdb.run(path, tmp_path / "out", **how)
    assert failed.state == "failed"
    assert (failed.reason or "").startswith("the kernel pods is started by kubernetes-provisioner, where")


def test_whatever_ends_papermill_itself_is_recorded(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TaskTimeout(BaseException):
        """What Airflow raises in the main thread."""

    def interrupted(*_: Any, **__: Any) -> None:
        raise TaskTimeout("after 5 s")

    monkeypatch.setattr("papermill.engines.NBClientEngine.execute_managed_notebook", interrupted)
    with pytest.raises(TaskTimeout):
        run(source(tmp_path / "in.ipynb"))
    assert told(store) == [("cancelled", "TaskTimeout: after 5 s", None, None, None)]


def test_the_command_line_of_papermill(tmp_path: Path) -> None:
    """The store and the output are relative to where papermill was called, the kernel works elsewhere."""
    source(tmp_path / "in.ipynb", GLUE, "print('hello'); open('here.txt', 'w').close()")
    (tmp_path / "work").mkdir()
    options = [
        "--engine",
        "scrapdb",
        "-p",
        "x",
        "8",
        "--cwd",
        "work",
        "--log-output",
        "--no-request-save-on-cell-execute",
    ]
    ran = papermill_command(tmp_path, "in.ipynb", "out.ipynb", *options, SCRAPDB_DB="scraps.db")
    assert ran.returncode == 0, ran.stderr
    assert {"hello", "Executing Cell 1"} <= {line.rstrip("-").strip() for line in ran.stderr.splitlines()}
    assert (tmp_path / "work/here.txt").exists()
    assert Database(tmp_path / "scraps.db").notebook("out.ipynb").scraps["x"].data == 8


def test_without_a_file_or_a_store_a_run_is_what_it_was(tmp_path: Path) -> None:
    source(tmp_path / "in.ipynb", "print('hello')")
    (tmp_path / "none.db").write_bytes(b"this is no store" * 100)
    ran = papermill_command(tmp_path, "in.ipynb", "out.ipynb", "--engine", "scrapdb", SCRAPDB_DB="none.db")
    assert ran.returncode == 0, ran.stderr
    assert "Executing: 100%" in ran.stderr
    assert "1 finished run is not in the store yet" in ran.stderr
    assert record(tmp_path / "out.ipynb")["state"] == "completed"
    ran = papermill_command(tmp_path, "in.ipynb", "-", "--engine", "scrapdb", SCRAPDB_DB="scraps.db")
    assert json.loads(ran.stdout)["metadata"]["scrapdb"]["run"]["state"] == "completed"
    assert "its notebook is written to no file" in ran.stderr


def papermill_command(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent), **environment}
    command = [sys.executable, "-m", "papermill", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[objects.Bucket]:
    with objects.serving() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("papermill.s3.S3.s3_session", (None, None, None))  # it remembers another server
        yield objects.Bucket(server, "runs")


@pytest.mark.parametrize("engine", ["scrapdb", None])
def test_as_airflows_operator_calls_it(
    tmp_path: Path, store: Path, bucket: objects.Bucket, monkeypatch: pytest.MonkeyPatch, engine: str | None
) -> None:
    """The call is the one in `PapermillOperator.execute`, which names no engine: there ours is made papermill's own."""
    if engine is None:
        monkeypatch.setitem(papermill_engines._engines, None, papermill_engines.get_engine(None))
        papermill_engines.register(None, Engine)
    bucket.put("in.ipynb", json.loads(source(tmp_path / "in.ipynb", GLUE).read_bytes()))
    papermill.execute_notebook(
        f"{bucket.url}/in.ipynb",
        f"{bucket.url}/out.ipynb",
        parameters={"x": 3},
        progress_bar=False,
        report_mode=True,
        log_output=False,
        kernel_name=None,
        language=None,
        engine_name=engine,
    )
    assert query(store, "SELECT path, status FROM notebooks") == [("s3://runs/out.ipynb", "completed")]
    assert query(store, "SELECT x FROM runs") == [(3,)]
    assert index(store, [f"{bucket.url}/out.ipynb"]).changed == 0


def test_papermill_imports_nothing_of_running_for_it() -> None:
    code = "import sys, papermill; print(*(name for name in sys.modules if name.startswith('scrapdb.running')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) <= {"scrapdb.running", "scrapdb.running.engine"}
