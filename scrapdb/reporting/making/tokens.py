"""The token of a report, by which its notebook asks for data: a hook of the host issues it, and revokes it in the end.

A hook is a command, called as `COMMAND issue` with a wish as JSON on standard input, whose answer is the token, and as
`COMMAND revoke` with the token on standard input; or an entry point of the group `scrapdb.tokens`. The token is in no
argument and no variable of the environment.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import InvalidStateError
from contextlib import contextmanager
from contextlib import suppress
from math import ceil
from pathlib import Path
from threading import Thread
from typing import Any
from typing import Protocol

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.running.kernels import redaction
from scrapdb.running.task import Limits
from scrapdb.text import valid_text

GROUP = "scrapdb.tokens"
_SECONDS = 30.0  # in which a hook has to answer
_LEAST = 8  # characters: a shorter token would be found in words that have nothing to do with it
_DAY = 86_400
_MARGIN = 60  # seconds for preparing a run
_MOST_SAID = 300  # characters of what a hook says


class TokenError(ScrapdbError):
    """A hook that has not issued or revoked a token, and why."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is wanted for.

    Args:
        report: the report's ID.
        bundle: the name of its bundle.
        parameters: JSON values by name, without secrets.
        language: of the report.
        lifetime: seconds for which it is needed at most.
    """

    report: str
    bundle: str
    parameters: dict[str, Any]
    language: str
    lifetime: int


class Tokens(Protocol):
    """What issues tokens and revokes them. Whatever it raises is a reason why that failed."""

    def issue(self, wish: Wish) -> str:
        """Return a new token."""

    def revoke(self, token: str) -> None:
        """Make a token invalid."""


def lifetime(limits: Limits) -> int:
    """Return the seconds for which the token of a run is needed at most."""
    return ceil((limits.timeout or _DAY) + limits.start_timeout + limits.grace) + _MARGIN


def hook(named: str | Tokens) -> Tokens:
    """Return the hook that somebody names.

    Args:
        named: an entry point, else a command with its arguments; or what does it itself.

    Raises:
        UsageError: there is none of that name, or it cannot be loaded.
    """
    if not isinstance(named, str):
        return _Limited(named, type(named).__name__)
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if named in found:
        return _Limited(_loaded(found[named]), named)
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise UsageError(f"{named!r} is no command that issues tokens: {error}.") from error
    if not words or not shutil.which(words[0]):
        raise UsageError(
            f"There is no command {words[0] if words else named!r} to issue tokens, and of the entry points "
            f"{GROUP} {suggestion(named, found)}"
        )
    return _Command(words)


def _loaded(entry: Any) -> Any:
    try:
        found = entry.load()
        return found() if isinstance(found, type) else found
    except Exception as error:
        raise UsageError(f"The entry point {entry.name} of {GROUP} cannot be loaded: {error}.") from error


@contextmanager
def issued(tokens: Tokens, wish: Wish, warn: Callable[[str], None], hidden: Sequence[str] = ()) -> Iterator[str]:
    """Give a token for as long as it is needed, and revoke it however that ends.

    Args:
        tokens: as `hook` gives it.
        wish: what it is for.
        warn: is told if it could not be revoked.
        hidden: forms of other secrets, which stand in no sentence.

    Raises:
        TokenError: none was issued, or one that cannot be kept secret.
    """
    try:
        token = tokens.issue(wish).strip()
    except TokenError as error:
        raise TokenError(redaction.redacted(f"No token was issued: {error}.", hidden)) from None
    try:
        _check(token)
        yield token
    finally:
        try:
            if token:
                tokens.revoke(token)
        except TokenError as error:
            sentence = f"The token was not revoked, and is valid for up to {wish.lifetime:,} s: {error}."
            warn(redaction.redacted(sentence, [*redaction.forms([token]), *hidden]))


def _check(token: str) -> None:
    """Refuse a token that would not be found everywhere it may stand."""
    if not token:
        raise TokenError("No token was issued: the hook gave none.")
    if not token.isprintable():
        raise TokenError("The token is refused: it has more than one line, or characters that cannot be printed.")
    if len(token) < _LEAST:
        raise TokenError(
            f"The token is refused: it has {len(token)} characters, and {_LEAST} are the least to hide it."
        )


class _Command:
    """A program that issues and revokes."""

    def __init__(self, words: list[str]) -> None:
        self._words, self._name = words, Path(words[0]).name

    def issue(self, wish: Wish) -> str:
        answer = self._answer("issue", json.dumps(msgspec.to_builtins(wish)))
        try:
            return answer.decode()
        except UnicodeDecodeError:
            raise TokenError(f"{self._name} issue printed what is no text in UTF-8") from None

    def revoke(self, token: str) -> None:
        self._answer("revoke", token)

    def _answer(self, verb: str, given: str) -> bytes:
        """Call it, and return what it printed. It is the first of a group of processes, which ends as one."""
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(  # noqa: S603 - the host names it
                [*self._words, verb], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except OSError as error:
            raise TokenError(f"{self._name} cannot be started: {error.strerror}") from error
        try:
            printed, said = process.communicate(given.encode(), _SECONDS)
        except subprocess.TimeoutExpired:
            raise TokenError(f"{self._name} {verb} took longer than {_SECONDS:g} s") from None
        finally:
            _end(process)
        if process.returncode:
            text = said.decode(errors="replace")
            for form in redaction.forms([printed.decode(errors="replace").strip(), given]):
                text = text.replace(form, "[secret]")
            raise TokenError(f"{self._name} {verb} ended with {_status(process.returncode)}{_last(text)}")
        return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that has not, with all that it has started."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            stream.close()  # type: ignore[union-attr] # all are pipes
    process.wait()


def _status(code: int) -> str:
    return f"exit code {code}" if code > 0 else signal.Signals(-code).name


def _last(said: str) -> str:
    """Return the last line that somebody said, to follow a sentence."""
    lines = [line.strip() for line in valid_text(said).splitlines() if line.strip()]
    return f": {lines[-1][:_MOST_SAID].rstrip('.')}" if lines else ""


class _Limited:
    """Python that issues and revokes, with a limit to its time."""

    def __init__(self, tokens: Tokens, name: str) -> None:
        self._tokens, self._name = tokens, name

    def issue(self, wish: Wish) -> str:
        token = self._within("issue", wish)
        if not isinstance(token, str):
            raise TokenError(f"{self._name} gave a {type(token).__name__}, where a text is a token")
        return token

    def revoke(self, token: str) -> None:
        self._within("revoke", token)

    def _within(self, verb: str, given: Any) -> Any:
        """Call it in a thread of its own, since Python cannot be interrupted. A token that comes late is revoked."""
        answer: Future[Any] = Future()
        Thread(target=self._call, args=(verb, given, answer), daemon=True).start()
        try:
            return answer.result(_SECONDS)
        except Exception as error:  # noqa: BLE001 - it may raise anything
            if answer.cancel():
                raise TokenError(f"{self._name} took longer than {_SECONDS:g} s to {verb}") from None
            raise TokenError(f"{self._name} could not {verb}: {type(error).__name__}{_last(str(error))}") from None
        except BaseException:
            answer.cancel()
            raise

    def _call(self, verb: str, given: Any, answer: Future[Any]) -> None:
        try:
            found = getattr(self._tokens, verb)(given)
        except BaseException as error:  # noqa: BLE001 - `exit` too
            with suppress(InvalidStateError):
                answer.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
            return
        try:
            answer.set_result(found)
        except InvalidStateError:
            if verb == "issue":
                with suppress(Exception):
                    self._tokens.revoke(found)
