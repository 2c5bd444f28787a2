"""Showing other people's output: HTML in a frame that can neither run scripts nor reach the network, SVG as a picture.

A display was written by whoever ran the notebook. It must not act in the page of whoever looks at it.
"""

from __future__ import annotations

import base64
import html

# First in the frame's document, so that nothing in it comes before the policy. Measured in Chromium: with `sandbox=""`
# and this policy a hostile document neither runs a script nor sends a request.
_POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; font-src data:"


def sandboxed(document: str, *, scripts: bool = False, lazy: bool = False) -> str:
    """Return an `iframe` that shows an HTML document of unknown origin.

    Args:
        document: the HTML.
        scripts: whether its scripts run, as somebody of no origin who may load nothing. They could still lead the frame
            to an address of theirs: the page around it must be sent with the policy `frame-src 'none'`.
        lazy: whether it is loaded only when it comes into view.
    """
    policy, sandbox = (f"{_POLICY}; script-src 'unsafe-inline'", "allow-scripts") if scripts else (_POLICY, "")
    content = f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">{document}'
    style = "width: 100%; height: 24em; border: 0; background: white"  # what HTML is written for
    loading = 'loading="lazy" ' if lazy else ""
    return f'<iframe {loading}sandbox="{sandbox}" style="{style}" srcdoc="{html.escape(content)}"></iframe>'


def picture(mime_type: str, content: bytes) -> str:
    """Return an `img` with the picture inside; SVG shown so can neither run a script nor load anything."""
    return f'<img alt="" src="data:{html.escape(mime_type)};base64,{base64.b64encode(content).decode()}">'
