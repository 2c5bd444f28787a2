"""The server as a process: it listens, says what happens in lines, and ends well."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.web import serving
from scrapdb.reporting.service.web.app import application
from tests.reporting.service.web import served

SECONDS = 60


@contextmanager
def process(directory: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve two bundles without workers, and yield the process and its address."""
    for name in ("voltage", "sales"):
        if not (directory / "bundles" / name).exists():
            served.bundle(directory / "bundles" / name)
    words = [sys.executable, "-m", "scrapdb", "report", "serve", "bundles", "--no-work", "--port", "0", *more]
    with subprocess.Popen(words, cwd=directory, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        line = running.stderr.readline()
        found = re.match(r"(http://127\.0\.0\.1:\d+)/ has the reports of bundles\. Ctrl-C ends it\.$", line)
        assert found, line + running.stderr.read()
        try:
            yield running, found[1]
        finally:
            running.kill()


def get(address: str, **headers: str) -> tuple[int, bytes]:
    try:
        asked = urllib.request.Request(address, headers=headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_well_while_somebody_reads_and_keeps_what_was_asked(tmp_path: Path, number: int) -> None:
    with process(tmp_path, "--log-json") as (running, url):
        assert get(f"{url}/health") == (200, b'{"status":"ok"}')
        wish = json.dumps({"bundle": "voltage", "parameters": served.GIVEN}).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"{url}/reports", wish, headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - our own server
            id_ = json.load(answer)["id"]
        reader = threading.Thread(target=lambda: _read(f"{url}/reports/{id_}/log"))
        reader.start()
        time.sleep(0.3)
        began = time.monotonic()
        running.send_signal(number)
        assert running.wait(SECONDS) == 0
        assert time.monotonic() - began < 10  # who follows a log is not kept
        reader.join()
        assert running.stderr
        lines = [json.loads(line) for line in running.stderr.read().splitlines()]
        assert {"method": "POST", "path": "/reports", "status": 202, "who": "you"}.items() <= lines[1].items()
        assert not [line for line in lines if line["level"] == "error"], lines
    with process(tmp_path) as (_, url):
        status, content = get(f"{url}/reports/{id_}")
        assert (status, json.loads(content)["state"]) == (200, "queued")


def _read(address: str) -> None:
    with suppress(OSError, http.client.HTTPException):
        get(address)


def test_what_it_logs_is_one_line_whatever_is_asked(tmp_path: Path) -> None:
    with process(tmp_path) as (running, url):
        get(f"{url}/reports/%0a%1b%5b31mforged%e2%80%ae")
        get(f"{url}/r/secret-token?x=1")
        get(f"{url}/reports?token=secret-token", Authorization="Bearer secret-token")
        get(f"{url}/", Host="evil.example")
        running.send_signal(signal.SIGINT)
        running.wait(SECONDS)
        assert running.stderr
        lines = running.stderr.read().splitlines()
    assert [line.partition(" ")[2].partition(" ")[2] for line in lines] == [
        r"GET /reports/\n\x1b[31mforged\u202e 404", "GET /r/… 404", "GET /reports 400", "GET / 403",
    ]  # fmt: skip


def test_bundles_that_nobody_can_ask_for_are_said(tmp_path: Path) -> None:
    served.bundle(tmp_path / "bundles" / "broken")
    (tmp_path / "bundles" / "broken" / "config.json").write_text('{"title": }')
    with process(tmp_path) as (running, _):
        assert running.stderr
        told = running.stderr.readline()
    assert re.fullmatch(r"broken cannot be asked for: config\.json:1 is no JSON: .*\n", told)


def test_a_directory_without_bundles_is_said(tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    words = [sys.executable, "-m", "scrapdb", "report", "serve", "bundles", "--no-work", "--port", "0"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        told = [running.stderr.readline() for _ in range(2)][1]
        running.send_signal(signal.SIGINT)
    assert told == "bundles holds no bundle yet; `scrapdb report new` begins one, which is there at once.\n"


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with process(tmp_path) as (_, url):
        port = url.rpartition(":")[2]
        words = [sys.executable, "-m", "scrapdb", "report", "serve", "bundles", "--no-work", "--port", port]
        other = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert other.returncode == 1
    assert other.stderr == f"Error: Port {port} of 127.0.0.1 is taken; name another with --port.\n"


def test_whoever_is_slow_holds_nobody_up(tmp_path: Path) -> None:
    with process(tmp_path) as (_, url):
        import socket

        slow = []
        for _ in range(50):
            connection = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
            connection.sendall(b"POST /reports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n")
            connection.sendall(b"Content-Length: 100\r\n\r\n{")
            slow.append(connection)
        assert get(f"{url}/health")[0] == 200
        for connection in slow:
            connection.close()


def test_files_beside_the_ledger_are_for_its_owner_alone(tmp_path: Path) -> None:
    os.umask(0o022)
    with process(tmp_path) as (_, url):
        get(f"{url}/")
        for name in (".scrapdb-service.key", ".scrapdb-service.db"):
            assert (tmp_path / "reports" / name).stat().st_mode & 0o077 == 0


def test_who_never_says_what_he_wants_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[uvicorn.Server] = []
    run = uvicorn.Server.run

    def kept(server: uvicorn.Server, **more: Any) -> None:
        servers.append(server)
        run(server, **more)

    monkeypatch.setattr(uvicorn.Server, "run", kept)
    monkeypatch.setattr(serving, "_IDLE", 0.5)
    with serving.listening(desk.host, "127.0.0.1", 0) as listens:
        thread = threading.Thread(target=serving.serve, args=(application(desk), listens))
        thread.start()
        address = listens.getsockname()
        with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
            silent.settimeout(SECONDS)
            slow.settimeout(0.1)
            slow.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            began, ended = time.monotonic(), False
            while not ended and time.monotonic() - began < 5:
                with suppress(TimeoutError):
                    slow.sendall(b"y")
                    ended = slow.recv(1) == b""
            assert ended
            assert silent.recv(1) == b""
        assert get(f"http://127.0.0.1:{address[1]}/health")[0] == 200
        servers[0].should_exit = True
        thread.join()
