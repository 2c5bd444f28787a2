"""Many reports: as many as were asked for, none mixed up, and what becomes of the others when one goes wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scrapdb
from scrapdb import report
from scrapdb.reporting.making import batch
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.settings import Settings
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from tests.reporting.bundling import OUTPUT
from tests.reporting.bundling import bundle
from tests.reporting.bundling import made
from tests.reporting.bundling import page
from tests.reporting.bundling import record

SLOW = "import time\nprint('waits', flush=True)\ntime.sleep(60 if site == 'slow' else 0)"
BUILD = """
import sys
from pathlib import Path
from scrapdb.reporting.making import batch
from scrapdb.running.events import Stop

if __name__ == "__main__":
    stop = Stop()
    entry = batch.Entry(bundle="voltage", rows=({"site": "slow"}, {"site": "after"}), name="{site}")
    print(batch.build([entry], batch.Host(Path("reports"), Path("scraps.db"), batch.Settings(jobs=1)), stop=stop))
"""


def wait_for(is_so: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)
    assert is_so()


def test_every_row_in_every_language_is_a_report_of_its_own(where: Path) -> None:
    bundle(where / "voltage")
    reports = report.build("voltage", {"site": ["north", "south"]}, languages=["en", "ca"])
    assert str(reports).startswith("4 reports: 4 completed in")
    assert len({one.id for one in reports}) == 4
    for one in reports:
        assert re.fullmatch(r"voltage-(en|ca)-[0-9a-f]{8}", one.id)
        said = json.loads((where / "reports" / one.id / "output.json").read_text())
        assert said == {"site": one.parameters["site"], "language": one.language}
    assert [(one.parameters["site"], one.language) for one in reports] == [
        ("north", "en"),
        ("north", "ca"),
        ("south", "en"),
        ("south", "ca"),
    ]


def test_the_same_again_takes_its_place_and_resume_passes_over_it(where: Path) -> None:
    bundle(where / "voltage")
    first = report.build("voltage", {"site": ["north", "south"]})
    assert [one.id for one in report.build("voltage", {"site": "north"})] == [first[0].id]
    assert report.build("voltage", {"site": ["north", "south"]}, resume=True).passed == 2
    again = report.build("voltage", {"site": ["north", "east"]}, resume=True)
    assert ([one.parameters["site"] for one in again], again.passed) == (["east"], 1)
    (where / "reports" / first[1].id / "report.html").unlink()
    assert [one.id for one in report.build("voltage", {"site": "south"}, resume=True)] == [first[1].id]


def test_what_is_asked_for_twice_is_made_once(where: Path) -> None:
    bundle(where / "voltage", parameters="length = 100\nsite = language = 'x'")
    reports = report.build("voltage", [{"length": 5}, {"length": 5.0}, {"length": 6}], name="{length:04d}")
    assert [one.id for one in reports] == ["0005", "0006"]


def test_a_language_that_the_bundle_has_not_is_a_warning(where: Path) -> None:
    bundle(where / "voltage")
    other, near = report.build("voltage", languages=["de", "ca_ES"])
    assert (other.state, near.state) == ("completed", "completed")
    assert "`scrapdb report translate update voltage --lang de`" in other.warnings[0]
    assert near.warnings == ()


def test_resume_makes_again_what_has_changed_or_failed(where: Path) -> None:
    bundle(where / "voltage")
    options: dict[str, Any] = {"name": "{site}", "resume": True}
    report.build("voltage", {"site": ["north"]}, **options)
    assert len(report.build("voltage", {"site": ["north"]}, languages="ca", **options)) == 1
    assert len(report.build("voltage", {"site": ["north"]}, languages="ca", pdf=True, **options)) == 1
    bundle(where / "voltage", template="{{ site")
    assert [one.state for one in report.build("voltage", {"site": ["north"]}, **options)] == ["error"]
    assert [one.state for one in report.build("voltage", {"site": ["north"]}, **options)] == ["error"]
    (where / "reports/north/report.json").write_text("{")
    bundle(where / "voltage")
    assert [one.state for one in report.build("voltage", {"site": ["north"]}, **options)] == ["completed"]


def test_what_was_asked_for_is_made_of_the_bundle_as_it_was_then(where: Path) -> None:
    bundle(where / "voltage", template="before {{ site }}")

    class Changing(Audience):
        def began(self, tasks: Any, expected_seconds: float | None, jobs: int) -> None:
            del tasks, expected_seconds, jobs
            bundle(where / "voltage", "1 / 0", template="after")

    reports = report.build("voltage", {"site": ["north", "south"]}, audience=Changing())
    assert [page(one).rpartition("before ")[2] for one in reports] == ["north", "south"]
    assert reports.warnings == (
        "voltage was changed meanwhile; all reports are made of it as it was at the beginning.",
    )
    (where / "reports" / reports[0].id / "report.html").unlink()
    report.render(reports[0].id)
    assert page(reports[0]).endswith("before north")


@pytest.mark.parametrize("language", ["language", "lang", "#ENVIRONMENT", "open"])
def test_a_notebook_that_takes_the_language_gets_it(where: Path, language: str) -> None:
    output = "import json\njson.dump({'site': said}, open('output.json', 'w'))"
    cells = {
        "language": ("site = said = 1\nlanguage = 'en'", ("said = language", output)),
        "lang": ("lang = 'en'", ("said = lang", output)),
        "#ENVIRONMENT": ("x = 1", ("# Environment\nsaid = '$LANGUAGE'", output)),
        "open": ("x = 1", ("said = 'nobody asked'", output)),
    }
    parameters, rest = cells[language]
    one = made(where, *rest, parameters=parameters, how={"languages": "ca"}, template="{{ site }}")
    assert page(one).endswith("nobody asked" if language == "open" else "ca")


def test_a_name_is_a_pattern_and_two_reports_have_two(where: Path) -> None:
    bundle(where / "voltage")
    reports = report.build("voltage", {"site": ["north", "../south"]}, languages="en", name="{lang}/{site}")
    assert [one.id for one in reports] == ["en/north", "en/___south"]
    assert all((where / "reports" / one.id / "report.json").is_file() for one in reports)
    assert report.render("en/north").state == "completed"
    with pytest.raises(scrapdb.ScrapdbError, match="--name"):
        report.build("voltage", {"site": ["north", "south"]}, name="one")


def test_nothing_but_a_report_is_written_over(where: Path) -> None:
    bundle(where / "voltage", files={"static/a.txt": "a"})
    (where / "mine").mkdir()
    (where / "mine/report.html").write_text("mine")
    (where / "file").write_text("mine")
    (where / "reports").mkdir()
    (where / "reports/link").symlink_to(where / "mine")
    before = {path: path.read_bytes() for path in where.rglob("*") if path.is_file()}
    for name in ("voltage", "mine", "file"):
        with pytest.raises(scrapdb.ScrapdbError, match="is no report"):
            report.build("voltage", output=".", name=name)
    with pytest.raises(scrapdb.ScrapdbError, match="a link leads out"):
        report.build("voltage", name="link")
    assert {path: path.read_bytes() for path in where.rglob("*") if path.is_file()} == before


def test_what_is_beside_the_notebook_is_not_written_to(where: Path) -> None:
    (where / "data").mkdir()
    one = made(where, files={"data/x.csv": "of the bundle"}, how={"beside": [str(where / "data")]})
    assert "called data (--with)" in str(one.reason)
    assert not [*(where / "data").iterdir()]


def test_what_is_wrong_is_told_before_anything_begins(where: Path) -> None:
    config = {"title": "Voltage", "parameters": {"site": {"type": "choice", "choices": ["north"]}}}
    bundle(where / "voltage", config=config)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"parameters": {"site": "east"}}, "'north'"),
        ({"parameters": {"site": "north", "sit": 1}}, "takes no parameter sit"),
        ({"name": "{sit}"}, "{sit}"),
        ({"memory": "x"}, "no size"),
        ({"languages": "../x"}, "no language"),
        ({"output": "s3://bucket/reports"}, "--push"),
        ({"push": "s3://{bundle}/x"}, "names no bucket"),
    ]
    for options, told in wrong:
        with pytest.raises(scrapdb.ScrapdbError, match=re.escape(told)):
            report.build("voltage", **{"parameters": {"site": "north"}, **options})
    with pytest.raises(scrapdb.ScrapdbError, match="report new"):
        report.build("gone")
    assert not (where / "reports").exists()


def test_one_bad_entry_does_not_stop_the_others(where: Path) -> None:
    bundle(where / "voltage")
    bundle(where / "other", config={"title": "Other", "network": True})
    bundle(where / "broken", "1 / 0")
    entries = [
        batch.Entry(bundle="gone"),
        batch.Entry(bundle="voltage", rows=({"site": "north"}, {"site": "south"})),
        batch.Entry(bundle="voltage", rows=({"sit": "north"},)),
        batch.Entry(bundle="other"),
        batch.Entry(bundle="broken"),
        batch.Entry(bundle="broken", name="{bundle}", rows=({"site": "x"},)),
        batch.Entry(bundle="voltage", name="broken", rows=({"site": "x"},)),
    ]
    reports = batch.build(entries, batch.Host(where / "reports", where / "scraps.db"))
    assert [one.state for one in reports] == [
        "error",
        "completed",
        "completed",
        "error",
        "error",
        "error",
        "error",
        "error",
    ]
    reasons = [str(one.reason) for one in reports]
    assert "report new" in reasons[0]
    assert "--network" in reasons[4]
    assert "ZeroDivisionError" in reasons[5]
    assert "Two reports would be broken" in reasons[7]
    assert [one.id for one in reports.failed] == ["", "", "", reports[5].id, "broken", ""]


def test_fifty_reports_at_once_are_not_mixed_up(where: Path) -> None:
    cell = """
    import json
    import pandas as pd
    import scrapbook as sb
    sb.glue("means", pd.DataFrame({"hour": [0, 1, 2], "volts": [number, number + 0.25, number]}), "pandas")
    json.dump({"number": number}, open("output.json", "w"))
    """
    template = "<p>number {{ number }}</p>{{ means | chart(x='hour', y='volts', alt='volts of ' ~ number) }}"
    bundle(where / "voltage", cell, template=template, parameters="number = 0")
    reports = report.build("voltage", {"number": range(1000, 1050)})
    assert [one.state for one in reports] == ["completed"] * 50
    assert len({one.id for one in reports}) == 50
    for number, one in enumerate(reports, 1000):
        shown = page(one)
        assert f"<p>number {number}</p>" in shown
        assert f"volts of {number}" in shown
        assert set(re.findall(r">(1,0\d\d)\.\d+<", shown)) == {f"{number:,}"}  # along the axis of its own chart
    assert len(list(scrapdb.open(where / "scraps.db").query("report.state = 'completed'"))) == 50


def _begun(where: Path) -> subprocess.Popen[str]:
    """Start building, and wait until the first run waits."""
    bundle(where / "voltage", SLOW, OUTPUT)
    (where / "build.py").write_text(BUILD)
    process = subprocess.Popen([sys.executable, "build.py"], cwd=where, text=True, stdout=subprocess.PIPE)
    log = where / "reports/slow/log.txt"
    wait_for(lambda: log.exists() and "waits" in log.read_text())
    return process


def test_an_interrupt_cancels_what_runs_and_what_waits(where: Path) -> None:
    process = _begun(where)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert "2 cancelled" in printed
    said = json.loads((where / "reports/slow/report.json").read_text())
    assert said["state"] == "cancelled"
    assert "cancelled" in (where / "reports/slow/report.html").read_text()
    assert not (where / "reports/after").exists()


def test_a_killed_scrapdb_leaves_a_lost_report_that_resume_makes_again(where: Path) -> None:
    process = _begun(where)
    process.kill()
    process.communicate(timeout=60)
    lost = where / "reports/slow"
    assert not (lost / "report.json").exists()
    bundle(where / "voltage", SLOW.replace("60", "0"), OUTPUT)
    other = report.build("voltage", {"site": "other"}, name="{site}")
    assert other[0].state == "completed"
    rows = scrapdb.open(where / "scraps.db").query('report.id = "slow"', columns="nb.status")
    assert [list(row.values())[-1] for row in rows] == ["lost"]
    entry = batch.Entry(bundle="voltage", rows=({"site": "slow"}, {"site": "after"}), name="{site}")
    again = batch.build([entry], batch.Host(where / "reports", where / "scraps.db", resume=True))
    assert [one.state for one in again] == ["completed", "completed"]


def test_a_batch_that_is_stopped_begins_no_further_bundle(where: Path) -> None:
    bundle(where / "voltage", SLOW, OUTPUT)
    bundle(where / "other")
    stop = Stop()

    class Stopping(Audience):
        def heard(self, event: Event) -> None:
            if "waits" in event.text:
                stop.interrupt()

    entries = [batch.Entry(bundle="voltage", rows=({"site": "slow"},)), batch.Entry(bundle="other")]
    reports = batch.build(entries, batch.Host(where / "reports", where / "scraps.db"), Stopping(), stop)
    assert [one.state for one in reports] == ["cancelled", "cancelled"]
    assert record(reports[0])["state"] == "cancelled"
    assert reports[1].directory is None


def test_a_zip_and_a_url_are_bundles_too(where: Path) -> None:
    bundle(where / "voltage")
    shutil.make_archive(str(where / "packed"), "zip", where / "voltage")
    (one,) = report.build("packed.zip", {"site": "south"})
    assert (one.state, one.warnings) == ("completed", ())
    assert one.id.startswith("packed-en-")
    (other,) = report.build(f"file://{where}/packed.zip", {"site": "south"})
    assert other.state == "completed"


def test_what_requirements_ask_for_is_not_installed_when_a_report_is_asked_for(
    where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(where / "cache"))
    bundle(where / "voltage", files={"requirements.txt": "a-package-that-nobody-has"})
    with pytest.raises(scrapdb.ScrapdbError, match="scrapdb report build-env voltage"):
        report.build("voltage")


def test_a_python_of_its_own_runs_the_notebook(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scrapdb.reporting.bundles import environments

    python = where / "environment/bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where / "environment")], check=True)
    site = next((where / "environment/lib").glob("python3*/site-packages"))
    (site / "ours.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    (site / "only_here.py").write_text("WORD = 'only here'")
    monkeypatch.setattr(environments, "python", lambda _: str(python))
    cell = (
        "import json, sys, only_here\njson.dump({'site': only_here.WORD, 'by': sys.prefix}, open('output.json', 'w'))"
    )
    one = made(
        where,
        cell,
        template="{{ site }} {{ by }}",
        how={"read": [path for path in sys.path if path.endswith("site-packages")]},
    )
    assert one.reason is None
    assert page(one).endswith(f"only here {where}/environment")


def test_settings_are_those_of_run(where: Path) -> None:
    with pytest.raises(TypeError, match="retires"):
        made(where, how={"retires": 3})
    assert Settings(retries=1).retries == 1
    one = made(where, "import os\nos._exit(3)", how={"retries": 1, "retry_on": "failed"})
    assert record(one)["attempt"] == 2
    assert os.environ.get("SCRAPDB_DB") is None
