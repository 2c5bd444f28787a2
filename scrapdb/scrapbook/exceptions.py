"""scrapbook's exceptions, under scrapbook's names."""

from __future__ import annotations

from scrapdb.errors import ScrapbookDataException
from scrapdb.errors import ScrapbookException
from scrapdb.errors import ScrapbookInvalidEncoder
from scrapdb.errors import ScrapbookMissingEncoder

__all__ = ["ScrapbookDataException", "ScrapbookException", "ScrapbookInvalidEncoder", "ScrapbookMissingEncoder"]
