"""Asking a real Datasette on a store, without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from datasette.app import Datasette


def get(database: Path, address: str, **arguments: Any) -> Any:
    """Give the response to a GET; `arguments` are those of Datasette."""

    async def ask() -> Any:
        return await Datasette([str(database)], **arguments).client.get(address)

    return asyncio.run(ask())
