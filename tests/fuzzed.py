"""Notebooks by a fuzzer that sees which branches of the reader they reach.

`python -m tests.fuzzed -max_total_time=600`, with atheris installed (the dependency group `fuzz`), ends with what
libFuzzer counted, or with the first notebook that raises or has a problem of a kind that is not documented.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["scrapdb"]):
    from scrapdb.notebooks.extract import read_facts
    from scrapdb.store.rows import File
    from scrapdb.store.rows import rows

from tests.hostile.files import documented
from tests.hostile.files import fixed

MEMORY = 4 * 2**30  # bytes of address space, libraries and the fuzzer's own included


def try_out(written: bytes) -> None:
    made = rows(File("fuzzed.ipynb"), read_facts(written))
    assert {kind for *_, kind, _ in made.problems} <= documented(), made.problems


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as corpus:
        for number, file in enumerate(fixed()):
            if isinstance(file.make, bytes) and len(file.make) < 10_000:
                Path(corpus, str(number)).write_bytes(file.make)
        atheris.Setup([*sys.argv, "-max_len=10000", corpus], try_out)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
