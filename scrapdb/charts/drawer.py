"""Charts, drawn on the server as SVG: the page that shows one needs neither scripts nor the network.

They are drawn by a process of their own, which stays for the next one: the library ends its process when it fails, and
cannot be stopped when it takes too long.
"""

from __future__ import annotations

import atexit
import base64
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from threading import Timer
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.formats.values import escaped

SECONDS = 20.0
_WITHOUT = "Charts are drawn by vl-convert-python, which is not installed: pip install vl-convert-python"
_TOO_LONG = "Drawing this chart takes longer than {:g} seconds. Ask for fewer points or columns."
_FAILED = "This chart cannot be drawn; the names of its columns are too odd, or its numbers too large."
# What XML has no way to write, beside control characters.
_UNWRITABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")


def is_installed() -> bool:
    """Return whether charts can be drawn."""
    return find_spec("vl_convert") is not None


def svg(specification: dict[str, Any], locale: dict[str, Any] | None = None) -> bytes:
    """Draw a Vega-Lite specification whose data stand in it; what its texts have of control characters is escaped.

    Args:
        specification: what is drawn.
        locale: how numbers and times are written, as `format_locale` and `time_format_locale` of vl-convert.

    Raises:
        ScrapdbError: vl-convert-python is not installed, cannot draw it, or takes too long.
    """
    if not is_installed():
        raise ScrapdbError(_WITHOUT)
    return DRAWER.draw(json.dumps(_drawable({"vl_spec": specification, **(locale or {})})), SECONDS)


def png(specification: dict[str, Any]) -> bytes:
    """Draw a specification as `svg` does, as PNG.

    Raises:
        ScrapdbError: likewise.
    """
    if not is_installed():
        raise ScrapdbError(_WITHOUT)
    drawn = DRAWER.draw(json.dumps(_drawable({"vl_spec": specification, "png": True})), SECONDS)
    return base64.b64decode(drawn)


class Drawer:
    """Draws one chart after the other in a process that is started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = Lock()

    def draw(self, arguments: str, seconds: float) -> bytes:
        """Draw what the arguments of vl-convert say, JSON in one line.

        Raises:
            ScrapdbError: it cannot be drawn, or takes longer than so many seconds.
        """
        with self._lock:
            process = self._running()
            limit = Timer(seconds, process.kill)
            limit.start()
            answer = _answer(process, arguments)
            is_late = not limit.is_alive()
            limit.cancel()
            if not answer:
                self.close()
                raise ScrapdbError(_TOO_LONG.format(seconds) if is_late else _FAILED)
        drawn: str | None = json.loads(answer)
        if drawn is None:
            raise ScrapdbError(_FAILED)
        return drawn.encode()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, "-P", str(Path(__file__).with_name("drawing.py"))]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
            )
        return self._process


def _answer(process: subprocess.Popen[str], line: str) -> str:
    """Return the answer to a line; nothing if the process ended."""
    if process.stdin is None or process.stdout is None:
        return ""
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:
        return ""


def _drawable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNWRITABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped(value))
    if isinstance(value, dict):
        return {key: _drawable(item) for key, item in value.items()}
    return [_drawable(item) for item in value] if isinstance(value, list) else value


DRAWER = Drawer()
atexit.register(DRAWER.close)
