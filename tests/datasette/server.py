"""A real Datasette on a store, and a server that only listens."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_SECONDS = 30.0  # after which a server that does not answer has failed


@contextmanager
def served(*arguments: str | Path) -> Iterator[str]:
    """Run `python -m ARGUMENTS --port PORT` and give its address."""
    with started(*arguments) as (address, _):
        yield address


@contextmanager
def started(*arguments: str | Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `python -m ARGUMENTS --port PORT` and give its address and the process."""
    port = free_port()
    command = [sys.executable, "-m", *map(str, arguments), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            _wait(server, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}", server
        finally:
            if server.poll() is None:
                server.terminate()
                server.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def get(address: str) -> tuple[int, Message, str]:
    """Give status, headers and text of an answer."""
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 - our own server
            return answer.status, answer.headers, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode(errors="replace")


class Listener(ThreadingHTTPServer):
    """Records every request; `documents` are what it answers with, by path.

    Connections are not recorded: Chromium opens one to the host of a frame that it then refuses to load, and says
    nothing on it.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[str] = []
        self.documents: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        with suppress(BrokenPipeError):  # whoever asked has left
            self.wfile.write(self.server.documents.get(self.path, "").encode())

    do_POST = do_GET  # noqa: N815 - as the standard library calls it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the standard library calls it
        pass


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as listener:
        thread = Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            get(address)
        except OSError:
            time.sleep(0.1)
        else:
            return
    server.terminate()
    raise RuntimeError(f"The server did not start: {server.communicate()[0].decode()}")
