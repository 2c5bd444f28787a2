from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import closing
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser
from playwright.sync_api import expect

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.preview import preview
from scrapdb.reporting.preview.desk import Desk
from scrapdb.reporting.preview.serving import Server
from scrapdb.reporting.preview.shown import Choice
from scrapdb.reporting.preview.shown import Shown

Answer = tuple[int, bytes, dict[str, str]]
NO_CHOICE = ["", "{", "[]", "3", '{"language": 3}', '{"language": "en", "more": 1}', "\ufffd", "[" * 5000]
FOREIGN = "http://evil.example"


class Echo:
    """Makes a page that says what was chosen; one that is slow on demand."""

    def __init__(self) -> None:
        self.made: list[Choice | None] = []

    def __call__(self, choice: Choice | None, tell: Any) -> Shown:
        self.made.append(choice)
        tell(title="Echo", languages=("en",), choice=choice or Choice("en"))
        return Shown(step="done", html=f"<p>{choice}</p>")

    def changed(self) -> None:
        pass

    chosen = close = changed


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of a page that is made at once."""
    desk = Desk(Echo())
    with Server(desk, 0) as found, desk.open():
        thread = Thread(target=found.serve_forever, args=(0.05,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def asked(
    server: Server, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Ask the server as any program can."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    named = {
        "Host": f"127.0.0.1:{server.server_port}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    if body is not None:
        named.setdefault("Content-Length", str(len(body)))
    for name, value in named.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode() if body is not None else None)
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found


def own(server: Server) -> dict[str, str]:
    return {"Origin": f"http://127.0.0.1:{server.server_port}", "Content_Type": "application/json"}


def state(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asked(server, "GET", "/state")[1])
    return found


def settled(server: Server, html: str) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if (state(server)["html"] or "").find(html) >= 0:
            return True
        time.sleep(0.02)
    return False


def test_it_listens_on_this_machine_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_only_who_calls_it_by_its_name_is_answered(server: Server) -> None:
    port = server.server_port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert asked(server, "GET", "/", Host=host)[0] == 200
    for host in ("", "127.0.0.1", f"evil.example:{port}", f"127.0.0.1:{port}.evil.example", f"127.0.0.1:{port + 1}"):
        for path in ("/", "/state", "/events"):
            assert asked(server, "GET", path, Host=host)[0] == 403
        assert asked(server, "POST", "/choice", "{}", Host=host, Origin=f"http://{host}")[0] == 403


def test_only_its_own_page_can_choose(server: Server) -> None:
    choice = json.dumps({"language": "ca", "parameters": {"x": 1}})
    good = own(server)
    for headers in (
        {},
        {**good, "Origin": FOREIGN},
        {**good, "Origin": "null"},
        {**good, "Origin": f"http://localhost:{server.server_port}"},
        {**good, "Origin": f"https://127.0.0.1:{server.server_port}"},
        {"Content_Type": "application/json"},
        {"Origin": good["Origin"]},
        {**good, "Content_Type": "text/plain"},
        {**good, "Content_Type": "application/x-www-form-urlencoded"},
    ):
        assert asked(server, "POST", "/choice", choice, **headers)[0] == 403, headers
    assert settled(server, "None")
    assert asked(server, "POST", "/choice", choice, **good)[0] == 200
    assert settled(server, "language='ca'")


@pytest.mark.parametrize("body", NO_CHOICE)
def test_what_is_no_choice_is_refused(server: Server, body: str) -> None:
    assert asked(server, "POST", "/choice", body, **own(server))[0] == 400


def test_a_choice_is_limited_in_size(server: Server) -> None:
    for length in ("99999999999", "-1", "x", ""):
        assert asked(server, "POST", "/choice", "{}", **own(server), Content_Length=length)[0] in {400, 413}


def test_nothing_else_is_served(server: Server) -> None:
    for path in (
        "/page.html",
        "/static/x",
        "/../page.html",
        "/etc/passwd",
        "/state/",
        "/choice",
        "/%2e%2e/x",
    ):
        assert asked(server, "GET", path)[0] == 404, path
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
        assert asked(server, method, "/")[0] == 501
    assert asked(server, "POST", "/", "{}", **own(server))[0] == 404


def test_no_other_page_can_embed_or_read_it(server: Server) -> None:
    for path in ("/", "/state"):
        headers = asked(server, "GET", path, Origin=FOREIGN)[2]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in headers if name.lower().startswith("access-control")]
    policy = asked(server, "GET", "/")[2]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy != asked(server, "GET", "/")[2]["Content-Security-Policy"]  # the nonce is another one each time


def sent_to(listening: socket.socket) -> list[bytes]:
    """Return what was sent to an address; a browser connects to where a link leads before anybody follows it."""
    found = []
    listening.settimeout(0.2)
    with suppress(TimeoutError):
        while True:
            connection, _ = listening.accept()
            with connection, suppress(TimeoutError):
                connection.settimeout(0.2)
                found.append(connection.recv(1000))
    return [each for each in found if each]


def test_a_report_neither_runs_nor_loads_nor_leads_away(server: Server, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        away = f"http://127.0.0.1:{listening.getsockname()[1]}"
        document = (
            f'<script>parent.postMessage(1, "*"); fetch("{away}")</script><img src="{away}/x.png" alt="none">'
            f'<h1 onclick="alert(1)">Here</h1><a id="away" href="{away}/away">away</a><a id="in" href="#end">in</a>'
            f'<form action="{away}/choice" method="post"><button>go</button></form>'
            f'<meta http-equiv="refresh" content="0; url={away}/refresh"><link rel="stylesheet" href="{away}/x.css">'
            f'<style>@import "{away}/y.css"; h1 {{ color: rgb(1, 2, 3); background: url({away}/z.png) }}</style>'
            f'<iframe src="{away}/frame"></iframe><p id="end">end</p>'
        )
        assert asked(server, "POST", "/choice", json.dumps({"language": document}), **own(server))[0] == 200
        inside = page.frame_locator("#report")
        inside.locator("h1").wait_for()
        assert inside.locator("h1").evaluate("element => getComputedStyle(element).color") == "rgb(1, 2, 3)"
        for target in ("h1", "button", "#in", "#away"):
            inside.locator(target).click()
        expect(inside.locator("h1")).to_have_text("Here")  # again, although a link took it away
        page.wait_for_timeout(500)
        assert sent_to(listening) == []
    assert page.title() == "Echo · preview"
    assert len(context.pages) == 1
    context.close()


def test_a_page_of_another_origin_can_do_nothing(server: Server, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    (tmp_path / "evil.html").write_text("evil")
    page.goto((tmp_path / "evil.html").as_uri())
    attack = """async url => {
        const headers = { "Content-Type": "application/json" };
        const tries = [
          fetch(url + "state").then(answer => answer.text()),
          fetch(url + "choice", { method: "POST", headers, body: '{"language": "x"}' }),
          fetch(url + "choice", { method: "POST", mode: "no-cors", body: '{"language": "x"}' }).then(() => { throw 1 }),
          new Promise((done, fail) => { const events = new EventSource(url + "events");
            events.onmessage = done; events.onerror = fail; }),
        ];
        return (await Promise.allSettled(tries)).map(each => each.status);
    }"""
    assert page.evaluate(attack, server.url) == ["rejected"] * 4
    assert state(server)["html"] == "<p>None</p>"
    page.close()


def test_a_port_that_is_taken_is_a_sentence(server: Server, bundle: Path) -> None:
    with (
        pytest.raises(ScrapdbError, match=f"Port {server.server_port} of 127.0.0.1 is taken; name another with --port"),
        preview.opened(str(bundle), port=server.server_port),
    ):
        pass


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nix"], "There is no bundle at nix"),
        (["https://example.org/x.zip"], "is a URL"),
        (["greeting", "-p", "site"], "write -p NAME=VALUE"),
        (["greeting", "--port", "99999"], "99999"),
    ],
)
def test_what_cannot_be_shown_is_a_sentence(words: list[str], told: str, bundle: Path) -> None:
    command = [sys.executable, "-m", "scrapdb", "report", "preview", *words, "--no-open"]
    ran = subprocess.run(command, cwd=bundle.parent, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode in {1, 2}
    assert told in ran.stderr


def told(port: int) -> str:
    """Return what the page says of the state, and what is wrong."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/state")
        shown = json.loads(connection.getresponse().read())
    return f"{shown['told']} {shown['problem']}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wanted", ["Running cell 3", "Run and rendered"])
def test_it_ends_at_once_and_leaves_nothing(number: signal.Signals, wanted: str, bundle: Path) -> None:
    if wanted.startswith("Running"):
        notebook = bundle / "report.ipynb"
        notebook.write_text(
            notebook.read_text().replace("import json, uuid", "import json, uuid, time; time.sleep(900)")
        )
    command = [sys.executable, "-m", "scrapdb", "report", "preview", str(bundle), "--no-open", "--port", "0"]
    with (
        ExitStack() as stack,
        TemporaryDirectory() as temporary,
        subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": temporary}, start_new_session=True
        ) as process,
    ):
        Path(temporary).chmod(0o755)  # for who runs notebooks in root's place
        try:
            assert process.stderr is not None
            port = int(process.stderr.readline().split()[0].rstrip("/").rpartition(":")[2])
            listening = stack.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=20)))
            listening.request("GET", "/events")
            stack.enter_context(listening.getresponse())
            end = time.monotonic() + 60
            while wanted not in told(port) and time.monotonic() < end:
                time.sleep(0.1)
            assert wanted in told(port)
            children = psutil.Process(process.pid).children(recursive=True)
            began = time.monotonic()
            process.send_signal(number)
            rest = process.communicate(timeout=30)[1]
            assert time.monotonic() - began < 15
        finally:
            process.kill()
        assert (process.returncode, rest) == (0, "")
        assert psutil.wait_procs(children, timeout=5)[1] == []
        assert list(Path(temporary).iterdir()) == []
