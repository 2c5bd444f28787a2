"""Copies of pages that were pushed: which go with their report."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.running.batches import copies
from scrapdb.running.kernels import objects
from tests.objects import Bucket


@pytest.fixture
def report(tmp_path: Path) -> Path:
    directory = tmp_path / "report"
    directory.mkdir()
    return directory


def record(report: Path, *urls: str, content: bytes = b"page") -> None:
    pushed: list[dict[str, Any]] = [{"url": url, "sha256": hashlib.sha256(content).hexdigest()} for url in urls]
    (report / "report.json").write_text(json.dumps({"pushed": pushed}), encoding="utf-8")


def test_a_copy_goes_unless_another_page_is_in_its_place(report: Path, tmp_path: Path) -> None:
    mine, newer, other = (tmp_path / name for name in ("mine.html", "newer.html", "notes.txt"))
    for path, content in ((mine, "page"), (newer, "a later report's"), (other, "page")):
        path.write_text(content)
    record(report, str(mine), str(newer), str(other), str(tmp_path / "gone.html"))
    copies.take_back(report)
    assert (mine.exists(), newer.exists(), other.exists()) == (False, True, True)


def test_a_copy_in_s3_goes(report: Path, bucket: Bucket) -> None:
    bucket.put("a.html", b"page")
    bucket.put("b.html", b"another")
    record(report, f"{bucket.url}/a.html", f"{bucket.url}/b.html", f"{bucket.url}/c.pdf")
    copies.take_back(report)
    assert not objects.is_there(f"{bucket.url}/a.html")
    assert objects.got(f"{bucket.url}/b.html") == b"another"


def test_what_cannot_be_looked_at_is_said(report: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    record(report, str(tmp_path / "page.html"))
    with pytest.raises(ScrapdbError, match=r"page\.html cannot be read: Is a directory"):
        copies.take_back(report)


@pytest.mark.parametrize("said", ["", "[]", '{"pushed": 1}', '{"pushed": [{"url": 1}]}', "[" * 100_000])
def test_a_damaged_record_names_nothing(report: Path, said: str) -> None:
    (report / "report.json").write_text(said)
    copies.take_back(report)
