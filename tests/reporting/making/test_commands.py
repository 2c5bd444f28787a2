"""`scrapdb report build`, `render` and `push` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scrapdb.cli.app import main
from tests.reporting.bundling import bundle


def scrapdb(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scrapdb", "report", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_report_is_built_rendered_and_pushed(where: Path) -> None:
    bundle(where / "voltage")
    name = ("--name", "{site}-{lang}")
    ran = scrapdb("build", "voltage", "-p", "site=north,south", "--lang", "en,ca", *name, "--json")
    assert ran.returncode == 0
    rows = json.loads(ran.stdout)
    assert [row["id"] for row in rows] == ["north-en", "north-ca", "south-en", "south-ca"]
    assert {row["state"] for row in rows} == {"completed"}
    assert rows[0]["path"] == "reports/north-en/report.html"
    assert "north-en  completed" in ran.stderr
    assert "4 reports: 4 completed in" in ran.stderr
    again = scrapdb("build", "voltage", "-p", "site=north", "--lang", "en,ca", *name, "--resume")
    assert (again.returncode, again.stdout) == (0, "")
    assert "2 reports: 2 passed over" in again.stderr
    ran = scrapdb("render", "north-en", "--lang", "ca")
    assert (ran.returncode, ran.stderr) == (0, "north-en: report.html in ca\n")
    ran = scrapdb("push", "north-en", "reports/south-en", "--to", "out/{site}.html")
    assert ran.returncode == 0
    assert ran.stderr.splitlines() == [
        "north-en: report.html → out/north.html",
        "south-en: report.html → out/south.html",
    ]
    (where / "out/north.html").write_text("another")
    ran = scrapdb("push", "north-en")
    assert ran.returncode == 1
    assert "--overwrite" in ran.stderr


def test_what_went_wrong_is_an_exit_code_and_a_sentence(
    where: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle(where / "voltage", "1 / 0")
    ran = scrapdb("build", "voltage", "--name", "one")
    assert ran.returncode == 1
    assert "one: error, ZeroDivisionError: division by zero" in ran.stderr
    assert "reports/one/report.html" in ran.stderr
    for words, code, told in [
        (("build",), 2, "Name a BUNDLE"),
        (("build", "voltage", "-f", "reports.yaml"), 2, "Name a BUNDLE"),
        (("build", "-f", "reports.yaml"), 2, "reports.yaml cannot be read"),
        (("build", "gone"), 1, "There is no bundle at gone"),
        (("build", "voltage", "-p", "sit=x"), 2, "takes no parameter sit"),
        (("build", "voltage", "-p", "site"), 2, "NAME=VALUE"),
        (("build", "voltage", "--timeout", "soon"), 2, "no duration"),
        (("build", "voltage", "--wall", "limits", "--no-wall"), 2, "Name one"),
        (("render", "gone"), 2, "no report gone"),
        (("render", "one"), 1, "left nothing to render"),
        (("push", "one"), 1, "no page of it to push"),
    ]:
        monkeypatch.setattr(sys, "argv", ["scrapdb", "report", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == code
        assert told in capsys.readouterr().err


def test_a_dry_run_starts_and_writes_nothing(where: Path) -> None:
    bundle(where / "voltage")
    ran = scrapdb("build", "voltage", "-p", "site=north", "--name", "{site}", "--dry-run", "--json")
    (row,) = json.loads(ran.stdout)
    assert row == {
        "report": "north",
        "bundle": "voltage",
        "language": "en",
        "parameters": {"site": "north"},
        "begins": True,
        "why": "new",
    }
    assert sorted(path.name for path in where.iterdir()) == ["voltage"]


def test_a_list_of_reports_is_made_and_resumed(where: Path) -> None:
    bundle(where / "voltage")
    (where / "reports.yaml").write_text(
        'name: "{bundle}/{site}"\n'
        "reports:\n"
        "- bundle: voltage\n  parameters: {site: [north, south]}\n"
        "- bundle: gone\n"
        "- bundle: voltage\n  rows: [{site: east}]\n  push: 'pushed/{site}'\n"
    )
    ran = scrapdb("build", "-f", "reports.yaml")
    assert ran.returncode == 1
    assert "4 reports: 3 completed, 1 error" in ran.stderr
    assert "gone: error, There is no bundle at" in ran.stderr
    assert (where / "pushed/east.html").exists()
    again = scrapdb("build", "-f", "reports.yaml", "--resume")
    assert "4 reports: 1 error, 3 passed over" in again.stderr


@pytest.mark.parametrize("missing", ["babel", "jinja2", "jsonschema"])
@pytest.mark.parametrize("command", ["check voltage", "translate extract voltage"])
def test_what_is_not_installed_is_told(where: Path, missing: str, command: str) -> None:
    bundle(where / "voltage", files={"messages.html": "{{ _('x') }}"})
    told = f"Error: Reports need {missing}, which is not installed: pip install 'scrapdb[report]'\n"
    assert _without(missing, command) == (1, told)


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("starlette", "serve voltage --port 0"),
        ("itsdangerous", "serve voltage --port 0"),
        ("uvicorn", "serve voltage --port 0 --no-work"),
        ("cronsim", "schedule add voltage daily --cron @daily"),
    ],
)
def test_what_a_service_lacks_is_told(where: Path, missing: str, command: str) -> None:
    bundle(where / "voltage")
    code, told = _without(missing, command)
    sentence = f"Error: A service of reports needs {missing}, which is not installed: pip install 'scrapdb[service]'"
    assert (code, told.splitlines()[-1]) == (1, sentence)
    assert "Traceback" not in told


def _without(missing: str, command: str) -> tuple[int, str]:
    """Run a command where a package is not installed; return its exit code, and what it told."""
    program = (
        "import sys; from importlib.machinery import PathFinder as P; find = P.find_spec\n"
        f"P.find_spec = lambda name, *rest: None if name.partition('.')[0] == {missing!r} else find(name, *rest)\n"
        f"sys.argv[1:] = {['report', *command.split()]!r}\n"
        "from scrapdb.cli.app import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stderr


def test_a_sentence_makes_its_report(where: Path) -> None:
    said = {"title": "Voltage", "languages": ["en", "ca"], "parameters": {"site": {"default": "south"}}}
    bundle(where / "voltage", config={**said, "asks": {"ca": ["tensió de (site)"]}})
    ran = scrapdb("ask", "Tensió de nord.", "-o", "made")
    assert ran.returncode == 0
    assert "voltage in ca with site 'nord'." in ran.stderr
    record = json.loads(Path(ran.stdout.strip()).with_name("report.json").read_text())
    assert (record["state"], record["language"], record["parameters"]) == ("completed", "ca", {"site": "nord"})
    ran = scrapdb("ask", "tension of nord")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith("What can be said:\n  tensió de (site)\n")
