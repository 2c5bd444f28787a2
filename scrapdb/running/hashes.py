"""By which two runs are known to be the same: of one code, with the same parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from datetime import time
from typing import Any

from scrapdb.notebooks.extract import read_facts


def code_hash(content: bytes) -> str | None:
    """Hash the code of a notebook, as the store does; None if it cannot be read."""
    return read_facts(content).code_hash


def parameters_hash(parameters: Mapping[str, Any]) -> str:
    """Hash the parameters that a run is given, in whatever order they are."""
    return hashlib.sha256(canonical(parameters).encode("ascii")).hexdigest()


def canonical(parameters: Mapping[str, Any]) -> str:
    """Write parameters as JSON that is the same for equal ones; dates and times are texts as ISO 8601 has them."""
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"), default=_text)


def _text(value: Any) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"A parameter cannot be {value!r}.")
