"""Signing in with a token, and out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from scrapdb.reporting.service import access
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.web import signing
from scrapdb.reporting.service.web.pages.rendering import render
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from scrapdb.reporting.service.web.call import Call

# A path of ours: not `//host`, which is another server, nor what browsers take for one.
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def view(call: Call) -> Response:
    """Show the form; who is known already goes on."""
    to = local(call.http.query_params.get("next", ""))
    return RedirectResponse(to, 303) if call.who else render(call, "sign_in", next=to, wrong=None)


def sign_in(call: Call) -> Response:
    """Take a token, and give a cookie for it."""
    form = call.form
    to = local(form.get("next", ""))
    if call.site.failures.are_many(call.address):
        raise Problem(429, "There were too many wrong tokens. Try again in a minute.", {"Retry-After": "60"})
    who = access.by_token(call.host, form.get("token", "").strip())
    if who is None:
        call.site.failures.add(call.address)
        audit.write(call.desk.ledger, None, "page", "refuse", detail="a wrong token", address=call.address)
        return render(call, "sign_in", 401, next=to, wrong="This token is nobody's.")
    audit.write(call.desk.ledger, who.name, "page", "sign in", address=call.address)
    answer = RedirectResponse(to, 303)
    answer.set_cookie(
        signing.COOKIE,
        signing.session(call.site.signers, who, form["token"].strip()),
        max_age=signing.SECONDS,
        secure=_is_secure(call),
        httponly=True,
        samesite="lax",
    )
    return answer


def sign_out(call: Call) -> Response:
    """Take the cookie back."""
    call.form  # noqa: B018 - is ours, or refused
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(signing.COOKIE, secure=_is_secure(call), httponly=True, samesite="lax")
    return answer


def local(path: str) -> str:
    """Return a path if it is one of ours, else the front page."""
    return path if _LOCAL.fullmatch(path) else "/"


def _is_secure(call: Call) -> bool:
    return call.http.url.scheme == "https" or (call.host.url or "").startswith("https:")
