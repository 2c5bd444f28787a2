"""The fork server by itself."""

from __future__ import annotations

import json
import subprocess
import sys

# Children end when the pipe is closed, all at the same moment.
MANY = """
import os, signal, time
from scrapdb.running.kernels.inside import server
answers, keepers = os.fdopen(1, "w", buffering=1), {}
signal.signal(signal.SIGCHLD, lambda *_: server._reap(keepers, answers))
for round in range(5):
    read, write = os.pipe()
    for number in range(200):
        if not (child := os.fork()):
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        keepers[child] = f"{round} {number}"
    os.close(write)
    while keepers:
        time.sleep(0.01)
"""


def test_many_that_end_at_once_are_each_told_of() -> None:
    run = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=False, timeout=60)
    assert run.stderr == ""
    told = [json.loads(line) for line in run.stdout.splitlines()]
    assert sorted(each["run"] for each in told) == sorted(f"{turn} {n}" for turn in range(5) for n in range(200))
    assert {each["gone"] for each in told} == {0}
