"""Run a command, and print its seconds, those of the processor, and the most bytes that a process had in memory.

    python -I -S benchmarks/measured.py COMMAND...

A new process counts what the one that starts it has in memory. This one has little.
"""

from __future__ import annotations

import os
import sys
import time


def main(command: list[str]) -> None:
    """Run it without its output; a command that fails ends this one."""
    began = time.perf_counter()
    nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    process = os.posix_spawn(command[0], command, os.environ, file_actions=[nowhere])
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - began
    if code := os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(command)} ended with {code}.")
    # Linux counts the peak in kilobytes, macOS in bytes; both give that of the largest process.
    print(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


if __name__ == "__main__":
    main(sys.argv[1:])
