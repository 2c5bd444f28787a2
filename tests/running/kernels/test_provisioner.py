"""The wall for kernels that others start, by a kernelspec that asks for it: jupyter_client, nbclient, papermill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from jupyter_client.manager import KernelManager

from scrapdb.running.kernels import walls

_LOOK = """
import os, socket
print(os.getcwd(), os.environ.get("SCRAPDB_TESTED"))
try:
    print(open("/etc/passwd").read())
except OSError:
    print("closed")
with open("made.txt", "w") as file:
    file.write("1")
try:
    socket.create_connection(("192.0.2.1", 80), 1)
except OSError as error:
    print("closed" if type(error).__name__ != "TimeoutError" else "silent")
try:
    print(open("/proc/sys/kernel/core_pattern", "r+"))
except OSError:
    print("closed")
"""
_SLEEP = """
import time
print("sleeping", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""
_LINKS = """
import os
from ipykernel.kernelapp import IPKernelApp
above = os.path.dirname(IPKernelApp.instance().connection_file)
for name in ("kernel.json", "kernel.log"):
    os.unlink(os.path.join(above, name))
    os.symlink({victim!r}, os.path.join(above, name))
print("linked")
"""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in, and kernelspecs that ask for walls."""
    for wall in ("bubblewrap", "landlock"):
        for mode in ("message", "signal"):
            spec = {
                "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "walled",
                "language": "python",
                "interrupt_mode": mode,
                "metadata": {"kernel_provisioner": {"provisioner_name": "scrapdb", "config": {"wall": wall}}},
            }
            kernel = tmp_path / "share" / "kernels" / f"{wall}-{mode}"
            kernel.mkdir(parents=True)
            (kernel / "kernel.json").write_text(json.dumps(spec))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("SCRAPDB_TESTED", "a secret")
    monkeypatch.chdir(work)
    return work


def needs(wall: str) -> None:
    if reason := walls.WALLS[wall].missing():
        pytest.skip(reason)


@pytest.fixture(params=["bubblewrap-message", "bubblewrap-signal", "landlock-message", "landlock-signal"])
def manager(request: pytest.FixtureRequest) -> Iterator[KernelManager]:
    needs(request.param.partition("-")[0])
    manager = KernelManager(kernel_name=request.param)
    manager.start_kernel()
    yield manager
    if manager.has_kernel:
        manager.shutdown_kernel(now=True)


def said(client: Any, code: str, when: Callable[[str], None] = lambda _: None) -> str:
    """Execute code and return what it prints, which `when` is told at once."""
    texts: list[str] = []

    def hook(message: Any) -> None:
        if text := message["content"].get("text") or message["content"].get("evalue"):
            texts.append(text)
            when(text)

    client.execute_interactive(code, timeout=30, output_hook=hook)
    return "".join(texts)


@pytest.fixture
def client(manager: KernelManager) -> Iterator[Any]:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    yield client
    client.stop_channels()


def test_a_kernel_of_jupyter_client_is_interrupted_and_started_again(
    manager: KernelManager, client: Any, work: Path
) -> None:
    assert said(client, _LOOK).split() == [str(work), "None", "closed", "closed", "closed"]
    assert (work / "made.txt").read_text() == "1"

    def interrupt(text: str) -> None:
        if text.startswith("sleeping"):
            time.sleep(0.5)
            manager.interrupt_kernel()

    assert said(client, _SLEEP, interrupt) == "sleeping\ninterrupted\n"
    victim = work.parent / "victim"
    victim.write_text("whole")
    mode = victim.stat()
    assert said(client, _LINKS.format(victim=str(victim))) == "linked\n"
    private = Path(manager.connection_file).parent
    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=30)
    assert said(client, "print('above' in globals())") == "False\n"
    assert victim.read_text() == "whole"
    assert (victim.stat().st_uid, victim.stat().st_mode) == (mode.st_uid, mode.st_mode)
    manager.shutdown_kernel()
    assert not manager.is_alive()
    assert not private.exists()


def notebook(path: Path, kernel: str) -> Any:
    cell: Any = nbformat.v4.new_code_cell
    cells = [cell("x = 1", metadata={"tags": ["parameters"]}), cell("print(x)"), cell(_LOOK)]
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    node: Any = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
    nbformat.write(node, path)
    return node


@pytest.mark.parametrize("wall", ["bubblewrap", "landlock"])
def test_nbclient_has_the_wall(wall: str, work: Path) -> None:
    needs(wall)
    node = notebook(work / "source.ipynb", f"{wall}-message")
    nbclient.NotebookClient(node, timeout=30).execute()
    assert node.cells[2].outputs[0].text.split() == [str(work), "None", "closed", "closed", "closed"]


@pytest.mark.parametrize("wall", ["bubblewrap", "landlock"])
def test_papermill_has_the_wall(wall: str, work: Path) -> None:
    needs(wall)
    notebook(work / "source.ipynb", f"{wall}-message")
    command = [sys.executable, "-m", "papermill", "source.ipynb", "out.ipynb", "-p", "x", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    texts = [cell.outputs[0].text for cell in nbformat.read(work / "out.ipynb", 4).cells if cell.get("outputs")]
    assert [text.split() for text in texts] == [["7"], [str(work), "None", "closed", "closed", "closed"]]
