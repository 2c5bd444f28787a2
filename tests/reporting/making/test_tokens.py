"""Hooks that issue and revoke tokens, real commands and Python, and what becomes of a token when things go wrong."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import psutil
import pytest

from scrapdb.errors import UsageError
from scrapdb.reporting.making import tokens
from scrapdb.reporting.making.tokens import TokenError
from scrapdb.reporting.making.tokens import Wish
from scrapdb.reporting.making.tokens import hook
from scrapdb.reporting.making.tokens import issued
from scrapdb.reporting.making.tokens import lifetime
from scrapdb.running.task import Limits

WISH = Wish(report="voltage-en-1a2b", bundle="voltage", parameters={"site": "é\ud800"}, language="en", lifetime=600)
TOKEN = "tok-0123456789"  # noqa: S105 - it is none
HOOK = """
import json, sys, time, os
verb, given = sys.argv[1:], sys.stdin.read()
with open({log!r}, "a") as log:
    log.write(json.dumps([verb, given, sorted(os.environ)]) + "\\n")
{code}
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def command(log: Path, code: str = f"if verb == ['issue']: print({TOKEN!r})") -> str:
    """A command that writes down how it was called, and then does something."""
    script = log.with_name("a hook.py")
    script.write_text(HOOK.format(log=str(log), code=code))
    return shlex.join([sys.executable, str(script)])


def calls(log: Path) -> list[Any]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def used(hooked: Any, warnings: list[str] | None = None, **more: Any) -> list[str]:
    """The tokens that one gets of a hook."""
    with issued(hook(hooked), WISH, (warnings if warnings is not None else []).append, **more) as token:
        return [token]


class Python:
    """Issues and revokes, as it is told."""

    def __init__(self, issue: Any = lambda _: TOKEN, revoke: Any = lambda _: None) -> None:
        self.issue, self._revoke = issue, revoke
        self.revoked: list[str] = []

    def revoke(self, token: str) -> None:
        self.revoked.append(token)
        self._revoke(token)


def raising(error: BaseException) -> Any:
    def call(_: Any) -> Any:
        raise error

    return call


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hooks have less time."""
    monkeypatch.setattr(tokens, "_SECONDS", 0.5)


def test_a_command_is_told_what_for_and_revokes_in_the_end(log: Path) -> None:
    warnings: list[str] = []

    assert used(command(log, f"if verb == ['issue']: print({TOKEN!r})\nprint()"), warnings) == [TOKEN]
    (issue, wish, _), (revoke, token, _) = calls(log)
    assert (issue, revoke, token) == (["issue"], ["revoke"], TOKEN)
    assert json.loads(wish) == {
        "report": "voltage-en-1a2b",
        "bundle": "voltage",
        "parameters": {"site": "é\ud800"},
        "language": "en",
        "lifetime": 600,
    }
    assert warnings == []


def test_the_token_is_in_no_argument_and_no_environment(log: Path) -> None:
    seen: list[str] = []
    with issued(hook(command(log)), WISH, seen.append) as token:
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            with suppress(psutil.Error):
                seen += [*process.cmdline(), *process.environ().values()]
    assert not [text for text in seen if token in text]
    assert TOKEN not in json.dumps([[verb, names] for verb, _, names in calls(log)])


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_it_is_revoked_however_the_report_ends(error: BaseException, log: Path) -> None:
    with pytest.raises(type(error)), issued(hook(command(log)), WISH, print):
        raise error

    assert [verb for verb, *_ in calls(log)] == [["issue"], ["revoke"]]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "sys.exit('no\\n\\nThe vault is sealed.')",
            "No token was issued: {name} issue ended with exit code 1: The vault is sealed.",
        ),
        ("sys.exit(3)", "No token was issued: {name} issue ended with exit code 3."),
        ("os.kill(os.getpid(), 9)", "No token was issued: {name} issue ended with SIGKILL."),
        (
            f"print({TOKEN!r}); sys.stderr.write('{TOKEN} is refused, and so is env-secret'); sys.exit(1)",
            "No token was issued: {name} issue ended with exit code 1: [secret] is refused, and so is [secret].",
        ),
        (
            "sys.stdout.buffer.write(b'\\xff' * 20)",
            "No token was issued: {name} issue printed what is no text in UTF-8.",
        ),
        ("pass", "No token was issued: the hook gave none."),
        ("print(' \\n ')", "No token was issued: the hook gave none."),
        ("print('1234567')", "The token is refused: it has 7 characters, and 8 are the least to hide it."),
        (
            f"print('Warning: slow'); print({TOKEN!r})",
            "The token is refused: it has more than one line, or characters that cannot be printed.",
        ),
    ],
)
def test_a_command_that_issues_none_is_told(code: str, told: str, log: Path) -> None:
    with pytest.raises(TokenError) as caught:
        used(command(log, code), hidden=["env-secret"])

    assert str(caught.value) == told.format(name=Path(sys.executable).name)
    assert caught.value.__cause__ is None


def test_a_token_that_is_refused_is_revoked(log: Path) -> None:
    with pytest.raises(TokenError, match="7 characters"):
        used(command(log, "if verb == ['issue']: print('1234567')"))

    assert calls(log)[-1][:2] == [["revoke"], "1234567"]


@pytest.mark.parametrize(
    "revoke",
    ["sys.exit(f'{given} is unknown')", "os.abort()", "sys.stdout.write(given); sys.exit(1)", "time.sleep(60)"],
)
@pytest.mark.usefixtures("quick")
def test_a_token_that_is_not_revoked_is_a_warning(revoke: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_SECONDS", 2.0)
    warnings: list[str] = []

    assert used(command(log, f"if verb == ['issue']: print({TOKEN!r})\nelse: {revoke}"), warnings) == [TOKEN]
    (warning,) = warnings
    assert warning.startswith("The token was not revoked, and is valid for up to 600 s: ")
    assert TOKEN not in warning
    assert warning.endswith(".")


@pytest.mark.usefixtures("quick")
def test_a_command_that_hangs_is_ended_with_its_children(log: Path) -> None:
    began = time.monotonic()
    code = "import subprocess\nsubprocess.Popen(['sleep', '61.5']).pid\nif verb == ['issue']: time.sleep(60)"
    with pytest.raises(TokenError, match=r"issue took longer than 0.5 s\.$"):
        used(command(log, code))

    assert time.monotonic() - began < 10
    time.sleep(0.2)
    assert not [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "61.5"]]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("no-such-vault issue", "There is no command 'no-such-vault' to issue tokens, and of the entry points"),
        ("", "There is no command '' to issue tokens"),
        ("'unclosed", "is no command that issues tokens: No closing quotation."),
    ],
)
def test_a_hook_that_is_not_there_is_told_at_once(named: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        hook(named)


def entry(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    points = [EntryPoint("vault", value, tokens.GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points if group == tokens.GROUP else ())


@pytest.mark.parametrize("form", ["class", "object", "module"])
def test_an_entry_point_is_a_class_an_object_or_a_module(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"hook_of_{form}_{tmp_path.name}"
    of_class = f"class Vault:\n  def issue(self, wish): return '{TOKEN}\\n'\n  def revoke(self, token): print(token)\n"
    of_module = f"def issue(wish): return '{TOKEN}'\ndef revoke(token): print(token)\n"
    (tmp_path / f"{module}.py").write_text(of_module if form == "module" else f"{of_class}vault = Vault()\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry(monkeypatch, {"class": f"{module}:Vault", "object": f"{module}:vault", "module": module}[form])

    assert used("vault") == [TOKEN]
    with pytest.raises(UsageError, match="did you mean vault"):
        hook("vaul")


def test_an_entry_point_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    entry(monkeypatch, "no_such_module:Vault")
    with pytest.raises(UsageError, match=r"The entry point vault of scrapdb\.tokens cannot be loaded: No module named"):
        hook("vault")


@pytest.mark.parametrize(
    ("issue", "told"),
    [
        (
            raising(PermissionError("not\nyours.")),
            "No token was issued: Python could not issue: PermissionError: yours.",
        ),
        (raising(TimeoutError()), "No token was issued: Python could not issue: TimeoutError."),
        (raising(SystemExit(1)), "No token was issued: Python could not issue: RuntimeError: SystemExit(1)."),
        (lambda _: None, "No token was issued: Python gave a NoneType, where a text is a token."),
        (lambda _: b"0123456789", "No token was issued: Python gave a bytes, where a text is a token."),
        (lambda _: time.sleep(1), "No token was issued: Python took longer than 0.5 s to issue."),
        (lambda _: "0123\ud80056789", "The token is refused: it has more than one line, or characters that"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_python_that_issues_none_is_told(issue: Any, told: str) -> None:
    with pytest.raises(TokenError) as caught:
        used(Python(issue))

    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("revoke", [raising(ValueError(f"no {TOKEN}")), lambda _: time.sleep(1)])
@pytest.mark.usefixtures("quick")
def test_python_that_does_not_revoke_is_a_warning(revoke: Any) -> None:
    warnings: list[str] = []

    assert used(Python(revoke=revoke), warnings) == [TOKEN]
    assert len(warnings) == 1
    assert TOKEN not in warnings[0]


@pytest.mark.usefixtures("quick")
def test_a_token_that_comes_late_is_revoked() -> None:
    go = threading.Event()
    late = Python(lambda _: go.wait(10) and TOKEN)
    with pytest.raises(TokenError, match="took longer"):
        used(late)
    go.set()
    for _ in range(100):
        if late.revoked:
            break
        time.sleep(0.02)

    assert late.revoked == [TOKEN]


def test_a_token_lives_as_long_as_a_run_may_take() -> None:
    assert lifetime(Limits(timeout=100.5, start_timeout=60.0, grace=5.0)) == 226
    assert lifetime(Limits()) > 86_400
