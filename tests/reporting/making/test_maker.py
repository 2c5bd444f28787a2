"""One report: what is in its directory, however it ends. With real kernels and templates."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

import scrapdb
from scrapdb import report
from scrapdb.reporting.making import batch
from scrapdb.reporting.making import maker
from scrapdb.reporting.making import output
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.given import Rendered
from scrapdb.running.events import Stop
from tests.notebook_builder import PNG
from tests.reporting.bundling import OUTPUT
from tests.reporting.bundling import TEMPLATE
from tests.reporting.bundling import bundle
from tests.reporting.bundling import made
from tests.reporting.bundling import page
from tests.reporting.bundling import record


def test_a_report_has_all_in_one_directory(where: Path) -> None:
    one = made(where, "print('hello')", OUTPUT, how={"parameters": {"site": "south"}, "languages": "ca"})
    assert one.state == "completed"
    assert one.directory == where / "reports" / one.id
    assert {path.name for path in one.directory.iterdir()} == {
        "report.ipynb",
        "report.html",
        "report.json",
        "output.json",
        "log.txt",
    }
    assert json.loads((one.directory / "output.json").read_text()) == {"site": "south", "language": "ca"}
    assert "south" in page(one)
    assert '<html lang="ca"' in page(one)


def test_the_record_tells_what_became_of_it(where: Path) -> None:
    one = made(where, how={"parameters": {"site": "south"}})
    said = record(one)
    assert said["state"] == said["run_state"] == "completed"
    assert said["parameters"] == {"site": "south"}
    assert (said["id"], said["title"], said["language"]) == (one.id, "Voltage", "en")
    assert (said["bundle"]["name"], said["bundle"]["version"]) == ("voltage", "1")
    assert said["started_at"] < said["ended_at"] < said["made_at"]
    assert said["limits"]["timeout"] == 120
    assert said["limits"]["memory"] == 2**31
    assert said["peak_memory"] > 2**20
    (listed,) = said["pages"]
    content = page(one).encode()
    assert listed == {"name": "report.html", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_other_files_are_kept_as_those_of_any_run(where: Path) -> None:
    one = made(where, "open('means.csv', 'w').write('1')", OUTPUT, how={"keep_files": "*.csv"})
    assert one.directory
    assert (one.directory / "report.files/means.csv").read_text() == "1"
    (notebook,) = [json.loads((one.directory / "report.ipynb").read_text())]
    assert [each["path"] for each in notebook["metadata"]["scrapdb"]["run"]["files"]] == ["means.csv"]


def test_it_is_in_the_store_as_any_notebook(where: Path) -> None:
    one = made(where, "import scrapbook as sb\nsb.glue('mean', 230.5)\nsb.glue('site', site)")
    (row,) = scrapdb.open(where / "scraps.db").query("mean > 230", columns="mean, nb.status, report.state, report.id")
    assert list(row.values())[-4:] == [230.5, "completed", "completed", one.id]


def test_the_log_has_every_cell_with_its_index_and_time_and_what_it_printed(where: Path) -> None:
    one = made(where, "print('first')", "print('one')\nprint('two', end='')", OUTPUT)
    assert one.directory
    lines = (one.directory / "log.txt").read_text().splitlines()
    assert [line.split("Z ", 1)[-1] for line in lines] == [
        f"{one.id}: voltage 1 in en with no parameters",
        "The run begins: 5 cells",
        "Cell 0 (1 of 5)",
        "Cell 1 (2 of 5)",
        "Cell 2 (3 of 5)",
        "  first",
        "Cell 3 (4 of 5)",
        "  one",
        "  two",
        "Cell 4 (5 of 5)",
        "The run is completed",
        f"report.html: {len(page(one).encode()):,} bytes",
        "The report is completed",
    ]


def test_what_a_cell_prints_is_capped_in_the_log_and_moves_no_cursor(where: Path) -> None:
    one = made(where, "print('x' * 10**6)", "print('\\x1b[2Jhere')", OUTPUT)
    assert one.directory
    log = (one.directory / "log.txt").read_text()
    assert len(log) < 2**17
    assert "left out" in log
    assert "\\x1b[2Jhere" in log


def test_scraps_are_what_the_template_is_given(where: Path) -> None:
    cell = """
    import pandas as pd
    import scrapbook as sb
    from IPython.display import Image
    from base64 import b64decode

    frame = pd.DataFrame({"L1": [230.5, None], "ok": [True, False]}, index=pd.to_datetime(["2026-02-01", "2026-02-02"]))
    sb.glue("means", frame, "pandas")
    sb.glue("share", 0.95)
    sb.glue("chart", Image(data=b64decode("%s"), format="png"), "display")
    """
    template = '{{ share }}|{{ means | table(caption="Means") }}|{{ chart | image(alt="A chart") }}'
    one = made(where, cell % PNG, template=template)
    assert one.reason is None
    share, table, image = page(one).split("|")
    assert share.endswith("0.95")
    assert "<caption>Means" in table
    assert "230.5" in table
    assert f'src="data:image/png;base64,{PNG}"' in image


def test_output_json_comes_before_a_scrap_of_the_same_name(where: Path) -> None:
    glued = "import scrapbook as sb\nsb.glue('site', 'glued')\nsb.glue('mean', 1)"
    one = made(where, glued, OUTPUT, template="{{ site }} {{ mean }}")
    assert page(one).endswith("north 1")


def test_files_of_the_bundle_are_beside_the_notebook_and_its_own_copies(where: Path) -> None:
    cells = (
        "import helper\nfrom pathlib import Path",
        "said = Path('data/means.csv').read_text() + Path('static/a.txt').read_text() + helper.WORD",
        "Path('static/mine.txt').write_text('mine'); Path('static/a.txt').write_text('changed')",
        "import json\njson.dump({'said': said}, open('output.json', 'w'))",
    )
    files = {
        "data/means.csv": "means ",
        "helper.py": "WORD = ' helped'",
        "static/a.txt": "a",
        "static/b.txt": "b",
        "output.json": '{"said": "of the author"}',
    }
    template = "{{ said }}|{{ static_text('mine.txt') }}|{{ static_text('a.txt') }}|{{ static_text('b.txt') }}"
    one = made(where, *cells, files=files, template=template)
    assert one.reason is None
    assert page(one).endswith("means a helped|mine|changed|b")
    assert one.directory
    assert {path.name for path in (one.directory / "static").iterdir()} == {"mine.txt", "a.txt"}
    assert (where / "voltage/static/a.txt").read_text() == "a"


def test_an_output_json_of_the_author_is_not_taken_for_that_of_the_run(where: Path) -> None:
    one = made(where, "1", files={"output.json": '{"site": "of the author"}'}, template="[{{ site | default('') }}]")
    assert page(one).endswith("[]")
    assert "wrote no output.json" in one.warnings[0]


def test_the_environment_is_not_handed_on(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PASSWORD", "sesame-open")
    cell = "import json, os\njson.dump({'env': dict(os.environ)}, open('output.json', 'w'))"
    one = made(where, cell, template="{% for name in env %}{{ name }} {{ env[name] }}\n{% endfor %}")
    assert one.state == "completed"
    assert "PATH" in page(one)
    assert "MY_PASSWORD" not in page(one)
    assert not [path for path in where.rglob("*") if path.is_file() and b"sesame-open" in path.read_bytes()]


@pytest.mark.parametrize(
    ("cell", "how", "state", "reason"),
    [
        ("{}['volts']", {}, "error", "KeyError"),
        ("while True: pass", {"timeout": 1}, "timed out", "1 s"),
        ("held = bytearray(10**9)", {"memory": "300MB"}, "killed", "memory"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", {}, "killed", "SIGKILL"),
        ("import os\nos._exit(7)", {}, "error", "7"),
    ],
    ids=["exception", "endless", "memory", "killed", "exit"],
)
def test_a_run_that_fails_says_so_in_its_record_and_its_page(
    where: Path, cell: str, how: dict[str, object], state: str, reason: str
) -> None:
    one = made(where, "print('before')", f"# the failing <one>\n{cell}", OUTPUT, how=how)
    said = record(one)
    assert one.state == said["state"] == state
    assert reason in said["reason"]
    assert said["trace"]["cell"] == 3  # one before it sets the language
    assert "before" in said["trace"]["log"]
    assert state in page(one)
    assert reason in page(one)
    assert "# the failing &lt;one&gt;" in page(one)
    assert one.directory
    assert not (one.directory / "output.json").exists()


def test_the_trace_of_an_exception_is_readable(where: Path) -> None:
    trace = record(made(where, "volts = {}\nvolts['L1']"))["trace"]
    assert (trace["name"], trace["value"], trace["cell"]) == ("KeyError", "'L1'", 2)
    assert trace["source"] == "volts = {}\nvolts['L1']"
    assert "----> 2 volts['L1']" in trace["traceback"]
    assert "\x1b" not in trace["traceback"]


def test_a_page_of_an_earlier_report_is_not_taken_for_the_next(where: Path) -> None:
    good = made(where, how={"name": "one", "pdf": True})
    assert good.state == "completed"
    bad = made(where, "1 / 0", how={"name": "one", "pdf": True})
    assert bad.directory == good.directory
    assert "ZeroDivisionError" in page(bad)
    assert not (where / "reports/one/report.pdf").exists()
    assert not (where / "reports/one/output.json").exists()


def test_a_notebook_that_skips_itself_ends_well_with_a_page_that_says_why(where: Path) -> None:
    one = made(where, "import scrapdb\nscrapdb.skip('no data yet')", OUTPUT)
    assert (one.state, one.ended_well) == ("skipped", True)
    assert "no data yet" in page(one)


def test_an_error_of_the_template_names_its_line(where: Path) -> None:
    one = made(where, template="<h1>\n{{ sit }}</h1>")
    said = record(one)
    assert (one.state, said["run_state"]) == ("error", "completed")
    assert "template.html, line 2" in said["reason"]
    assert (said["trace"]["file"], said["trace"]["line"]) == ("template.html", 2)
    assert "template.html, line 2" in page(one)
    assert one.directory
    assert "The report is error: template.html, line 2" in (one.directory / "log.txt").read_text()
    (row,) = scrapdb.open(where / "scraps.db").query(None, columns="nb.status, report.state")
    assert list(row.values())[-2:] == ["completed", "error"]


def test_a_missing_translation_is_a_warning(where: Path) -> None:
    po = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Other"\nmsgstr "Altre"\n'
    one = made(where, files={"languages/ca/LC_MESSAGES/messages.po": po}, how={"languages": "ca"})
    assert one.state == "completed"
    assert any("Voltage" in warning for warning in one.warnings)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("open('output.json', 'w').write('{')", "no JSON"),
        ("open('output.json', 'w').write('[1]')", "an object"),
        ("open('output.json', 'w').write('{\"a\": 1, \"a\": 2}')", "'a' twice"),
        ("open('output.json', 'w').write('{\"a\": ' + '[' * 10**5 + ']' * 10**5 + '}')", "too deeply"),
        ("open('output.json', 'w').write('{\"a\": \"\\\\ud800\"}')", "half a character"),
        ("open('output.json', 'wb').write(b'{\"a\": \"\\xff\"}')", "not UTF-8"),
        ("open('output.json', 'w').write('{\"a\": \"' + 'x' * 17 * 2**20 + '\"}')", "16"),
        ("import os\nos.mkdir('output.json')\nopen('output.json/x', 'w').write('x')", "a directory"),
        ("import os\nos.symlink('/etc/passwd', 'output.json')", "a link"),
    ],
    ids=["broken", "list", "twice", "deep", "surrogate", "latin", "large", "directory", "link"],
)
def test_an_output_json_that_cannot_be_used_is_an_error(where: Path, cell: str, reason: str) -> None:
    one = made(where, cell)
    assert one.state == "error"
    assert reason in record(one)["reason"]
    assert "output.json" in page(one)
    assert "root:" not in page(one)


def test_nan_is_null_and_it_is_said(where: Path) -> None:
    cell = "import json\njson.dump({'a': float('nan'), 'b': [float('inf'), 1.5]}, open('output.json', 'w'))"
    one = made(where, cell, template="{{ a is none }} {{ b[0] is none }} {{ b[1] }}")
    assert page(one).endswith("True True 1.5")
    assert one.warnings == ("output.json has NaN, Infinity in 2 places; they are null.",)


def test_a_frame_that_says_it_is_huge_takes_little(where: Path) -> None:
    cell = """
    import base64, io
    import pyarrow as pa, pyarrow.parquet as pq
    from IPython.display import display

    file = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 10**6, pa.int8()), pa.array(["x" * 10**4]))
    pq.write_table(pa.table({"a": column.cast(pa.dictionary(pa.int32(), pa.string()))}), file)
    payload = {"name": "huge", "data": base64.b64encode(file.getvalue()).decode(), "encoder": "pandas", "version": 1}
    shown = {"scrapbook": {"name": "huge", "data": True, "display": False}}
    display({"application/scrapbook.scrap.pandas+json": payload}, metadata=shown, raw=True)
    """
    one = made(where, cell, template="{{ huge | length }}")
    assert one.reason is None
    assert "1,000,000 rows" in one.warnings[0]


def test_limits_of_the_bundle_give_way_to_those_of_the_host(where: Path) -> None:
    config = {"title": "Voltage", "limits": {"timeout": "1s", "output": "1MB"}}
    slow = "import time\ntime.sleep(2)"
    assert made(where, slow, OUTPUT, config=config).state == "timed out"
    assert made(where, slow, OUTPUT, config=config, how={"timeout": 30}).state == "completed"
    large = "open('output.json', 'w').write('{\"site\": \"' + 'x' * 2**20 + '\"}')"
    assert "limits.output" in str(made(where, large, config=config).reason)


def test_the_network_is_for_the_host_to_grant(where: Path) -> None:
    config = {"title": "Voltage", "network": True}
    with pytest.raises(scrapdb.ScrapdbError, match="--network"):
        made(where, config=config)
    assert made(where, config=config, how={"network": True}).state == "completed"
    assert not made(where, how={"network": False}).reason


HOOK = """#!/bin/sh
echo "$1" >> {log}
if [ "$1" = issue ]; then echo "tok-SESAME-open-me"; else cat >> {log}; fi
"""
TAKES = "#ENVIRONMENT\ntoken = '$TOKEN'"
LEAKS = {
    "printed": "print(token)",
    "raised": "raise ValueError(token)",
    "output": "import json\njson.dump({'site': token}, open('output.json', 'w'))",
    "base64": "import base64\nmade = base64.b64encode(token.encode())\nopen('output.json', 'wb').write(b'[\"' + made)",
    "static": "import os\nopen('static/x.txt', 'w').write(token) if not os.mkdir('static') else 0",
    "glued": "import scrapbook as sb\nsb.glue('site', token)",
    "killed": "import os, signal\nprint(token)\nos.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_token_is_issued_for_a_report_and_found_nowhere(where: Path, leak: str) -> None:
    hook = where / "hook"
    log = where / "log-of-the-hook"
    hook.write_text(HOOK.format(log=log))
    hook.chmod(0o755)
    one = made(where, TAKES, "assert token.startswith('tok-')", LEAKS[leak], OUTPUT, how={"token": str(hook)})
    assert log.read_text() == "issue\nrevoke\ntok-SESAME-open-me"
    log.unlink()
    assert record(one)["state"] == one.state
    for path in where.rglob("*"):
        if path.is_file() and path != hook:
            assert b"SESAME" not in path.read_bytes(), path


def test_a_token_that_nobody_issues_is_an_error_that_says_so(where: Path) -> None:
    with pytest.raises(scrapdb.ScrapdbError, match="--token"):
        made(where, TAKES, OUTPUT)
    one = made(where, TAKES, OUTPUT, how={"token": "false"})
    assert one.state == "error"
    assert "No token was issued" in page(one)
    assert (where / "reports" / one.id / "report.ipynb").exists()


def test_a_page_again_without_running(where: Path) -> None:
    po = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Voltage"\nmsgstr "Tensió"\n'
    one = made(where, files={"languages/ca/LC_MESSAGES/messages.po": po})
    before = page(one)
    (where / "voltage/template.html").write_text("changed")
    again = report.render(one.id)
    assert (again.state, page(one)) == ("completed", before)
    report.render(one.id, language="ca", pdf=True)
    assert "Tensió" in page(one)
    assert '<html lang="ca"' in page(one)
    assert (where / "reports" / one.id / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (record(one)["language"], record(one)["title"]) == ("ca", "Tensió")
    report.render(str(one.directory), bundle="voltage")
    assert page(one).endswith("changed")
    (row,) = scrapdb.open(where / "scraps.db").query(None, columns="report.language")
    assert "ca" in row.values()


def test_rendering_again_changes_nothing_if_it_fails(where: Path) -> None:
    one = made(where)
    before = {path: path.read_bytes() for path in (where / "reports" / one.id).iterdir()}
    bundle(where / "newer", template="{{ nothing }}")
    with pytest.raises(scrapdb.ScrapdbError, match=r"template\.html, line 1"):
        report.render(one.id, bundle="newer")
    with pytest.raises(scrapdb.ScrapdbError, match="no report gone"):
        report.render("gone")
    assert {path: path.read_bytes() for path in (where / "reports" / one.id).iterdir()} == before


def test_an_error_of_the_template_is_mended_without_running(where: Path) -> None:
    one = made(where, template="{{ sit }}")
    bundle(where / "newer")
    again = report.render(one.id, bundle="newer")
    assert (one.state, again.state) == ("error", "completed")
    assert "north" in page(one)


def test_only_a_run_that_completed_is_rendered_again(where: Path) -> None:
    one = made(where, "1 / 0")
    with pytest.raises(scrapdb.ScrapdbError, match="left nothing to render"):
        report.render(one.id)


def test_the_bytes_are_the_same_for_the_same(where: Path) -> None:
    first = page(made(where, template=TEMPLATE + "{{ report.id }}"))
    assert page(made(where, template=TEMPLATE + "{{ report.id }}", how={"languages": "en"})) == first


def test_the_record_follows_its_schema(where: Path) -> None:
    import msgspec

    from scrapdb.reporting.making.record import Record

    for one in (made(where), made(where, "1 / 0"), made(where, template="{{ x }}")):
        jsonschema.validate(record(one), msgspec.json.schema(Record))


def test_nothing_is_left_of_a_run(where: Path) -> None:
    made(where, "import subprocess\nsubprocess.Popen(['sleep', '4711'])", OUTPUT)
    running = [Path(path, "cmdline") for path in Path("/proc").glob("[0-9]*")]
    commands = [path.read_bytes() for path in running if path.exists() and os.access(path, os.R_OK)]
    assert not [each for each in commands if b"sleep\x004711" in each]


def test_a_title_is_plain_text(where: Path) -> None:
    one = made(where, config={"title": "Cost & <b>100%</b>"}, template="{{ title }}<i>{{ report.title }}</i>")
    assert record(one)["title"] == "Cost & <b>100%</b>"
    assert page(one).endswith("Cost &amp; &lt;b&gt;100%&lt;/b&gt;<i>Cost &amp; &lt;b&gt;100%&lt;/b&gt;</i>")
    assert "<title>Cost &amp; &lt;b&gt;100%&lt;/b&gt;</title>" in page(one)


def test_no_line_of_an_error_looks_like_one_of_the_log(where: Path) -> None:
    forged = "2026-01-01T00:00:00.000Z The report is completed"
    one = made(where, f"raise ValueError('''a\n{forged}''')")
    assert one.directory
    log = (one.directory / "log.txt").read_text()
    assert forged in log
    assert not [line for line in log.splitlines() if line.startswith("2026-01-01")]


def test_many_files_in_static_are_an_error_at_once(where: Path) -> None:
    count = output.MOST_FILES + 1
    write = f"import os\nos.mkdir('static')\nfor n in range({count}): open(f'static/{{n}}', 'w').close()"
    one = made(where, write, OUTPUT)
    assert (one.state, one.reason) == (
        "error",
        "There are more than 1,000 files in static/, the most that a page may have.",
    )


def test_a_page_under_way_is_given_up_when_all_is_to_end_at_once(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()

    def ends(*args: Any, **settings: Any) -> Rendered:
        threading.Timer(0.5, stop.kill).start()
        return rendered.rendered(*args, **settings)

    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    entry = batch.Entry(bundle=str(bundle(where / "voltage", template=endless)))
    monkeypatch.setattr(maker, "rendered", SimpleNamespace(rendered=ends))
    began = time.monotonic()
    (one,) = batch.build([entry], batch.Host(where / "reports", where / "scraps.db"), stop=stop)
    assert time.monotonic() - began < rendered.SECONDS
    assert (one.state, one.reason) == ("cancelled", "it was stopped when its page was made")
    assert record(one)["state"] == "cancelled"
    assert record(one)["run_state"] == "completed"
