"""Execute source.ipynb once for every ticker, two at a time, each into a notebook of its own.

    python run.py [DIRECTORY]

The results are written to DIRECTORY, ./tickers by default. Exits with 1 if any run failed.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import as_completed
from pathlib import Path

import papermill
from papermill.exceptions import PapermillException

SOURCE = Path(__file__).with_name("source.ipynb")
# A kernel is given ports that are free, and another program may have taken one by the time it listens.
STARTS, NOT_STARTED = 3, "Kernel died before replying to kernel_info"
TICKERS = ("AAA", "ABC", "BCD", "DEF", "GHI", "JKL", "MNO", "MMN", "OOP", "PQD", "XYZ", "PDQ")


def execute(symbol: str, directory: Path) -> float:
    """Run the notebook for one ticker into `directory`/SYMBOL.ipynb and return the seconds it took."""
    start = time.perf_counter()
    for left in reversed(range(STARTS)):
        try:
            papermill.execute_notebook(
                SOURCE,
                directory / f"{symbol}.ipynb",
                {"symbol": symbol},
                progress_bar=False,
                extra_arguments=["--log-level=CRITICAL"],  # to the kernel, which else warns about its transport
            )
            break
        except RuntimeError as error:
            if NOT_STARTED not in str(error) or not left:
                raise
    return time.perf_counter() - start


def main(directory: Path) -> int:
    """Run the notebook for all tickers and return the number of runs that failed."""
    directory.mkdir(parents=True, exist_ok=True)
    failed = 0
    with ProcessPoolExecutor(max_workers=2) as pool:
        symbols = {pool.submit(execute, symbol, directory): symbol for symbol in TICKERS}
        for run in as_completed(symbols):
            try:
                print(f"{symbols[run]}  {run.result():.1f} s", flush=True)
            except (PapermillException, RuntimeError) as error:  # nbclient's own errors are RuntimeErrors
                failed += 1
                print(f"{symbols[run]}  failed: {error}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(Path(*sys.argv[1:2] or ["tickers"])) else 0)
