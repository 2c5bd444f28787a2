"""The files of a report are opened by fixed names, and nothing leads to others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.reporting import directory
from tests.reporting.made import TRACE
from tests.reporting.made import report


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return report(tmp_path / "reports" / "a", trace=TRACE)


def test_what_is_there_is_told_and_read(made: Path) -> None:
    sizes = {name: len((made / name).read_bytes()) for name in ("report.html", "output.json", "log.txt", "report.json")}
    assert directory.there(made) == sizes
    assert directory.content(made, "output.json", 100) == (made / "output.json").read_bytes()
    with pytest.raises(ScrapdbError, match=r"output\.json of this report has more than 3 bytes"):
        directory.content(made, "output.json", 3)


@pytest.mark.parametrize("name", ["report.ipynb", "../a/log.txt", "static/x", "/etc/passwd", "", "."])
def test_no_other_name_is_opened(made: Path, name: str) -> None:
    with pytest.raises(ScrapdbError, match="There is no"):
        directory.opened(made, name)


def test_links_pipes_and_directories_are_no_files(made: Path, tmp_path: Path) -> None:
    for name, make in (
        ("report.html", lambda path: path.symlink_to("/etc/passwd")),
        ("report.pdf", lambda path: path.symlink_to(made / "output.json")),
        ("log.txt", os.mkfifo),
        ("output.json", Path.mkdir),
    ):
        (made / name).unlink(missing_ok=True)
        make(made / name)
        with pytest.raises(ScrapdbError):
            directory.opened(made, name)
    assert list(directory.there(made)) == ["report.json"]
    moved = made.rename(tmp_path / "moved")
    made.symlink_to(moved)
    assert directory.there(made) == {}
    with pytest.raises(ScrapdbError, match=r"There is no report\.json"):
        directory.opened(made, "report.json")


def test_the_directory_is_that_of_the_notebook(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    assert directory.of_notebook("reports/a/report.ipynb", None, store) == tmp_path / "reports" / "a"
    assert directory.of_notebook("x", b"reports/\xff/report.ipynb", store) == tmp_path / "reports" / "\udcff"
    assert directory.of_notebook("reports/a/other.ipynb", None, store) is None
    assert directory.of_notebook("s3://bucket/a/report.ipynb", None, store) is None
    with pytest.raises(ScrapdbError, match="lies at a URL, or elsewhere"):
        directory.opened(None, "log.txt")


def test_a_trace_is_that_of_the_record_and_else_that_of_the_run(made: Path) -> None:
    error = {"error_name": "KeyError", "error_value": "'x'", "error_cell": 3, "error_traceback": "..."}
    found = directory.trace(made, error, "glue()")
    assert found == directory.Trace(**TRACE)  # type: ignore[arg-type]
    assert found.heading == "UndefinedError: 'share' is undefined (template.html, line 7)"
    for damaged in ("{", "[]", '{"trace": 7}', '{"trace": {"cell": "x"}}', '"\\ud800"', "[" * 10_000):
        (made / "report.json").write_text(damaged)
        of_run = directory.trace(made, error, "glue()")
        assert of_run == directory.Trace(name="KeyError", value="'x'", cell=3, source="glue()", traceback="...")
        assert of_run.heading == "KeyError: 'x' (cell 3)"
        assert directory.trace(made, {}, None) is None
    (made / "report.json").write_text(json.dumps({"trace": TRACE | {"more": 1}}))
    assert directory.trace(made, {}, None) == directory.Trace(**TRACE)  # type: ignore[arg-type]
