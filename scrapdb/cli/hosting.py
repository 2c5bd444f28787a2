"""A store served by Datasette: settings that keep large stores fast, and the directory that any host of it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from scrapdb.errors import UsageError
from scrapdb.files.whole import whole_directory
from scrapdb.store import publish

SETTINGS: dict[str, bool | int] = {
    "suggest_facets": False,  # Datasette 0.65 tries every column of a table, on every page
    "default_page_size": 50,
    "max_returned_rows": 1000,
    "sql_time_limit_ms": 2000,
    "facet_time_limit_ms": 200,
}
_REQUIREMENTS = "scrapdb[datasette,regex]\n"
_README = """\
A store of scrapdb, as a directory for Datasette:

    pip install -r requirements.txt
    datasette {name}

`metadata.yaml` has its title. `settings.json` are the settings of Datasette 0.65, `datasette.yaml` those of 1.0.
Who may see it is said by an `allow` block: https://docs.datasette.io/en/stable/authentication.html
"""


def arguments(path: Path, *, immutable: bool = False) -> list[str]:
    """Return the arguments of `datasette serve` for a store."""
    settings = [word for name, value in SETTINGS.items() for word in ("--setting", name, _word(value))]
    return [*(["-i"] if immutable else []), str(path), *settings]


def write_directory(path: Path, directory: Path) -> None:
    """Write a configuration directory for Datasette 0.65 and 1.0: the store, its sidecars, its title and the settings.

    The directory, which may exist if it is empty, appears when it is complete.

    Raises:
        UsageError: there is something at that place.
        ScrapdbError: a sidecar is missing, or the directory cannot be written.
    """
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(f"The directory {directory} is not empty; name another, or remove it.")
    with suppress(OSError):  # of which the next line says more
        directory.parent.mkdir(parents=True, exist_ok=True)
    with whole_directory(directory) as new:
        publish.copy(path, new / f"{path.stem}.db")
        for name, text in _files(path.stem, directory.name):
            (new / name).write_text(text, "utf-8")


def _files(title: str, name: str) -> Iterator[tuple[str, str]]:
    """Write what stands beside the store. JSON is YAML."""
    settings = "".join(f"  {setting}: {json.dumps(value)}\n" for setting, value in SETTINGS.items())
    yield "metadata.yaml", f"title: {json.dumps(title, ensure_ascii=False)}\n"
    yield "datasette.yaml", f"settings:\n{settings}"
    yield "settings.json", f"{json.dumps(SETTINGS, indent=2)}\n"
    yield "requirements.txt", _REQUIREMENTS
    yield "README.md", _README.format(name=name)


def _word(value: int) -> str:
    return str(value) if value not in (True, False) else "on" if value else "off"
