"""`python -m scrapdb` is the command line."""

from __future__ import annotations

from scrapdb.cli.app import main

main()
