"""A scrap whose value is decoded when it is asked for: a DataFrame costs milliseconds, and memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from typing import SupportsIndex

from scrapdb.encoders.scrap import Scrap


class LazyScrap(Scrap):
    """A Scrap whose `data` is computed once, at first sight.

    In the tuple itself stands the function that computes it; every way to look at the tuple leads past it.
    """

    @property
    def data(self) -> Any:
        """The value."""
        if "value" not in self.__dict__:
            decode: Any = super().__getitem__(1)
            self.__dict__["value"] = decode()
        return self.__dict__["value"]

    def whole(self) -> Scrap:
        """Return the scrap with its value."""
        return Scrap(self.name, self.data, self.encoder, self.display)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.name, self.data, self.encoder, self.display))

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        return tuple(self)[key]

    def __eq__(self, other: object) -> bool:
        return (type(other) is tuple or isinstance(other, Scrap)) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(self.whole())

    def __reduce__(self) -> tuple[Any, ...]:
        return Scrap, tuple(self)

    def _replace(self, **changed: Any) -> Scrap:  # type: ignore[override]
        return self.whole()._replace(**changed)
