"""scrapbook 0.5.0's own tests, run against scrapdb: each passes, or stands here with the reason why not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests import corpora

ROOT = Path(__file__).parent.parent.parent

# Test of scrapbook to the reason why it fails with today's libraries, with scrapbook as with scrapdb.
OUTDATED = {
    "test_api::test_glue_display_only[tinypng-obj1-data1-display-metadata1-True]": "IPython adds no newline",
    "test_api::test_glue_display_encoder_fallback[tinypng-obj1-data1-None-metadata1-True]": "the same",
    "test_encoders::test_pandas_encode_and_decode[test_input3]": "pandas 3 reads text as its own type, not as object",
    "test_encoders::test_unsupported_arrow_conversions[test_input0]": "pyarrow writes sets",
}
# Test of scrapbook to the reason why scrapdb does otherwise.
DIFFERENCES = {
    "test_api::test_glue_display_only[tinypng-obj4-data4-display-metadata4-display4]": "to show nothing is an error",
    "test_api::test_glue_display_encoder_fallback[tinypng-obj4-data4-None-metadata4-display4]": "the same",
    "test_notebooks::test_good_ext_for_url": "JSON that names no notebook format is no notebook",
    "test_notebooks::test_reglue_scrap_unattached": "unattached leaves no scrap",
}
# The same, for tests of what `display=True` leaves: scrapbook has only the display of it, scrapdb the value as well.
KEEPS_VALUES = {
    "test_notebooks::test_data_scraps": "there are two values more",
    "test_notebooks::test_scraps_collection_dataframe": "the column data has them",
    "test_notebooks::test_scrap_dataframe": "the same",
    "test_notebooks::test_papermill_dataframe": "they are records",
    "test_notebooks::test_reglue_display": "the value is glued again with its display",
    "test_notebooks::test_reglue_rename": "the same",
    "test_scrapbooks::test_notebook_scraps": "the scraps have their values",
    "test_scrapbooks::test_scraps": "the same",
    "test_scrapbooks::test_papermill_dataframe": "they are records",
}

# What the tests need of 2021: two modules that the standard library and pandas have under other names now.
MENDED = """
import sys
import unittest.mock
import pandas.testing

sys.modules["mock"] = unittest.mock
sys.modules["pandas.util.testing"] = pandas.testing
"""
ALIASED = f"{MENDED}\nimport scrapdb.scrapbook.alias\nscrapdb.scrapbook.alias.install()\n"


def failures(directory: Path, conftest: str, **environment: str) -> set[str]:
    """Run a copy of the tests that imports `scrapbook` by its name, not as the package around them."""
    shutil.copytree(corpora.suite("scrapbook==0.5.0", "scrapbook/tests"), directory / "tests")
    for module in (directory / "tests").glob("*.py"):
        text = module.read_text(encoding="utf-8")
        absolute = re.sub(r"^from \.(?:\.(?=\w)|(?=\. ))", "from scrapbook.", text, flags=re.MULTILINE)
        module.write_text(absolute.replace("from scrapbook.. ", "from scrapbook "), encoding="utf-8")
    (directory / "conftest.py").write_text(conftest)
    (directory / "pytest.ini").write_text("[pytest]\n")
    report = directory / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        f"--junitxml={report}",
        f"--basetemp={directory / 'temporary'}",  # it would close the usual one to the users of other tests
        "tests",
    ]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    ran = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True, check=False)
    assert "135 items" in ran.stdout, ran.stdout + ran.stderr
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - our own report
    return {f"{case.attrib['classname'].removeprefix('tests.')}::{case.attrib['name']}" for case in cases if len(case)}


def test_scrapdb_differs_where_it_says_so(tmp_path: Path) -> None:
    assert failures(tmp_path, ALIASED) == {*OUTDATED, *DIFFERENCES, *KEEPS_VALUES}


def test_the_old_reading_is_scrapbooks(tmp_path: Path) -> None:
    assert failures(tmp_path, ALIASED, SCRAPDB_OLD_READING="1") == {*OUTDATED, *DIFFERENCES}


@pytest.mark.parametrize("test", OUTDATED)
def test_what_is_outdated_fails_with_scrapbook_too(test: str, of_scrapbook_itself: set[str]) -> None:
    assert test in of_scrapbook_itself


@pytest.fixture(scope="module")
def of_scrapbook_itself(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return failures(tmp_path_factory.mktemp("scrapbook"), MENDED)
