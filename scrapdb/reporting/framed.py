"""How a page that somebody else has written is given to a browser: in a frame, where it can do nothing. Pure."""

from __future__ import annotations

from html import escape

# Nothing in a page goes anywhere else, nor do links: no other policy of Chromium keeps scripts from WebRTC.
ALONE = {"Connection-Allowlist": "(response-origin)"}
# It can neither load anything, nor be taken for something else.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-DNS-Prefetch-Control": "off",
    "Cache-Control": "private, no-cache",
}
# Nor can it act.
STILL = SAFE | {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
}
FRAMES = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"}
_FRAME = """<!doctype html><meta charset="utf-8"><title>Report</title><style>
html, body, iframe { display: block; width: 100%; height: 100%; margin: 0; border: 0; background: white }
</style><iframe title="Report" sandbox="" src="ADDRESS"></iframe>"""


def frame(address: str) -> str:
    """Return a page that has nothing in it but a frame around an address, to be sent with `SAFE` and `FRAMES`.

    A page that is opened by its own address needs one: a link in it would lead away, with that address.
    """
    return _FRAME.replace("ADDRESS", escape(address))
