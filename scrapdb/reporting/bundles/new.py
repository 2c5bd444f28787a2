"""A new bundle: the one in `starter`, which works as it is, to be changed step by step."""

from __future__ import annotations

import json
from pathlib import Path

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import config

_STARTER = Path(__file__).with_name("starter")
_SCHEMA = ".report.schema.json"  # hidden, and thus none of the bundle: it is for editors


def begin(directory: Path) -> list[str]:
    """Write a bundle into a directory, which is made, and return its files.

    Raises:
        UsageError: there is something in it already.
        BundleError: it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty. Name a new directory, or an empty one.")
        names = sorted(path.relative_to(_STARTER) for path in _STARTER.rglob("*") if path.is_file())
        files = {name.as_posix(): (_STARTER / name).read_bytes() for name in names if "__pycache__" not in name.parts}
        files[_SCHEMA] = json.dumps(config.schema(), indent=2).encode() + b"\n"
        for name, content in files.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(content)
    except OSError as error:
        raise BundleError(f"{directory} cannot be written: {error.strerror}.") from error
    return [name for name in files if name != _SCHEMA]
