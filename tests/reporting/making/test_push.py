"""Pages where they are pushed to: directories and S3, whole, and in the place of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

import scrapdb
from scrapdb import report
from scrapdb.reporting.making import push
from scrapdb.running.kernels import objects as stored
from tests.reporting.bundling import bundle
from tests.reporting.bundling import made
from tests.reporting.bundling import page
from tests.reporting.bundling import record

if TYPE_CHECKING:
    from tests.objects import Bucket

PATTERN = "pushed/{bundle}/{site}-{lang}.html"


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("s3://bucket/{bundle}/{site}-{lang}.html", "s3://bucket/voltage/north-en"),
        ("s3://bucket/{site}", "s3://bucket/north"),
        ("s3://bucket/reports/", "s3://bucket/reports/an-id"),
        ("out/{id}.pdf", "out/an-id"),
        ("/var/www/{n}.html", "/var/www/1"),
        ("plain.html", "plain"),
        ("memory://x/a..b/{site}.html", "memory://x/a..b/north"),
    ],
)
def test_a_pattern_names_the_place(pattern: str, place: str) -> None:
    fields = {"bundle": "voltage", "site": "north", "lang": "en", "id": "an-id"}
    assert push.targets(pattern, [fields]) == [place]


@pytest.mark.parametrize(
    "pattern", ["s3://{site}/x.html", "s3://{site}", "out/../{site}/../x", "out/{sit}", "out/{site"]
)
def test_a_wrong_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(scrapdb.ScrapdbError):
        push.targets(pattern, [{"site": "north"}])


def test_a_value_leads_nowhere_else() -> None:
    assert push.targets("s3://bucket/{site}.html", [{"site": "../../other/x"}]) == ["s3://bucket/___.._other_x"]


def test_two_reports_are_not_pushed_to_one_place(where: Path) -> None:
    bundle(where / "voltage")
    with pytest.raises(scrapdb.ScrapdbError, match="tell them apart"):
        report.build("voltage", {"site": ["north", "south"]}, push="out/{bundle}.html")


def test_pages_are_pushed_to_a_directory(where: Path) -> None:
    one = made(where, how={"parameters": {"site": "south"}, "push": PATTERN})
    assert one.pushed == ("pushed/voltage/south-en.html",)
    assert (where / "pushed/voltage/south-en.html").read_text() == page(one)
    assert [path.name for path in (where / "pushed/voltage").iterdir()] == ["south-en.html"]
    (said,) = record(one)["pushed"]
    assert (said["url"], said["page"], said["sha256"]) == (
        "pushed/voltage/south-en.html",
        "report.html",
        record(one)["pages"][0]["sha256"],
    )
    (row,) = scrapdb.open(where / "scraps.db").query(None, columns="report.pushed")
    assert "pushed/voltage/south-en.html" in str(row)


def test_another_content_is_not_overwritten_and_the_report_stays(where: Path) -> None:
    target = where / "pushed/voltage/north-en.html"
    target.parent.mkdir(parents=True)
    target.write_text("somebody else's")
    one = made(where, how={"push": PATTERN, "parameters": {"site": "north"}})
    assert (one.state, one.ended_well, one.pushed) == ("completed", False, ())
    assert "--overwrite" in one.push_errors[0]
    assert record(one)["push_errors"] == [*one.push_errors]
    assert target.read_text() == "somebody else's"
    assert report.push(one.id).push_errors
    target.unlink()
    again = report.push(one.id)
    assert (again.push_errors, target.read_text()) == ((), page(one))
    assert record(one)["push_errors"] == []
    assert not report.push(one.id).push_errors  # since it is there with this content
    target.write_text("somebody else's")
    assert not report.push(one.id, overwrite=True).push_errors
    assert target.read_text() == page(one)


def test_a_report_that_failed_is_not_pushed(where: Path) -> None:
    one = made(where, "1 / 0", how={"push": PATTERN, "parameters": {"site": "north"}})
    assert not (where / "pushed").exists()
    with pytest.raises(scrapdb.ScrapdbError, match="no page of it to push"):
        report.push(one.id)


def test_a_report_is_pushed_elsewhere_later(where: Path) -> None:
    one = made(where)
    with pytest.raises(scrapdb.ScrapdbError, match="Say --to"):
        report.push(one.id)
    assert [each.url for each in report.push(one.id, "later/{id}.html").pushed] == [f"later/{one.id}.html"]
    assert (where / "later" / f"{one.id}.html").read_text() == page(one)


def test_a_place_that_cannot_be_written_is_told(where: Path) -> None:
    (where / "file").write_text("")
    one = made(where, how={"push": "file/{id}.html"})
    assert (one.state, one.push_errors) == ("completed", ("file cannot be made: File exists.",))


def test_pages_are_pushed_to_s3(where: Path, bucket: Bucket) -> None:
    one = made(where, how={"push": f"{bucket.url}/{{bundle}}/{{lang}}.html"})
    url = f"{bucket.url}/voltage/en.html"
    assert (one.pushed, one.push_errors) == ((url,), ())
    assert stored.got(url) == page(one).encode()
    client = boto3.client("s3", endpoint_url=bucket.server.url, region_name="us-east-1")
    assert client.head_object(Bucket=bucket.name, Key="voltage/en.html")["ContentType"] == "text/html; charset=utf-8"
    assert not report.push(one.id).push_errors


def test_what_is_in_s3_is_not_overwritten(where: Path, bucket: Bucket) -> None:
    bucket.put("en.html", b"somebody else's")
    one = made(where, how={"push": f"{bucket.url}/{{lang}}.html"})
    assert "there already" in one.push_errors[0]
    assert stored.got(f"{bucket.url}/en.html") == b"somebody else's"
    assert not report.push(one.id, overwrite=True).push_errors
    assert stored.got(f"{bucket.url}/en.html") == page(one).encode()


def test_a_push_that_is_refused_is_repeated(where: Path, bucket: Bucket) -> None:
    bucket.server.refused.add("en.html")
    one = made(where, how={"push": f"{bucket.url}/{{lang}}.html"})
    assert (one.state, one.pushed, len(one.push_errors)) == ("completed", (), 1)
    bucket.server.refused.clear()
    assert not report.push(one.id).push_errors


def test_a_record_that_names_another_file_is_none(where: Path) -> None:
    one = made(where)
    assert one.directory
    told = (one.directory / "report.json").read_text()
    for name in ("../../voltage/config.json", "/etc/passwd", "report.html/../log.txt", "report.html\\nx"):
        (one.directory / "report.json").write_text(told.replace('"name": "report.html"', f'"name": "{name}"'))
        with pytest.raises(scrapdb.ScrapdbError, match="no record of a report"):
            report.push(one.id, "pushed/")
    assert not Path("pushed").exists()
