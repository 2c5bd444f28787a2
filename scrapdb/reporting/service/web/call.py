"""A call: somebody asks for something over HTTP. Who he is, what he sent, and what he wants to get."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import TypeVar
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from scrapdb.reporting.service import access
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.access import Right
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.web import signing
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request as Http

Known = Literal["token", "cookie", "local"]  # by what somebody is known
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PROOF = "_form"  # the field of a form that shows that it is ours
_MOST_FIELDS = 1_000
_T = TypeVar("_T")


class Site(NamedTuple):
    """What all calls have in common.

    Args:
        desk: at which reports are asked for.
        signers: of cookies and forms.
        failures: of signing in.
        answered: counts answers by status.
        closing: whether the server ends, so that nobody is to be kept waiting.
    """

    desk: Desk
    signers: signing.Signers
    failures: signing.Failures
    answered: dict[int, int]
    closing: threading.Event


class Call:
    """A call, and what it has sent.

    Args:
        site: at which it was made.
        http: as Starlette has it.
        body: all of it.

    Raises:
        Problem: the token is nobody's.
    """

    def __init__(self, site: Site, http: Http, body: bytes = b"") -> None:
        self.site = site
        self.http = http
        self.body = body
        self.who, self.known = _who(site, http)

    @property
    def desk(self) -> Desk:
        """Where reports are asked for."""
        return self.site.desk

    @property
    def host(self) -> Host:
        """What is said of the service."""
        return self.site.desk.host

    @property
    def person(self) -> Person:
        """Who calls.

        Raises:
            Problem: nobody knows.
        """
        if self.who is None:
            raise Problem(
                401, "Say who you are: `Authorization: Bearer TOKEN`, or sign in.", {"WWW-Authenticate": "Bearer"}
            )
        return self.who

    @property
    def address(self) -> str | None:
        """From where the call comes."""
        return self.http.client.host if self.http.client else None

    @property
    def session(self) -> str:
        """What tells this session from others."""
        return self.http.cookies.get(signing.COOKIE, "") if self.known == "cookie" else self.known or "nobody"

    @property
    def proof(self) -> str:
        """What the forms in the answer have to hold."""
        return signing.form(self.site.signers, self.session)

    @property
    def is_form(self) -> bool:
        """Whether a form was sent."""
        return _media(self.http) == FORM

    @property
    def wants_page(self) -> bool:
        """Whether the answer is for the eyes of people, and not for programs."""
        accepted = _accepted(self.http.headers.get("accept", ""))
        return accepted.get("text/html", 0.0) > accepted.get(JSON, 0.0)

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of the form that was sent.

        Raises:
            Problem: it is none, or not ours.
        """
        fields = self.fields
        if self.known != "token" and not signing.is_form(self.site.signers, self.session, fields.get(PROOF, "")):
            raise Problem(403, "This form is not from here, or you have signed in anew. Open its page again.")
        return fields

    @cached_property
    def fields(self) -> dict[str, str]:
        """The fields of a form that need not be ours.

        Raises:
            Problem: it is none.
        """
        if not self.is_form:
            raise Problem(415, f"Send {FORM}.")
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError as error:
            raise Problem(400, f"That is no form: {error}.") from error

    def json(self, shape: type[_T]) -> _T:
        """Return the JSON that was sent.

        Raises:
            Problem: it is none, or of another shape.
        """
        if _media(self.http) != JSON:
            raise Problem(415, f"Send {JSON}.")
        try:
            return msgspec.json.decode(self.body, type=shape)
        except msgspec.ValidationError as error:
            raise Problem(422, f"{error}.") from error
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Problem(400, f"That is no JSON: {error}.") from error
        except RecursionError as error:
            raise Problem(400, "That is nested too deeply.") from error

    def query(self, shape: type[_T]) -> _T:
        """Return what the address asks behind its `?`; what is empty is not asked.

        Raises:
            Problem: it asks for something else.
        """
        asked = {name: value for name, value in self.http.query_params.items() if value}
        try:
            return msgspec.convert(asked, shape, strict=False)
        except msgspec.ValidationError as error:
            raise Problem(400, f"{error}.") from error

    def may(self, right: Right, bundle: str) -> bool:
        """Tell whether who calls has a right to a bundle."""
        return access.may(self.host, self.person, right, bundle)

    def check_own(self) -> None:
        """Refuse what a page of another server has sent by somebody's browser.

        Raises:
            Problem: it has.
        """
        site, origin = self.http.headers.get("sec-fetch-site"), self.http.headers.get("origin")
        ours = {self.http.headers.get("host", "").lower(), urlsplit(self.host.url or "").netloc.lower()} - {""}
        if (site or "none") not in {"same-origin", "none"} or (
            origin is not None and origin.lower().partition("://")[2] not in ours
        ):
            raise Problem(403, "A page of another server may not ask for that.")


Handler = Callable[[Call], Any]


def encoded(told: Any) -> bytes:
    """Write as JSON."""
    return msgspec.json.encode(told)


def json(told: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(encoded(told), status, headers, JSON)


def _who(site: Site, http: Http) -> tuple[Person | None, Known | None]:
    if not site.desk.host.askers:
        return Person(access.LOCAL), "local"
    scheme, _, token = http.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        who = access.by_token(site.desk.host, token.strip())
        if who is None:
            raise Problem(401, "This token is nobody's.", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return who, "token"
    who = signing.signed_in(site.desk.host, site.signers, http.cookies.get(signing.COOKIE, ""))
    return (who, "cookie") if who else (None, None)


def _media(http: Http) -> str:
    return http.headers.get("content-type", "").partition(";")[0].strip().lower()


def _accepted(header: str) -> dict[str, float]:
    """Read what is accepted (RFC 9110, 12.5.1), as far as pages and JSON are told apart."""
    found = {}
    for part in header.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        found[media] = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
    return found
