from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scrapdb.encoders.registration import DataEncoderRegistry
from scrapdb.encoders.registration import standard
from scrapdb.encoders.scrap import Scrap
from scrapdb.errors import ScrapbookInvalidEncoder

ROOT = Path(__file__).parent.parent.parent


class Reversed:
    """An encoder as scrapbook's README shows them: without a name, and never asked whether it takes a value."""

    def encode(self, scrap: Scrap) -> Scrap:
        return scrap._replace(data=scrap.data[::-1])

    def decode(self, scrap: Scrap) -> Scrap:
        return scrap._replace(data=scrap.data[::-1])


def test_an_encoder_is_registered_under_a_name() -> None:
    registry = standard()
    registry.register("reversed", Reversed())
    assert registry.encode(Scrap("x", "abc", "reversed")).data == "cba"
    assert registry.determine_encoder_name("abc") == "text"
    with pytest.raises(NotImplementedError):
        registry.determine_encoder_name(object())
    registry.deregister("reversed")
    assert list(registry) == ["text", "json", "display", "pandas"]


@pytest.mark.parametrize("thing", ["json", object(), Reversed(), Scrap])
def test_what_has_no_name_is_no_encoder(thing: Any) -> None:
    with pytest.raises(ScrapbookInvalidEncoder):
        DataEncoderRegistry().register(thing)


def test_what_does_not_decode_is_no_encoder() -> None:
    class Half:
        def encode(self, scrap: Scrap) -> Scrap:
            return scrap

    with pytest.raises(ScrapbookInvalidEncoder, match="no method decode"):
        DataEncoderRegistry()["half"] = Half()


PLUGIN = """
class Complex:
    def name(self):
        return "complex"

    def encodable(self, data):
        return isinstance(data, complex)

    def encode(self, scrap):
        return scrap._replace(data=[scrap.data.real, scrap.data.imag])

    def decode(self, scrap):
        return scrap._replace(data=complex(*scrap.data))
"""
USE = """
import sys
from scrapdb.encoders import registry
from scrapdb.encoders.scrap import Scrap

assert registry.determine_encoder_name(1) == "json"
assert "plugin" not in sys.modules
assert registry.determine_encoder_name(1j) == "complex"
assert registry.decode(registry.encode(Scrap("z", 1j, "complex"))).data == 1j
print(*registry)
"""


GLUE = """
import json, sys, warnings
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
import scrapdb as sb

warnings.simplefilter("ignore")
InteractiveShell.instance()
with capture_output() as captured:
    sb.glue("z", 1j)
(shown,) = captured.outputs
output = {"output_type": "display_data", "data": shown.data, "metadata": shown.metadata}
cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [output], "source": ""}
with open("z.ipynb", "w") as file:
    json.dump({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, file)
"""
READ = "import scrapdb as sb; print(repr(sb.read_notebook('z.ipynb').scraps['z'].data))"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A directory with an installed package of a module and its metadata, as pip leaves them."""
    (tmp_path / "plugin.py").write_text(PLUGIN)
    metadata = tmp_path / "plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[scrapdb.encoders]\nz = plugin:Complex\nbroken = nowhere:Nothing\n")
    return tmp_path


def run(code: str, directory: Path, *path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_installed_packages_offer_encoders_by_entry_points(package: Path) -> None:
    ran = run(USE, package.parent, package)
    assert ran.stdout == "text json display pandas complex\n", ran.stderr
    assert "nowhere:Nothing cannot be loaded" in ran.stderr


def test_what_an_installed_encoder_glued_is_read_with_it_and_kept_without(package: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "notebooks"
    elsewhere.mkdir()
    glued = run(GLUE, elsewhere, package)
    assert glued.returncode == 0, glued.stderr
    assert run(READ, elsewhere, package).stdout == "1j\n"
    without = run(READ, elsewhere)
    assert without.stdout == "[0.0, 1.0]\n"
    assert "complex" in without.stderr
