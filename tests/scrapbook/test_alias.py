from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(program: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_scrapbook_is_scrapdb_where_it_was_installed() -> None:
    run("""
import scrapdb as sb
import scrapdb.scrapbook.alias
scrapdb.scrapbook.alias.install()
import scrapbook
import scrapbook.models
from scrapbook.encoders import registry
from scrapbook.api import glue, read_notebook, read_notebooks
from scrapbook.exceptions import ScrapbookException
assert scrapbook.glue is glue is sb.glue
assert scrapbook.models.Notebook is sb.Notebook
assert registry is sb.encoders.registry
assert ScrapbookException is sb.exceptions.ScrapbookException
assert scrapbook.__version__ == "0.5.0"
""")


def test_a_patch_acts_on_scrapdb_and_ends() -> None:
    run("""
from unittest import mock
import scrapdb.scrapbook.alias
from scrapdb.scrapbook import gluing
scrapdb.scrapbook.alias.install()
before = gluing.is_kernel
with mock.patch("scrapbook.utils.is_kernel") as patched:
    assert gluing.is_kernel is patched
assert gluing.is_kernel is before
""")


def test_uninstalling_gives_the_installed_one_back() -> None:
    run("""
import scrapbook
import scrapdb.scrapbook.alias
itself = scrapbook.__file__
scrapdb.scrapbook.alias.install()
import scrapbook
assert not hasattr(scrapbook, "__file__")
scrapdb.scrapbook.alias.uninstall()
import scrapbook
assert scrapbook.__file__ == itself
""")


def test_what_is_not_aliased_is_not_there() -> None:
    run("""
import scrapdb.scrapbook.alias
module = scrapdb.scrapbook.alias.install()
assert not hasattr(module, "frobnicate")
try:
    import scrapbook.frobnicate
except ImportError:
    pass
else:
    raise SystemExit(1)
""")
