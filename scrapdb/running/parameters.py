"""What parameters a notebook takes and of which type, and values made to fit."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET


class Parameter(msgspec.Struct, frozen=True):
    """A parameter that a notebook takes: `default` is UNSET if it has to be given."""

    name: str
    annotation: str | None = None
    default: Any = UNSET


class Signature(msgspec.Struct, frozen=True):
    """The parameters that a notebook takes. If it is `open`, any name is taken; `warnings` are sentences."""

    parameters: dict[str, Parameter] = {}
    open: bool = False
    warnings: tuple[str, ...] = ()

    def typed(
        self, row: Mapping[str, Any], secrets: Collection[str] = (), allow: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return a row's values as the notebook takes them: JSON values, dates and times.

        Args:
            row: values by name; those that were typed are `Text`.
            secrets: names of parameters that are given apart.
            allow: names that may be given although they look like secrets.

        Raises:
            UsageError: a value, a name, or what is missing.
        """
        raise NotImplementedError

    @property
    def defaults(self) -> dict[str, Any]:
        """The JSON values of the parameters that have one by default."""
        raise NotImplementedError


def of(content: bytes, kernel: str | None = None) -> Signature:
    """Find the parameters that a notebook takes, without executing it."""
    raise NotImplementedError


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON values: dates and times are ISO 8601 texts."""
    raise NotImplementedError


def canonical(parameters: Mapping[str, Any]) -> str:
    """Write typed parameters as JSON, the same for the same values wherever they come from."""
    raise NotImplementedError


def hashed(parameters: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON, for `parameters_hash`."""
    raise NotImplementedError
