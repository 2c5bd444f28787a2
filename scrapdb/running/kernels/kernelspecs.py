"""The kernelspec that a run needs, found as jupyter_client finds it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.kernelspec import NoSuchKernel

from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion
from scrapdb.notebooks.ipynb import mapping

_OURS = ("local-provisioner", "scrapdb")  # provisioners in whose place we can start a kernel
_LAUNCHER = "ipykernel_launcher"


class KernelMissingError(ScrapdbError):
    """The kernel that a notebook asks for is not installed."""


class KernelElsewhereError(ScrapdbError):
    """The kernel that a notebook asks for is started by something else: in a cluster, say."""


def kernelspec(metadata: dict[str, Any], name: str | None, python: str | None = None) -> KernelSpec:
    """Return the kernelspec that is asked for, or that the metadata of a notebook name, if need be with this Python.

    Raises:
        KernelMissingError: there is none of that name, or the notebook names none.
        KernelElsewhereError: it is started by a provisioner of its own.
    """
    manager = KernelSpecManager()
    wanted = name or mapping(metadata, "kernelspec").get("name")
    if not wanted:
        raise KernelMissingError("the notebook names no kernel; name one with --kernel")
    try:
        spec = manager.get_kernel_spec(wanted)
    except NoSuchKernel:
        known = manager.find_kernel_specs()
        if wanted in known:
            where = f"{known[wanted]}/kernel.json"
            raise KernelMissingError(
                f"the kernel {wanted} is started by a provisioner that is not installed, see {where}"
            ) from None
        raise KernelMissingError(f"the kernel {wanted} is not installed; {suggestion(wanted, known)}") from None
    spec.name = wanted
    provisioner = spec.metadata.get("kernel_provisioner", {}).get("provisioner_name", _OURS[0])
    if provisioner not in _OURS:
        raise KernelElsewhereError(
            f"the kernel {wanted} is started by {provisioner}, where `scrapdb run` can put no wall around it; "
            "`papermill --engine scrapdb` executes with it"
        )
    if python and spec.argv:
        spec.argv[0] = python
    if not spec.argv or not shutil.which(interpreter(spec.argv[0])):
        program = spec.argv[0] if spec.argv else "nothing"
        raise KernelMissingError(f"the kernel {wanted} is to be started by {program}, which is not there")
    return spec


def is_ipykernel(spec: KernelSpec) -> bool:
    """Return whether a kernel is Python's own."""
    return _LAUNCHER in spec.argv


def interpreter(command: str) -> str:
    """Return the path of a program that a kernelspec names; `python` is this one, as jupyter_client has it."""
    if command in {"python", f"python{sys.version_info.major}", "python{}.{}".format(*sys.version_info)}:
        return sys.executable
    return shutil.which(command) or os.path.abspath(command)  # noqa: PTH100 - links must stay, for an environment
