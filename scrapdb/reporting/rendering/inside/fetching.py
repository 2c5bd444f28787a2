"""What a page may load while it becomes a PDF.

https://doc.courtbouillon.org/weasyprint/stable/first_steps.html#url-fetchers
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib import parse
from urllib.parse import unquote
from urllib.parse import urlsplit

from weasyprint.urls import URLFetcher
from weasyprint.urls import URLFetcherResponse

ABOVE = "bundle:///"  # where a page stands: what is relative in it is a file of the bundle, or nothing
parse.uses_relative.append("bundle")  # so that addresses can be relative to it
parse.uses_netloc.append("bundle")


class Fetcher(URLFetcher):  # type: ignore[misc] # it comes without types
    """Gives what is in the page itself, and files of static/ that were handed over; nothing else is there.

    Args:
        files: by path in the bundle.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=["data"], allow_redirects=False)
        self._files = files

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Return what is at an address.

        Raises:
            ValueError: it is none of these.
        """
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        parts = urlsplit(url)
        path = unquote(parts.path).lstrip("/")
        if parts.scheme != "bundle" or parts.netloc or path not in self._files:
            raise ValueError("a page loads nothing but what is in it and in static/")
        return URLFetcherResponse(url, self._files[path])
