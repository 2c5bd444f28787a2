"""What a bundle needs of the machine: its kernel and its packages."""

from __future__ import annotations

from collections.abc import Iterator

from scrapdb.errors import BundleError
from scrapdb.errors import ScrapdbError
from scrapdb.notebooks import ipynb
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import environments
from scrapdb.reporting.bundles.bundle import NOTEBOOK
from scrapdb.reporting.bundles.bundle import REQUIREMENTS
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks.finding import Finding


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what this machine lacks."""
    try:
        environments.requirements(bundle)
        environments.python(bundle)
    except BundleError as error:
        severity = "warning" if "build-env" in str(error) else "error"
        yield Finding(severity=severity, file=REQUIREMENTS, message=str(error))  # type: ignore[arg-type]
    if NOTEBOOK in bundle.files:
        yield from _kernel(bundle)


def _kernel(bundle: Bundle) -> Iterator[Finding]:
    from scrapdb.running.kernels import kernelspecs  # with jupyter_client

    try:
        kernelspecs.kernelspec(ipynb.metadata(bundle.files[NOTEBOOK]), bundle.config.kernel)
    except ScrapdbError as error:
        said = str(error).replace("name one with --kernel", f"name one in {config.FILE}, as `kernel`")
        file = config.FILE if bundle.config.kernel else NOTEBOOK
        yield Finding(file=file, message=f"{said[:1].upper()}{said[1:].rstrip('.?')}{'?' if said[-1] == '?' else '.'}")
    except ipynb.UnreadableError:
        return
