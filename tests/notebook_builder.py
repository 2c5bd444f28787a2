"""Notebooks made by hand, for what no runner would write on request."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from scrapdb.facts import Facts
from scrapdb.notebooks.extract import read_facts

LONG_AGO = 1_600_000_000  # seconds; a file of that age is not taken for one that somebody is writing
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def notebook(*cells: Any, **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code(source: str = "1", *outputs: Any, count: int | None = 1, tags: tuple[str, ...] = (), **more: Any) -> Any:
    """Make a code cell; what `more` names goes into its metadata."""
    metadata = {**({"tags": list(tags)} if tags else {}), **more}
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": "cell",
        "metadata": metadata,
        "outputs": list(outputs),
        "source": source.splitlines(keepends=True),
    }


def markdown(source: str = "", *tags: str) -> Any:
    return {"cell_type": "markdown", "id": "text", "metadata": {"tags": list(tags)}, "source": source}


def output(data: Any, metadata: Any = None) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {} if metadata is None else metadata}


def scrap(name: Any, data: Any, encoder: str = "json") -> dict[str, Any]:
    """Glue as scrapbook 0.5 does."""
    payload = {"name": name, "data": data, "encoder": encoder, "version": 1}
    shown = {"scrapbook": {"name": name, "data": True, "display": False}}
    return output({f"application/scrapbook.scrap.{encoder}+json": payload}, shown)


def display(name: Any, bundle: Any) -> dict[str, Any]:
    """Show as scrapbook 0.5 does."""
    return output(bundle, {"scrapbook": {"name": name, "data": False, "display": True}})


def error(name: str = "KeyError", value: str = "'x'", traceback: Any = ()) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": list(traceback)}


def gluing(**values: Any) -> dict[str, Any]:
    """Make a notebook of one cell that glues values, texts as text and the rest as JSON."""
    encoders = {name: "text" if isinstance(value, str) else "json" for name, value in values.items()}
    return notebook(code("glue()", *(scrap(name, value, encoders[name]) for name, value in values.items())))


def content(document: Any) -> bytes:
    return json.dumps(document).encode()


def facts_of(*cells: Any, **metadata: Any) -> Facts:
    return read_facts(content(notebook(*cells, **metadata)))


def write(path: Path, document: Any, mtime: int = LONG_AGO) -> Path:
    """Write a notebook, or bytes as they are, with its directory; the file has not been changed for long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else content(document))
    os.utime(path, (mtime, mtime))
    return path
