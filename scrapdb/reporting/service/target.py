"""Where a report is brought, as a bundle, a schedule or whoever asks says it."""

from __future__ import annotations

from typing import Annotated
from typing import Literal

import msgspec
from msgspec import Meta

Attachment = Literal["html", "pdf", "link"]


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An address, and what is brought there."""

    to: Annotated[
        str,
        Meta(
            min_length=1,
            description="mail:anna@example.com, slack:#sales, an https:// address that takes webhooks, or a path or URL"
            " of files such as s3://bucket/{bundle}/{site}.html.",
        ),
    ]
    attach: Annotated[tuple[Attachment, ...], Meta(description="What it brings.")] = ("html",)
    template: Annotated[
        str | None, Meta(description="Name of a template of the bundle for the message, without its suffix.")
    ] = None
